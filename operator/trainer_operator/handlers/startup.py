"""Start and end of the operator, and its periodic look at everything."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

import kopf

from trainer_operator import constants
from trainer_operator.cluster import Cluster
from trainer_operator.errors import ClusterError, NotFound
from trainer_operator.reconciler import Reconciler

logger = logging.getLogger(__name__)


@kopf.on.login()
def login(memo: kopf.Memo, **arguments: Any) -> kopf.ConnectionInfo | None:
    """Log in as KUBECONFIG says, or as the pod's service account."""
    arguments["memo"] = memo
    info = kopf.login_with_kubeconfig(**arguments) or kopf.login_with_service_account(**arguments)
    # By address, as our own client: kopf would ask the cluster's DNS for the API server.
    return info and replace(info, server=memo.cluster.address)


# An unexpected error ends the operator: a retry after kopf's minute would look like a hang.
@kopf.on.startup(errors=kopf.ErrorsMode.PERMANENT)
async def start(memo: kopf.Memo, settings: kopf.OperatorSettings, **_: Any) -> None:
    """Configure kopf, connect, and begin to look at runs."""
    configure(settings)
    if "cluster" not in memo:
        memo.cluster = await Cluster.connect()
    try:
        await memo.cluster.list_runs(next(iter(memo.settings.namespaces), None))
    except NotFound as error:
        raise kopf.PermanentError(
            f"The API server does not know {constants.PLURAL}.{constants.GROUP}:"
            " install the CRD of deploy/crds first."
        ) from error
    except ClusterError as error:
        raise kopf.TemporaryError(f"The API server does not answer yet: {error}", 1) from error
    memo.reconciler = Reconciler(memo.cluster, memo.settings)
    seconds = memo.settings.resync.total_seconds()
    memo.resync = asyncio.create_task(resync(memo.reconciler, seconds), name="resync")


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """Stop looking at runs and close the connections."""
    if "resync" in memo:
        memo.resync.cancel()
        with suppress(asyncio.CancelledError):
            await memo.resync
        await memo.reconciler.close()
    if "cluster" in memo:
        await memo.cluster.close()


def configure(settings: kopf.OperatorSettings) -> None:
    """Set what of kopf's defaults does not fit."""
    settings.posting.enabled = False  # Events are the reconciler's
    settings.scanning.disabled = True  # it takes rights on all CRDs and namespaces
    settings.networking.request_timeout = 15
    settings.networking.connect_timeout = 5
    # A 403 is retried, too, and looks like a hang: 15 s in all.
    settings.networking.error_backoffs = (0.5, 1, 2, 4, 8)
    settings.process.ultimate_exiting_timeout = 20
    ours = f"{constants.MANAGED_BY}={constants.MANAGER}"
    settings.watching.label_selectors["batch", "v1", "jobs"] = ours
    settings.watching.label_selectors["", "v1", "pods"] = ours


async def resync(reconciler: Reconciler, seconds: float) -> None:
    """Look at every unfinished run again and again: errors of handlers are only logged."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await reconciler.resync()
        except ClusterError as error:
            logger.warning("Resync: %s", error)
        except Exception:  # without it, nothing that an event missed would be looked at again
            logger.exception("Resync")
