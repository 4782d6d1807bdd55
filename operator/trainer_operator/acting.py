"""Does what was decided: each action is one request, with the preconditions that it carries."""

from dataclasses import dataclass
from typing import Any

from trainer_operator import constants
from trainer_operator.cluster import Cluster
from trainer_operator.errors import Changed
from trainer_operator.intake import Runs
from trainer_operator.reconcile import (
    Action,
    CreateJob,
    DeleteJob,
    DeleteRun,
    Hold,
    LetGo,
    PatchDeployment,
    StopJob,
    SuspendJob,
)
from trainer_operator.store import Key, Store, key_of

Object = dict[str, Any]


@dataclass(frozen=True)
class Actor:
    """Acts, and keeps in the store what the API server answers.

    Parameters
    ----------
    cluster
        The API server.
    store
        Where Jobs are kept.
    runs
        Who takes over runs.
    """

    cluster: Cluster
    store: Store
    runs: Runs

    async def act(self, raw: Object, action: Action) -> None:
        """Do an action for a run, as it was read or written last.

        Raises
        ------
        ClusterError
            If the API server did not do it.
        """
        namespace = raw["metadata"]["namespace"]
        match action:
            case CreateJob(manifest):
                await self._create(manifest)
            case StopJob(name, version, why):
                marks = {constants.STOP_REASON: why.reason, constants.STOP_MESSAGE: why.message}
                await self._suspend(namespace, name, version, on=True, annotations=marks)
            case SuspendJob(name, version, on):
                await self._suspend(namespace, name, version, on=on)
            case DeleteJob(name, uid):
                await self._delete(Key(namespace, name), uid)
            case PatchDeployment(name, body) as patch:
                await self.cluster.patch_deployment(namespace, name, body, apply=patch.applies)
            case Hold():
                await self._finalizers(raw, [*_others(raw), constants.FINALIZER])
            case LetGo():
                await self._finalizers(raw, _others(raw))
            case DeleteRun():
                meta = raw["metadata"]
                await self.cluster.delete_run(
                    *key_of(raw), uid=meta["uid"], version=meta["resourceVersion"]
                )
            case _:  # to read again is the reconciler's
                pass

    async def _create(self, manifest: Object) -> None:
        try:
            made: Object | None = await self.cluster.create_job(manifest)
        except Changed:  # there is one, of whomever: it is looked at
            made = await self.cluster.get_job(*key_of(manifest))
        if made:
            self.store.put_job(made)

    async def _suspend(
        self, namespace: str, name: str, version: str, *, on: bool, **metadata: Object
    ) -> None:
        meta = {"resourceVersion": version, **metadata}
        patch = {"metadata": meta, "spec": {"suspend": on}}
        self.store.put_job(await self.cluster.patch_job(namespace, name, patch))

    async def _delete(self, key: Key, uid: str) -> None:
        await self.cluster.delete_job(*key, uid=uid)
        known, left = self.store.jobs.get(key), await self.cluster.get_job(*key)
        if left:
            self.store.put_job(left)
        elif known and known["metadata"]["uid"] == uid:
            self.store.jobs.delete(known)

    async def _finalizers(self, raw: Object, names: list[str]) -> None:
        version = raw["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version, "finalizers": names}}
        self.runs.own(await self.cluster.patch_run(*key_of(raw), patch=patch))


def _others(raw: Object) -> list[str]:
    names = raw["metadata"].get("finalizers") or ()
    return [name for name in names if name != constants.FINALIZER]
