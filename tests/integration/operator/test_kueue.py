"""A run with Kueue's label; a stand-in does what Kueue would do to the Job."""

import json

from tests.integration.operator.plant import Plant, result
from tests.support import crd

QUEUE = "kueue.x-k8s.io/queue-name"


def test_a_job_of_kueue_is_created_suspended_and_left_alone(plant: Plant) -> None:
    manifest = json.loads(crd.manifest("queued", {}))
    manifest["metadata"]["labels"] = {QUEUE: "batch", "kueue.x-k8s.io/priority-class": "low"}
    plant.kubectl.apply(json.dumps(manifest))
    uid = plant.run("queued")["metadata"]["uid"]
    job = plant.job()
    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"][QUEUE] == "batch"
    assert job["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] == "low"
    assert QUEUE not in job["spec"]["template"]["metadata"]["labels"]

    def told() -> bool:
        return "batch" in plant.status("queued").get("message", "")

    plant.eventually(told, "the queue in the message")
    assert plant.status("queued")["phase"] == "Pending"
    plant.admit(node_selector={"pool": "a"})
    plant.end(message=result(uid, "Rejected"))
    assert plant.finish("queued")["decision"]["outcome"] == "Rejected"
    name = job["metadata"]["name"]
    after = plant.kubectl.get("job", name, "--show-managed-fields")
    assert after["metadata"]["uid"] == job["metadata"]["uid"]
    assert after["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "a"}
    ours = [
        each for each in after["metadata"]["managedFields"] if each["manager"] == "trainer-operator"
    ]
    assert [each["operation"] for each in ours] == ["Update"]
    assert "f:suspend" not in json.dumps(ours)  # it is Kueue's since it changed it
    assert ours[0]["time"] == after["metadata"]["creationTimestamp"]
