"""Whatever happens in whatever order, a run comes to one end, and only to one.

A small world of dictionaries is changed at random: by the operator's own decisions, which may
die between any two writes, by controllers, by pods, by people and by time.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.unit.operator.builders import PREDICTOR, SETTINGS, UID, Object, failure, refusal
from tests.unit.operator.served import Conflict
from tests.unit.operator.world import ENDED, VERSION, World, document
from trainer_operator import constants
from trainer_operator.models import TrainingRun
from trainer_operator.reconcile import (
    CreateJob,
    DeleteJob,
    DeleteRun,
    LetGo,
    PatchDeployment,
    Plan,
    ReadAgain,
    decide,
)

TASKS = st.sampled_from(["train", "train", "check", "promote", "promote", "recall"])
SPECS: list[Object] = [
    {},
    PREDICTOR,
    {**PREDICTOR, "promotion": {"policy": "Never"}},
    {**PREDICTOR, "promotion": {"policy": "Manual"}},
    {**PREDICTOR, "retry": {"limit": 0}},
    {**PREDICTOR, "source": {"modelVersion": VERSION}},
    {**PREDICTOR, "suspend": True, "ttlAfterFinished": "1h"},
    {"promotion": {"policy": "Manual"}},
    {**PREDICTOR, "job": {"labels": {constants.KUEUE_QUEUE: "training"}}},
]
ONE_AT_A_TIME = SETTINGS.model_copy(update={"max_concurrent_runs": 1})
RECORDS = ("asOf", "startTime", "effective", "model", "data")
"""What is written once and never undone."""
STEPS = 300
"""Steps, of everybody by turns, within which a run that is left alone ends."""


def fixed(job: Object) -> Object:
    """Return what each Job of a task is told alike; whether anybody serves may change."""
    found = document(job)
    asked = found.pop("promote", {})
    return {**found, "version": asked.get("version")}


class Operations(RuleBasedStateMachine):
    """One run in a world; the invariants hold after each step."""

    world: World

    @initialize(
        spec=st.sampled_from(SPECS),
        version=st.sampled_from([None, "1"]),
        steps=st.integers(0, 30),
    )
    def begin(self, spec: Object, version: str | None, steps: int) -> None:
        """Begin somewhere on a run's way: chance alone seldom comes far."""
        self.world = World.of(spec, version)
        self.end: Object | None = None
        self.told: dict[str, str] = {}
        for _ in islice(self.calm(), steps):
            self.the_end_is_the_end()

    # The operator -------------------------------------------------------------------------------

    @rule(dies=st.sampled_from(["never", "never", "after the status", "before the status"]))
    def look(self, dies: str) -> None:
        """Look once; the operator may die in between."""
        if self.world.run is None or (plan := self.decide()) is None or dies == "before the status":
            return
        self.world.write(plan)
        if dies != "after the status":
            self.act(plan)

    @rule()
    def settle(self) -> None:
        """Look until there is nothing to do: then nothing is written either."""
        for _ in range(12):
            if self.world.run is None or (plan := self.decide()) is None:
                return
            wrote = self.world.write(plan)
            self.act(plan)
            if not wrote and plan.action is None:
                return
        raise AssertionError(f"it does not settle: {plan}")

    def decide(self, refused: Any = None) -> Plan | None:
        plan = decide(self.world.observe(refused), self.world.now, ONE_AT_A_TIME)
        if plan is not None:
            self.check(plan)
        return plan

    def act(self, plan: Plan) -> None:
        world = self.world
        if world.refusal and isinstance(plan.action, CreateJob | PatchDeployment):
            refused, world.refusal = world.refusal, None
            again = self.decide(refused)
            if again is not None:
                world.write(again)
            return
        with suppress(Conflict):  # it is looked at again
            world.act(plan)

    def check(self, plan: Plan) -> None:
        """Hold what a plan wants to do against what may be done."""
        world, phase = self.world, self.world.status.get("phase")
        if phase in ENDED:
            assert isinstance(plan.action, DeleteJob | DeleteRun | LetGo | None)
        match plan.action:
            case CreateJob(manifest):
                self.check_job(manifest)
            case PatchDeployment() as patch if patch.applies:
                self.check_version(patch)
            case ReadAgain():
                raise AssertionError("what is fresh is read again")
        assert world.run is not None
        for kept in RECORDS:
            if kept in world.status:
                assert plan.status.to_json().get(kept) == world.status[kept], kept

    def check_job(self, manifest: Object) -> None:
        """A task is never begun again once it is decided, and always with one document."""
        task = manifest["metadata"]["labels"][constants.TASK]
        outcome = self.world.status.get("decision", {}).get("outcome")
        if task == "train":
            assert outcome is None, "it trains what is decided"
        for earlier in self.world.made.get(task, []):
            assert earlier["metadata"]["name"] == manifest["metadata"]["name"]
            assert fixed(earlier) == fixed(manifest)
        if task == "promote" and "url" in document(manifest)["promote"]:
            assert self.world.status["rollout"]["toVersion"] == VERSION

    def check_version(self, patch: PatchDeployment) -> None:
        """An older version never takes the place of a newer one that somebody put there."""
        marks = patch.body["metadata"]["annotations"]
        if constants.CLAIM not in marks:
            return  # back to what was there before
        there = self.world.served.annotations()
        assert there.get("run") in {None, "another"}
        named = "modelVersion" in (self.world.run or {})["spec"].get("source", {})
        if "run" not in there and there.get("model-version") and not named:
            assert int(marks[constants.MODEL_VERSION]) >= int(there["model-version"])

    # Everybody else -----------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 30, 301, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule(task=TASKS)
    def job_controller(self, task: str) -> None:
        if task in self.world.jobs:
            self.world.control(task)

    @rule(task=TASKS, reason=st.sampled_from(["ImagePullBackOff", "ContainerCreating", ""]))
    def pod_starts_or_waits(self, task: str, reason: str) -> None:
        if pod := self.world.newest(task):
            self.world.hold(pod, reason) if reason else self.world.start(pod)

    @rule(task=TASKS, data=st.data(), told=st.booleans())
    def pod_decides(self, task: str, data: st.DataObject, told: bool) -> None:
        """The job commits; its pod may be killed before it says so."""
        pod = self.world.newest(task)
        if pod is None or not (outcomes := self.world.outcomes(task)):
            return
        answer = self.world.commit(task, data.draw(st.sampled_from(outcomes)))
        if told:
            self.tell(task, pod, answer)
        else:
            self.world.end(pod, 137, reason="OOMKilled")

    def tell(self, task: str, pod: Object, answer: str) -> None:
        """Let a pod end with its answer."""
        self.world.end(pod, 0, answer)
        self.told[task] = json.loads(answer)["decision"]["outcome"]

    @rule(task=TASKS, code=st.sampled_from([64, 65, 69, 70, 143]))
    def pod_fails(self, task: str, code: int) -> None:
        pod = self.world.newest(task)
        if pod and task not in self.world.committed:
            self.world.end(pod, code, failure("Reason"))

    @rule(task=TASKS)
    def job_is_deleted(self, task: str) -> None:
        if task in self.world.jobs:
            self.world.remove_job(task)

    @rule(task=TASKS)
    def pods_are_collected(self, task: str) -> None:
        if task in self.world.jobs:
            self.world.collect_pods(task)

    @rule(task=TASKS)
    def node_is_lost(self, task: str) -> None:
        if pod := self.world.newest(task):
            self.world.lose(pod)

    @rule(task=TASKS, suspend=st.booleans())
    def kueue(self, task: str, suspend: bool) -> None:
        if task in self.world.jobs and self.world.queued(task):
            self.world.jobs[task]["spec"]["suspend"] = suspend

    @rule(rival=st.sampled_from([None, "rival"]), before=st.sampled_from([None, "earlier"]))
    def others_roll_out(self, rival: str | None, before: str | None) -> None:
        self.world.before = before
        if self.world.served.annotations().get("run") != UID:
            self.world.rival = rival
            self.world.served.claim("another" if rival else None)

    @rule()
    def predictor_rolls(self) -> None:
        self.world.served.roll()

    @rule(spec=st.sampled_from([{"paused": True}, {"paused": False}, {"replicas": 0}]))
    def predictor_is_changed(self, spec: Object) -> None:
        self.world.served.change(**spec)

    @rule(version=st.sampled_from(["1", "9"]))
    def version_is_edited(self, version: str) -> None:
        self.world.served.put_version(version)

    @rule()
    def predictor_is_deleted(self) -> None:
        self.world.served.raw, self.world.served.pods = None, []

    @rule(for_good=st.booleans())
    def next_write_is_refused(self, for_good: bool) -> None:
        self.world.refusal = refusal(for_good=for_good)

    @rule(suspend=st.booleans())
    def somebody_suspends(self, suspend: bool) -> None:
        self.world.edit(suspend=suspend)

    @rule(ahead=st.integers(0, 2))
    def others_queue(self, ahead: int) -> None:
        self.world.ahead = ahead

    @precondition(lambda self: self.world.status.get("phase") == "AwaitingApproval")
    @rule()
    def somebody_approves(self) -> None:
        self.approve()

    @precondition(lambda self: self.world.status.get("phase") in {"RollingOut", "Promoting"})
    @rule()
    def somebody_deletes(self) -> None:
        self.world.delete_run()

    def approve(self) -> None:
        if self.world.run is not None and self.world.status.get("model"):
            promotion = self.world.run["spec"].get("promotion", {})
            self.world.edit(promotion={**promotion, "approvedVersion": VERSION})

    # What always holds --------------------------------------------------------------------------

    @invariant()
    def the_end_is_the_end(self) -> None:
        kept = ("phase", "decision", "completionTime", "model")
        found = {key: self.world.status.get(key) for key in kept}
        if self.end is not None and self.world.run is not None:
            assert found == self.end
        elif self.world.finished:
            self.end = found

    @invariant()
    def conditions_agree_with_the_phase(self) -> None:
        if self.world.run is None or not (phase := self.world.status.get("phase")):
            return
        found = {each["type"]: each["status"] for each in self.world.status["conditions"]}
        resting = phase in {"Suspended", "AwaitingApproval"}
        assert found["Finished"] == str(phase in ENDED)
        assert found["Ready"] == str(phase == "Succeeded")
        assert found["Stalled"] == str(phase == "Failed")
        assert found["Reconciling"] == str(phase not in ENDED and not resting)
        outcome = self.world.status.get("decision", {}).get("outcome")
        assert (found["Promoted"] == "True") == (outcome in {"Promoted", "NotServing"})
        assert self.world.status["message"]
        assert "completionTime" in self.world.status if phase in ENDED else True

    @invariant()
    def the_status_is_read_as_it_was_written(self) -> None:
        if self.world.run is not None and self.world.status.get("phase"):
            assert TrainingRun.read(self.world.run).status.to_json() == self.world.status

    def teardown(self) -> None:
        """Left alone from here, it comes to its end, and holds nothing any more."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.refusal, world.ahead = None, 0
        self.others_roll_out(None, None)
        if world.run is not None and "deletionTimestamp" not in world.run["metadata"]:
            world.edit(suspend=False)
        for _ in islice(self.calm(), STEPS):
            if world.run is None or world.finished:
                break
        self.settle()
        self.conditions_agree_with_the_phase()
        self.the_end_is_the_end()
        if world.run is None:
            return
        assert world.finished, f"it never ends: {world.status}"
        assert not world.run["metadata"].get("finalizers")
        assert world.served.annotations().get("run") != UID, "its claim is left"
        self.what_was_told_is_decided()

    def what_was_told_is_decided(self) -> None:
        """A decision that a pod has told is the run's, whatever became of pod and Job."""
        outcome = self.world.status.get("decision", {}).get("outcome")
        for task, told in self.told.items():
            if task == "promote" or told not in {"Staged", "AwaitingApproval"}:
                assert outcome == told

    def calm(self) -> Iterator[None]:
        """Let everybody do what they are there for, step by step, for ever."""
        while True:
            self.look("never")
            yield
            self.approve()
            self.world.served.change(paused=False)
            self.world.served.roll()
            for task in list(self.world.jobs):
                if task not in self.world.jobs:  # it was deleted meanwhile
                    continue
                if self.world.queued(task):
                    self.world.jobs[task]["spec"]["suspend"] = False
                self.world.control(task)
                yield
                self.answer(task)
                yield
            self.world.now += timedelta(seconds=20)

    def answer(self, task: str) -> None:
        """Let the pod of a Job do its work."""
        if (pod := self.world.newest(task)) is None:
            return
        if "deletionTimestamp" in pod["metadata"]:
            return  # its node is gone
        if outcomes := self.world.outcomes(task):
            self.tell(task, pod, self.world.commit(task, outcomes[0]))
        else:
            self.world.end(pod, 65, failure("WrongPredictions"))


TestWorld = Operations.TestCase
TestWorld.settings = settings(max_examples=100, stateful_step_count=30)
