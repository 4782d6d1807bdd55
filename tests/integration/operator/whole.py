"""The whole path in one namespace: operator, real job, real servers; only the nodes are played."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import requests
from psycopg2 import sql
from sqlalchemy import select

from hack.cluster.controlplane import ControlPlane
from tests.integration.operator.conftest import account_with
from tests.integration.operator.plant import KEY, predictor, short
from tests.integration.operator.process import Operator
from tests.support import chart, crd
from tests.support.kubelet import Kubelet
from tests.support.plant import Plant
from tests.support.postgres import PostgresServer
from tests.support.processes import wait_for
from tests.support.proxy import Proxy
from tests.support.rest import AWAY, Object, Rest
from tests.support.supervisor import Supervisor
from trainer_job.database.connection import connect
from trainer_job.database.migrate import migrate
from trainer_job.database.tables import promotions
from trainer_job.settings import DatabaseSettings

RUN = "nightly"
_NUMBERS = count(1)
DEPLOYMENT = "predictor"
_WINDOW = {"since": "2026-03-01T11:00:00Z", "until": "2026-03-01T12:00:00Z"}
_LEASES = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "verbs": ["get", "create", "update"],
}
"""Everywhere: the chart gives it in the operator's own namespace, and here each has its own."""
_SECONDS = 120
"""How long a run may take on a busy machine."""
_numbers = count(1)
_making = threading.Lock()


@contextmanager
def works(
    plane: ControlPlane, postgres: PostgresServer, tracking: str, folder: Path
) -> Iterator["Works"]:
    """Yield premises with nodes, the CRD, and an account with the rights that the chart gives."""
    name = f"whole-path-{next(_NUMBERS)}"  # two modules may share a control plane
    admin = crd.install(plane, name)
    account = plane.service_account_kubeconfig(name, name)
    role = chart.render()["ClusterRole", "trainer-operator"]
    admin.apply(account_with([*role["rules"], _LEASES], name))
    with Kubelet(plane, folder) as kubelet:
        yield Works(plane, kubelet, postgres, tracking, account, folder)


@dataclass
class Works:
    """What all sites share: a control plane with its nodes, a database and an MLflow server."""

    plane: ControlPlane
    kubelet: Kubelet
    postgres: PostgresServer
    tracking: str
    account: Path
    folder: Path
    rest: Rest = field(init=False)

    def __post_init__(self) -> None:
        self.rest = Rest(self.plane, "tester")
        self.kubelet.tracking = self.tracking
        self._filled = self.postgres.create_database()
        database = connect(self._filled)
        migrate(database)
        Plant(database).modes(12)
        database.engine.dispose()  # nobody may use it while it is copied

    @contextmanager
    def site(self, **settings: str) -> Iterator["Site"]:
        """Yield a namespace with an operator of its own, which is kept running."""
        name = f"site-{next(_numbers)}"
        folder = self.folder / name
        folder.mkdir()
        database = self._copy(name.replace("-", "_"))
        self.kubelet.secrets[name] = {"trainer-database": _variables(database)}
        self.rest.create("/api/v1/namespaces", {"metadata": {"name": name}})
        deployments = f"/apis/apps/v1/namespaces/{name}/deployments"
        self.rest.create(deployments, predictor(DEPLOYMENT))
        with ExitStack() as stack:
            proxy = stack.enter_context(Proxy(self.plane.url, self.plane.authority.own.certificate))
            kubeconfig = proxy.kubeconfig(self.account, folder / "kubeconfig")
            operator = Operator(kubeconfig, folder, **_settings(name, self.tracking), **settings)
            supervisor = stack.enter_context(Supervisor(operator))
            yield Site(self, name, proxy, operator, supervisor, database)
        self.rest.delete(f"/api/v1/namespaces/{name}")

    def _copy(self, name: str) -> DatabaseSettings:
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        parts = (name, self._filled.user, self._filled.name)
        with _making:
            self.postgres.execute(statement.format(*map(sql.Identifier, parts)))
        return replace(self._filled, name=name)


