"""Why a run waits or failed: a constant for machines, paired with its sentence for people."""

from dataclasses import dataclass

from trainer_job.contract import Failure


@dataclass(frozen=True)
class Reason:
    """A constant in CamelCase, and the sentence that goes with it.

    The sentence says what happened, on what object, and what to do next.
    """

    name: str
    text: str

    def because(self, **details: object) -> Failure:
        """Return the reason with its sentence filled in."""
        return Failure(reason=self.name, message=self.text.format(**details))


def sentence(text: str) -> str:
    """Return somebody else's words with a full stop: our own sentence follows them."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


# While it goes on -----------------------------------------------------------------------------
QUEUED = Reason(
    "Queued",
    "As many of the namespace's runs go on as may at the same time: {limit} (chart value"
    " maxConcurrentRuns). The run starts by itself, in the order of creation.",
)
QUEUED_BY_KUEUE = Reason(
    "QueuedByKueue",
    "The Job {job} waits in the queue {queue} of Kueue. Without Kueue, or without that LocalQueue,"
    " it waits for ever: see kubectl get workloads.",
)
SUSPENDED = Reason("Suspended", "{what} Set spec.suspend to false to go on.")
RESUMING = Reason("Resuming", "The Job {job} is started again.")
SUSPENSION_TOO_LATE = Reason(
    "SuspensionTooLate",
    "Version {version} is on the Deployment {deployment}: half a rollout is worse than a whole one,"
    " so it goes on to its end in spite of spec.suspend. {going_on}",
)
ADMITTED = Reason("Admitted", "The Job {job} is about to be created.")
STARTING = Reason("Starting", "The Job {job} waits for its pod to start.")
NOT_STARTED_YET = Reason(
    "NotStartedYet", "The pod {pod} has not started: {cause} The run fails after {limit} of this."
)
REFUSED_SO_FAR = Reason(
    "JobRefused", "The cluster refuses the Job {job}: {cause} It is tried again for {limit}."
)
RUNNING = Reason("JobRunning", "{what}.")
RETRYING = Reason("Retrying", "Attempt {attempts} of the Job {job} failed; it tries again. {cause}")
JOB_ENDING = Reason("JobEnding", "The Job {job} is being deleted; another one will follow.")
FINISHING = Reason("JobFinishing", "The Job {job} failed; the end of its last pod is awaited.")
STOPPING = Reason("Stopping", "{cause}")
RECALLING = Reason(
    "Recalling",
    "The Job {job} ended and its pod is gone; the Job {recall} asks the records for its decision.",
)
POD_LOST_RETRYING = Reason(
    "PodLostRetrying",
    "The pod {pod} does not end, and its node {node} does not answer: attempt {attempts} is lost."
    " The Job {job} is made anew.",
)
DELETING = Reason("Deleting", "The run is deleted as soon as its rollout is settled: {cause}")
AWAITING_APPROVAL = Reason(
    "AwaitingApproval",
    "Version {version} of {model} is registered and passed every gate. To put it in service, set"
    " spec.promotion.approvedVersion to {version}; to leave it, delete the run.",
)
APPROVED = Reason("Approved", "Version {version} was approved; it goes into service next.")
ROLLOUT_QUEUED = Reason(
    "RolloutQueued",
    "Version {version} waits for the Deployment {deployment}, on which the TrainingRun {rival}"
    " has a rollout.",
)
ROLLOUT_DUE = Reason("RolloutDue", "Version {version} is registered and passed every gate.")
ROLLING_OUT = Reason("RollingOut", "Version {version} goes into service: {lacking}")
PROVING = Reason("Proving", "Version {version} runs and is asked for its golden episodes.")

# Failures before training ---------------------------------------------------------------------
INVALID_SPEC = Reason(
    "InvalidSpec",
    "{problem} Nothing was trained. Correct the field and apply the run under a new name.",
)
DEPLOYMENT_MISSING = Reason(
    "DeploymentMissing",
    "There is no Deployment {deployment} in namespace {namespace} (spec.predictor.deployment), so"
    " nothing was trained. Create it or correct the name, and apply the run under a new name.",
)
JOB_REFUSED = Reason(
    "JobRefused",
    "The cluster refused the Job {job}: {cause} See spec.job, and the namespace's quotas and pod"
    " security.",
)
QUOTA_EXCEEDED = Reason(
    "QuotaExceeded",
    "The namespace's quota does not allow {what}: {cause} Wait until others have ended, raise the"
    " quota, or ask for less in spec.job.resources.",
)
POD_SECURITY_FORBIDDEN = Reason(
    "PodSecurityForbidden",
    "The namespace's pod security does not allow {what}: {cause} See the namespace's labels"
    " pod-security.kubernetes.io/*, and spec.job.",
)
LIMIT_RANGE_FORBIDDEN = Reason(
    "LimitRangeForbidden",
    "A LimitRange of the namespace does not allow {what}: {cause} See spec.job.resources.",
)
JOB_NAME_TAKEN = Reason(
    "JobNameTaken",
    "There is a Job {job} that does not belong to this run. Delete it, and apply the run under a"
    " new name.",
)

# Failures of a Job ----------------------------------------------------------------------------
OUT_OF_MEMORY = Reason(
    "OOMKilled",
    "OOMKilled: the pod {pod} needed more than its memory limit of {limit}. Raise"
    " spec.job.resources.limits.memory.",
)
DEADLINE_EXCEEDED = Reason(
    "DeadlineExceeded",
    "The Job {job} did not end within {limit} ({field}); {last} Raise the limit, or give the"
    " Job less to do.",
)
ATTEMPT_FAILED = Reason(
    "AttemptFailed",
    "The pod {pod} ended with exit code {code} and left no result. Its last line: {line} See"
    " kubectl logs {pod}, and spec.job.image.",
)
EVICTED = Reason(
    "Evicted",
    "The pod {pod} was taken away by the cluster: {cause} See spec.job.resources.requests and"
    " spec.job.priorityClassName, and apply the run under a new name.",
)
NODE_LOST = Reason(
    "NodeLost",
    "The pod {pod} does not end, and its node {node} does not answer; no attempt is left of the"
    " {attempts} (spec.retry.limit). See kubectl get nodes, and apply the run under a new name.",
)
POD_LOST = Reason(
    "PodLost",
    "The pod {pod} ended without its container's result: {cause} Apply the run under a new name.",
)
NO_RESULT = Reason(
    "NoResult",
    "The Job {job} ended ({cause}) and left no result. Is spec.job.image the trainer's image?",
)
NOT_STARTED = Reason("NotStarted", "The pod {pod} did not start within {limit}: {cause} {remedy}")

# Failures of a rollout ------------------------------------------------------------------------
DEPLOYMENT_GONE = Reason(
    "DeploymentMissing",
    "The Deployment {deployment} (spec.predictor.deployment) was deleted after version {version}"
    " was trained. The version is registered but not in service. Create the Deployment, and apply"
    " the run under a new name.",
)
CONFLICT = Reason(
    "Conflict",
    "The Deployment {deployment} was changed by somebody else while version {version} was rolled"
    " out: {cause} It was left alone. Let only this operator write the annotations"
    " training.sensors.dev/*, and apply the run under a new name.",
)
CLAIM_REFUSED = Reason(
    "ClaimRefused",
    "The Deployment {deployment} could not be given version {version}: {cause} Take away what"
    " others wrote into its annotations training.sensors.dev/*, and apply the run under a new"
    " name.",
)
NOT_PROVEN = Reason(
    "NotProven",
    "Version {version} was not in service within {limit} (spec.predictor.timeout): {lacking}"
    " {back}",
)
NOT_PROMOTED = Reason("NotPromoted", "Version {version} was not promoted: {cause} {back}")
NEWER_IN_SERVICE = Reason(
    "NewerVersionInService",
    "Version {version} was not put in service: the Deployment {deployment} already serves version"
    " {newer} of {name}.",
)
NOT_SERVING = Reason(
    "NotServing",
    "The Deployment {deployment} is scaled to 0: version {version} is promoted without having been"
    " asked. Before it serves, scale up and prove it: spec.source.modelVersion: {version} in a new"
    " run.",
)
CHANGED_MEANWHILE = Reason(
    "VersionChangedMeanwhile",
    "Version {version} was not put in service: version {found} is, and {expected} was when the run"
    " began. Apply the run under a new name if it is still wanted.",
)
RESTORED_AFTER_DELETION = Reason(
    "RestoredAfterDeletion",
    "The run was deleted while version {version} was rolled out: {back}",
)
