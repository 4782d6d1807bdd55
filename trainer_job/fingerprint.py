"""What a model was made of, as one short value: equal where training again would change nothing."""

import hashlib
import json
from collections.abc import Sequence

from trainer_job import __version__
from trainer_job.contract import RunDocument
from trainer_job.episodes import Manifest
from trainer_job.patterns import Patterns


def fingerprint(
    document: RunDocument, manifests: Sequence[Manifest], patterns: Patterns | None
) -> str:
    """Return the SHA-256 of the data and of all that decides what is made of them.

    The data are the episodes with their readings and labels; the rest is features, model, gates,
    reference and the code's version.
    """
    parts = {
        "episodes": [manifest.hash() for manifest in manifests],
        "labels": [manifest.labels.tolist() for manifest in manifests],
        "features": document.features.to_json(),
        "model": document.model.to_json(),
        "gates": document.gates.to_json(),
        "reference": None if patterns is None else patterns.digest,
        "code": __version__,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
