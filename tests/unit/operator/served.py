"""The predictor's Deployment in a few dictionaries, with the pods behind it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.unit.operator.builders import KEY, MODEL, NOW, Object
from trainer_operator.observed import Deployment, Pod
from trainer_operator.reconcile import PatchDeployment


class Conflict(Exception):
    """A precondition of a write does not hold."""


@dataclass
class Served:
    """A Deployment, None once it is gone, and its pods."""

    raw: Object | None
    pods: list[Object] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @classmethod
    def of(cls, version: str | None) -> "Served":
        """Return one that serves a version, or none."""
        served = cls(
            {
                "metadata": {
                    "name": "sensor-predictor",
                    "uid": "uid-deployment",
                    "resourceVersion": "0",
                    "generation": 1,
                    "annotations": {},
                },
                "spec": {
                    "replicas": 1,
                    "paused": False,
                    "template": {"metadata": {"annotations": {}}},
                },
                "status": {},
            }
        )
        if version:
            served.put_version(version)
        served.roll()
        return served

    def view(self) -> Deployment | None:
        """Return what a decision sees of it."""
        if self.raw is None:
            return None
        return Deployment.read(self.raw, tuple(Pod.read(pod) for pod in self.pods))

    def annotations(self) -> dict[str, str]:
        """Return its annotations by their short name."""
        if self.raw is None:
            return {}
        found = self.raw["metadata"]["annotations"]
        return {key.removeprefix(f"{KEY}/"): value for key, value in found.items()}

    def proven(self, version: str) -> bool:
        """Say whether every pod behind the Service answers with a version."""
        found = [pod["metadata"]["annotations"].get(f"{KEY}/model-version") for pod in self.pods]
        return self.raw is not None and set(found) == {version}

    # What changes it ----------------------------------------------------------------------------

    def patch(self, patch: PatchDeployment) -> None:
        """Take the operator's patch.

        Raises
        ------
        Conflict
            If it is gone, or is not the one that was read.
        """
        asked = patch.body["metadata"]
        if self.raw is None or asked["resourceVersion"] != self.raw["metadata"]["resourceVersion"]:
            raise Conflict
        meta = self.raw["metadata"]
        if patch.applies:  # what it owns and no longer names goes
            meta["annotations"] = dict(asked["annotations"])
            self._template = dict(patch.body["spec"]["template"]["metadata"]["annotations"])
        else:
            merged = {**meta["annotations"], **asked["annotations"]}
            meta["annotations"] = {key: value for key, value in merged.items() if value}
        self._touch()

    def put_version(self, version: str) -> None:
        """Name a version on it, as somebody's apply does."""
        if self.raw is not None:
            marks = {f"{KEY}/model-name": MODEL, f"{KEY}/model-version": version}
            self.raw["metadata"]["annotations"] |= marks
            self._template = {**self._template, **marks}
            self._touch()

    def claim(self, uid: str | None) -> None:
        """Let another run begin its rollout, or end it."""
        if self.raw is not None:
            marks = {**self.raw["metadata"]["annotations"], f"{KEY}/run": uid}
            self.raw["metadata"]["annotations"] = {k: v for k, v in marks.items() if v}
            self._touch()

    def change(self, **spec: object) -> None:
        """Change its spec, as somebody does."""
        if self.raw is not None:
            self.raw["spec"] |= spec
            self.raw["metadata"]["generation"] += 1
            self._touch()

    def roll(self) -> None:
        """Let its controllers finish what they can of a rollout."""
        if self.raw is None:
            return
        wanted, paused = self.raw["spec"]["replicas"], self.raw["spec"]["paused"]
        if not paused:
            self.pods = [self._pod()] * wanted
        self.raw["status"] = {
            "observedGeneration": self.raw["metadata"]["generation"],
            "replicas": len(self.pods),
            "updatedReplicas": 0 if paused else wanted,
            "availableReplicas": len(self.pods),
        }
        self._touch()

    def _pod(self) -> Object:
        name = f"predictor-{next(self._numbers)}"
        own = {"name": name, "uid": name, "creationTimestamp": NOW.isoformat()}
        ready = {"type": "Ready", "status": "True"}
        return {
            "metadata": {**own, "annotations": dict(self._template)},
            "status": {"phase": "Running", "conditions": [ready]},
        }

    @property
    def _template(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.raw is not None:
            found = self.raw["spec"]["template"]["metadata"]["annotations"]
        return found

    @_template.setter
    def _template(self, annotations: dict[str, str]) -> None:
        if self.raw is not None and annotations != self._template:
            self.raw["spec"]["template"] = {"metadata": {"annotations": annotations}}
            self.raw["metadata"]["generation"] += 1

    def _touch(self) -> None:
        if self.raw is not None:
            self.raw["metadata"]["resourceVersion"] = str(next(self._numbers))
