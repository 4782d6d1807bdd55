"""Start and end of the operator, as kopf calls for them."""

import asyncio
import logging
import os
from dataclasses import replace
from typing import Any

import kopf

from trainer_operator import constants
from trainer_operator.cluster import Cluster
from trainer_operator.errors import ClusterError, NotFound
from trainer_operator.runtime import Runtime

_PATIENCE = 2.0
"""Seconds that kopf has for its own end, which takes a fifth of one."""


@kopf.on.login()
def login(memo: kopf.Memo, **arguments: Any) -> kopf.ConnectionInfo | None:
    """Log in as KUBECONFIG says, or as the pod's service account."""
    arguments["memo"] = memo
    info = kopf.login_with_kubeconfig(**arguments) or kopf.login_with_service_account(**arguments)
    # By address, as our own client: kopf would ask the cluster's DNS for the API server.
    return info and replace(info, server=memo.runtime.cluster.address)


# An unexpected error ends the operator: a retry after kopf's minute would look like a hang.
@kopf.on.startup(errors=kopf.ErrorsMode.PERMANENT)
async def start(memo: kopf.Memo, settings: kopf.OperatorSettings, **_: Any) -> None:
    """Configure kopf, connect, and begin to look at runs."""
    configure(settings)
    if "runtime" not in memo:
        memo.runtime = Runtime(await Cluster.connect(), memo.settings)
    try:
        await memo.runtime.start()
    except NotFound as error:
        raise kopf.PermanentError(
            f"The API server does not know {constants.PLURAL}.{constants.GROUP}:"
            " install the CRD of deploy/crds first."
        ) from error
    except ClusterError as error:
        raise kopf.TemporaryError(f"The API server does not answer yet: {error}", 1) from error


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """Stop looking at runs and close the connections."""
    if "runtime" in memo:
        await memo.runtime.close()
    # kopf itself may hang: ended while it still asks what the cluster knows, it waits for a login
    # that never comes. Nothing is left to be done.
    asyncio.get_running_loop().call_later(_PATIENCE, _end)


def _end() -> None:
    logging.shutdown()
    os._exit(0)


def configure(settings: kopf.OperatorSettings) -> None:
    """Set what of kopf's defaults does not fit."""
    settings.posting.enabled = False  # Events are the reconciler's
    settings.scanning.disabled = True  # it takes rights on all CRDs and namespaces
    settings.networking.request_timeout = 15
    settings.networking.connect_timeout = 5
    # A 403 is retried, too, and looks like a hang: 15 s in all.
    settings.networking.error_backoffs = (0.5, 1, 2, 4, 8)
    # Whatever hangs is found again by the next one, which may wait for the end of this one.
    settings.process.ultimate_exiting_timeout = 4.5
