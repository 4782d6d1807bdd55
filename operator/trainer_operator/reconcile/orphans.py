"""Claims of runs that are gone, as when somebody took their finalizer away."""

from collections.abc import Collection

from trainer_operator.observed import Deployment
from trainer_operator.reconcile.plan import PatchDeployment
from trainer_operator.resources import rollout as patches


def restore(
    namespace: str, deployment: Deployment, uids: Collection[str]
) -> PatchDeployment | None:
    """Return the patch that takes an orphaned claim away, None where there is none.

    What the run put in service was never proven, or it would have given up the claim: the
    version before comes back. A version that somebody else has changed since stays.

    Parameters
    ----------
    namespace, deployment
        The Deployment, read a moment ago.
    uids
        Of every run of the namespace.
    """
    if deployment.claim is None or deployment.claim in uids:
        return None
    if deployment.version is None or deployment.version != deployment.template_version:
        return PatchDeployment(deployment.name, patches.release(deployment))
    name = deployment.model_name
    previous = deployment.previous if name else None
    body = patches.restore(namespace, deployment, name or "", previous)
    return PatchDeployment(deployment.name, body)
