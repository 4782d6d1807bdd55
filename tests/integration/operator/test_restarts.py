"""An operator that dies or is away at any moment changes nothing about the end."""

import json
import urllib.request

from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.conftest import account_with
from tests.integration.operator.plant import MODEL, Plant, result
from tests.integration.operator.process import Operator
from tests.support import chart
from tests.support.processes import wait_for

PREDICTOR = {"predictor": {"deployment": "sensor-predictor"}}


def identities(plant: Plant, task: str) -> list[str]:
    return [job["metadata"]["uid"] for job in plant.jobs(task)]


def test_killed_in_every_phase_it_comes_to_the_same_end(plant: Plant, operator: Operator) -> None:
    plant.create_predictor(version="1")
    operator.kill()
    uid = plant.apply("survivor", PREDICTOR)
    operator.start()
    train = plant.job()["metadata"]["uid"]
    operator.restart()
    as_of = plant.wait("survivor", "Running")["asOf"]
    operator.kill()
    plant.end(message=result(uid, "Staged"))
    operator.start()
    plant.eventually(lambda: plant.annotations().get("run") == uid, "the claim")
    operator.restart()
    plant.serve("2")
    promote = plant.job("promote")["metadata"]["uid"]
    operator.kill()
    plant.end("promote", result(uid, "Promoted"))
    operator.start()
    status = plant.finish("survivor")
    assert status["decision"]["outcome"] == "Promoted"
    assert status["asOf"] == as_of
    assert status["rollout"]["fromVersion"] == "1"
    assert identities(plant, "train") == [train]
    assert identities(plant, "promote") == [promote]
    assert plant.annotations() == {"model-name": MODEL, "model-version": "2"}


def test_a_record_without_its_consequence_is_followed_by_it(
    plant: Plant, operator: Operator
) -> None:
    plant.create_predictor(version="1")
    uid = plant.apply("torn", {"predictor": {"deployment": "sensor-predictor", "timeout": "1h"}})
    plant.end(message=result(uid, "Staged"))
    plant.eventually(lambda: plant.annotations().get("run") == uid, "the claim")
    operator.kill()
    # As if it had died between writing the decision and putting the old version back.
    decision = {"outcome": "RolledBack", "reason": "NotProven", "message": "Too late."}
    plant.set_status("trainingrun", "torn", {"decision": decision})
    operator.start()
    status = plant.finish("torn")
    assert status["phase"] == "Failed"
    assert status["message"] == "Too late."
    assert plant.annotations() == {"model-name": MODEL, "model-version": "1"}


def test_it_lives_through_a_restart_of_the_api_server(
    control_plane: ControlPlane, plant: Plant, operator: Operator
) -> None:
    uid = plant.apply("patient")
    plant.wait("patient", "Running")
    control_plane.restart_apiserver()
    plant.end(message=result(uid, "Rejected"))
    assert plant.finish("patient")["decision"]["outcome"] == "Rejected"
    assert operator.running


def test_it_tells_that_it_lives_and_ends_when_asked(operator: Operator) -> None:
    operator.restart()

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/healthz") as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    wait_for(healthy, "an answer of /healthz")
    assert operator.stop() == 0
    operator.start()


def test_it_serves_only_the_namespaces_it_is_given(
    control_plane: ControlPlane, admin: Kubectl, operator: Operator, plant: Plant
) -> None:
    operator.kill()
    own, other = str(plant.kubectl.namespace), "somewhere-else"
    admin("create", "namespace", other)
    role = chart.render(f"watchNamespaces={{{own}}}")["Role", f"{own}/trainer-operator"]
    kubeconfig = control_plane.service_account_kubeconfig("local-operator", "local-operator")
    plant.kubectl.apply(account_with(role["rules"], "local-operator", own))
    elsewhere = Plant(admin.within(other))
    elsewhere.apply("ignored")
    folder = kubeconfig.parent / "local-operator"
    folder.mkdir()
    with Operator(kubeconfig, folder, TRAINER_NAMESPACES=own) as local:
        uid = plant.apply("served")
        plant.end(message=result(uid, "Rejected"))
        assert plant.finish("served")["decision"]["outcome"] == "Rejected"
        assert local.running
    assert elsewhere.jobs() == []
    assert json.dumps(elsewhere.status("ignored")) == '{"observedGeneration": -1}'
    operator.start()
