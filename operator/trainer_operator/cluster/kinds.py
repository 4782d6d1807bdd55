"""The kinds of objects that are listed and watched, and how much of them is asked for."""

from dataclasses import dataclass

from trainer_operator import constants

_META = "application/json;as=PartialObjectMetadata{};v=v1;g=meta.k8s.io"


@dataclass(frozen=True)
class Kind:
    """A kind of objects.

    Parameters
    ----------
    root
        Where its API is.
    plural
        Its name there.
    selector
        Labels of the objects that are asked for; all if empty.
    metadata
        Whether only their metadata is asked for.
    """

    root: str
    plural: str
    selector: str = ""
    metadata: bool = False

    def accept(self, *, many: bool) -> str:
        """Return the media type of one object, or of a list."""
        return _META.format("List" if many else "") if self.metadata else "application/json"

    @property
    def query(self) -> dict[str, str]:
        """Return what every question about them says."""
        return {"labelSelector": self.selector} if self.selector else {}


_OURS = f"{constants.MANAGED_BY}={constants.MANAGER}"
RUNS = Kind(f"/apis/{constants.API_VERSION}", constants.PLURAL)
RUN_VERSIONS = Kind(RUNS.root, RUNS.plural, metadata=True)
JOBS = Kind("/apis/batch/v1", "jobs", _OURS)
PODS = Kind("/api/v1", "pods", _OURS)
DEPLOYMENTS = Kind("/apis/apps/v1", "deployments", metadata=True)