@dataclass
class Site:
    """One namespace with a run in it, and what it leaves behind."""

    works: Works
    namespace: str
    proxy: Proxy
    operator: Operator
    supervisor: Supervisor
    database: DatabaseSettings

    @property
    def model(self) -> str:
        """Return the registered name of the site's models."""
        return f"model-{self.namespace}"

    def apply(self) -> str:
        """Create a run that trains, rolls out and promotes; return its uid."""
        spec = {
            "source": {"data": _WINDOW},
            "model": {"registeredName": self.model},
            "predictor": {"deployment": DEPLOYMENT},
        }
        document = {
            "apiVersion": f"{KEY}/v1alpha1",
            "kind": "TrainingRun",
            "metadata": {"name": RUN},
            "spec": spec,
        }
        made = self.works.rest.create(self._path(f"apis/{KEY}/v1alpha1", "trainingruns"), document)
        return str(made["metadata"]["uid"])

    def run(self) -> Object:
        """Return the run."""
        return self.works.rest.get(self._path(f"apis/{KEY}/v1alpha1", "trainingruns", RUN))

    def phase(self) -> str | None:
        """Return the run's phase; None where it has none, or nobody answers."""
        try:
            phase: str | None = self.run().get("status", {}).get("phase")
        except (*AWAY, requests.HTTPError):
            return None
        return phase

    def wait(self, *phases: str) -> None:
        """Wait for one of some phases of the run."""
        what = f"{self.namespace}: {' or '.join(phases)}"
        try:
            wait_for(lambda: self.phase() in phases, what, _SECONDS)
        except AssertionError as error:
            told = f"{error}\n{self.run().get('status')}\n{self.operator.tail()}"
            raise AssertionError(told) from None

    def finish(self) -> Object:
        """Wait for the end of the run, and until the operator writes nothing more."""
        self.wait("Succeeded", "Failed")
        seen: list[int] = [-1]

        def quiet() -> bool:
            seen.append(len(self.proxy.writes))
            return len(seen) > 10 and len(set(seen[-10:])) == 1

        wait_for(quiet, f"the end of {self.namespace}'s writes", 30)
        return self.run()

    # What is left -------------------------------------------------------------------------------

    def faults(self, uid: str) -> list[str]:
        """Return what is not as one run leaves it that was never disturbed."""
        run = self.run()
        status = run.get("status", {})
        version = status.get("model", {}).get("version")
        facts = {
            "phase": (status.get("phase"), "Succeeded"),
            "decision": (status.get("decision", {}).get("outcome"), "Promoted"),
            "Finished": (_true(status, "Finished"), True),
            "Reconciling": (_true(status, "Reconciling"), False),
            "finalizers": (run["metadata"].get("finalizers", []), []),
            "Jobs made": (self._made(), {"train": 1, "promote": 1}),
            "pods without owner": (self._orphans(uid), []),
            "versions of the run": (self._versions(uid), [version]),
            "promotions": (self._promotions(), [(uid, version)]),
            "alias": (self._alias(), version),
            **self._service(version),
        }
        return [
            f"{what}: {found!r} and not {due!r}"
            for what, (found, due) in facts.items()
            if found != due
        ]

    def _made(self) -> dict[str, int]:
        """Return how many Jobs were ever made for each task, whoever heard of it."""
        made = {
            each["metadata"]["uid"]: each["metadata"]["labels"][f"{KEY}/task"]
            for each in self.proxy.made
            if each.get("kind") == "Job"
        }
        return dict(Counter(made.values()))

    def _orphans(self, uid: str) -> list[str]:
        jobs = self.works.rest.items(self._path("apis/batch/v1", "jobs"))
        pods = self.works.rest.items(self._path("api/v1", "pods"))
        known = {uid, *(job["metadata"]["uid"] for job in jobs)}
        ours = [each for each in pods if f"{KEY}/task" in each["metadata"].get("labels", {})]
        return [
            each["metadata"]["name"]
            for each in [*jobs, *ours]
            if not known & {one["uid"] for one in each["metadata"].get("ownerReferences", ())}
        ]

    def _service(self, version: str | None) -> dict[str, tuple[Any, Any]]:
        path = self._path("apis/apps/v1", "deployments", DEPLOYMENT)
        deployment = self.works.rest.get(path)
        due = {"model-name": self.model, "model-version": version}
        template = deployment["spec"]["template"]["metadata"]
        return {
            "annotations": (_annotations(deployment["metadata"]), due),
            "template": (_annotations(template), due),
        }

    def _versions(self, uid: str) -> list[str]:
        found = self._ask("model-versions/search", filter=f"name = '{self.model}'")
        return [
            each["version"]
            for each in found.get("model_versions", ())
            if uid in [tag["value"] for tag in each.get("tags", ())]
        ]

    def _alias(self) -> str | None:
        found = self._ask("registered-models/alias", name=self.model, alias="production")
        version: str | None = found.get("model_version", {}).get("version")
        return version

    def _ask(self, what: str, **query: str) -> Object:
        url = f"{self.works.tracking}/api/2.0/mlflow/{what}"
        found: Object = requests.get(url, params=query, timeout=30).json()
        return found

    def _promotions(self) -> list[tuple[str, str]]:
        database = connect(self.database)
        columns = (promotions.c.run_uid, promotions.c.version)
        try:
            with database.engine.connect() as connection:
                return [(uid, str(number)) for uid, number in connection.execute(select(*columns))]
        finally:
            database.engine.dispose()

    def _path(self, root: str, *parts: str) -> str:
        return "/".join((f"/{root}/namespaces/{self.namespace}", *parts))


def _settings(namespace: str, tracking: str) -> dict[str, str]:
    return {
        "TRAINER_NAMESPACES": namespace,
        # A container that is started again is the same one to the Lease, and goes on at once.
        "TRAINER_LEASE": f"{namespace}/trainer-operator",
        "TRAINER_IDENTITY": "operator-0",
        "TRAINER_TRACKING_URI": tracking,
        "TRAINER_START_TIMEOUT": "2m",
        "TRAINER_RESYNC": "2s",
        # Each state is written, and no progress between: so writes are the same each time.
        "TRAINER_SETTLE": "0s",
        "TRAINER_POLL": "1h",
    }


def _variables(own: DatabaseSettings) -> dict[str, str]:
    return {
        "POSTGRES_HOST": own.host,
        "POSTGRES_PORT": str(own.port),
        "POSTGRES_USER": own.user,
        "POSTGRES_PASSWORD": own.password,
        "POSTGRES_DB": own.name,
    }


def _annotations(meta: Object) -> dict[str, str]:
    return short(meta.get("annotations", {}))


def _true(status: Object, kind: str) -> bool:
    return any(
        each["type"] == kind and each["status"] == "True" for each in status.get("conditions", ())
    )
