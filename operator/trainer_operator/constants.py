"""Names that the operator shares with the CRD, the chart and the people who use kubectl."""

GROUP = "training.sensors.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "TrainingRun"
PLURAL = "trainingruns"

MANAGER = "trainer-operator"
"""Field manager of every write, and the component that events come from."""

# Labels of Jobs and their pods ---------------------------------------------------------------
MANAGED_BY = "app.kubernetes.io/managed-by"
RUN_UID = f"{GROUP}/run-uid"
TASK = f"{GROUP}/task"
TRAIN = "train"
CHECK = "check"
"""Takes the place of the train Job where the run names a version."""
PROMOTE = "promote"
RECALL = "recall"
"""Asks the job's records for a decision whose pod is gone."""
RUN_NAME = f"{GROUP}/run-name"
"""An annotation: a label's value is shorter than a run's name can be."""

# Labels that Kueue reads on a Job -------------------------------------------------------------
KUEUE_QUEUE = "kueue.x-k8s.io/queue-name"
KUEUE_PRIORITY = "kueue.x-k8s.io/priority-class"

# The run itself -------------------------------------------------------------------------------
FINALIZER = f"{GROUP}/rollout"
"""On a run whose rollout is under way: the Deployment is settled before the run is gone."""

# Annotations of the predictor's Deployment ----------------------------------------------------
MODEL_NAME = f"{GROUP}/model-name"
MODEL_VERSION = f"{GROUP}/model-version"
CLAIM = f"{GROUP}/run"
"""uid of the run that is rolling out; it is what makes one rollout at a time."""
PREVIOUS_VERSION = f"{GROUP}/previous-version"

# Annotations of a Job that the operator stopped -----------------------------------------------
STOP_REASON = f"{GROUP}/stop-reason"
STOP_MESSAGE = f"{GROUP}/stop-message"

# The job's reasons for a staged version; with any other, a gate leaves it to people --------------
AWAITING_ROLLOUT = "AwaitingRollout"
"""It passed, and is ours to roll out."""
PROMOTION_DISABLED = "PromotionDisabled"
"""It passed, and is not to be rolled out."""

ATTEMPTS_BEFORE = f"{GROUP}/attempts-before"
"""On a Job that was made anew: attempts of those before it, which had its name."""

# Pods of the Jobs ------------------------------------------------------------------------------
CONTAINER = "trainer"
"""Name of the container in the Jobs' pods."""

REFERENCE_VARIABLE = "SENSOR_DATA_FILE"
REFERENCE_FILE = "/reference/data_sensors.csv"
"""Where a pod finds the file that spec.reference names, whatever its key is called."""

USER = 10001
"""User and group of the images."""

# Condition types ------------------------------------------------------------------------------
RECONCILING = "Reconciling"
STALLED = "Stalled"
READY = "Ready"
TRAINED = "Trained"
EVALUATED = "Evaluated"
PROMOTED = "Promoted"
FINISHED = "Finished"
