"""Whether each pod of the predictor runs a version."""

from trainer_job.contract import Failure
from trainer_operator.observed import Deployment, Pod
from trainer_operator.reconcile.causes import predictor_trouble, told


def ready_pods(deployment: Deployment, version: str) -> list[Pod]:
    """Return the pods that carry the version and are ready."""
    return [pod for pod in deployment.pods if pod.version == version and pod.ready]


def lacking(deployment: Deployment, version: str) -> str | None:
    """Return what is lacking until every pod serves `version`, None where nothing is.

    The Deployment's own readyReplicas would say "1 of 1" while the old pod serves, hence the
    look at each pod.
    """
    ready = len(ready_pods(deployment, version))
    counts = (deployment.updated, deployment.replicas, deployment.available, len(deployment.pods))
    seen = deployment.observed_generation >= deployment.generation
    if seen and ready == deployment.wanted >= 1 and set(counts) == {deployment.wanted}:
        return None
    text = f"{ready} of {deployment.wanted} pods of {deployment.name} serve it."
    if deployment.paused:
        return f"{text} The Deployment is paused: kubectl rollout resume."
    if deployment.wanted == 0:
        return f"{text} The Deployment is scaled to 0."
    troubled = [pod for pod in deployment.pods if pod.version == version and not pod.ready]
    if troubled:
        return f"{text} {_capital(predictor_trouble(troubled[-1]))}"
    if deployment.refused:
        return f"{text} {told(Failure(reason='FailedCreate', message=deployment.refused))}"
    return text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
