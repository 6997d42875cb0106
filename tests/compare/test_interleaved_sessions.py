"""A session: the order of calls, what is timed again, and what a session keeps; with processes that are played."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rtsr_bench.compare import sessions
from rtsr_bench.compare.sessions import Plan, SideFailedError, TimedProcess, runtime_ms
from rtsr_bench.evaluate.conduct import Call
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.load import Load
from rtsr_bench.record import Failure, FailureKind, Stage

SLOW = Failure(stage=Stage.RUNTIME, kind=FailureKind.TIMEOUT, message="too slow")


class Played(TimedProcess):
    """A process of a side whose calls take so long; notes them in `diary`."""

    def __init__(self, side: int, ms: float, diary: list[str], name: str) -> None:
        self.side, self.ms, self.diary, self.name = side, ms, diary, name
        self.child = cast("Any", SimpleNamespace(hello=SimpleNamespace(device="cpu")))
        self.work = cast("Any", SimpleNamespace(job=SimpleNamespace(protocol=SimpleNamespace(batch=2))))
        self.kept = []
        self.fails = False
        self.bracket_s = ms / 1e3

    def call(self) -> Call:
        if self.fails:
            raise SideFailedError(self.side, SLOW)
        self.diary.append(self.name)
        return Call(given=random_input(), sample_ms=self.ms, host_ms=None, bracket_s=self.bracket_s)


class Machine:
    """Says of each round whether other work disturbed it."""

    def __init__(self, *disturbed: bool, excuses: bool = False) -> None:
        self.left, self.excuses = list(disturbed), excuses
        self.retimed = self.waited = 0

    def mark(self) -> Any:
        return None

    def since(self, before: Any) -> Load:
        return Load(wall_s=1.0, foreign=0.5 if self.left and self.left[0] else 0.01)

    def disturbed(self, load: Load) -> bool:
        return bool(self.left) and self.left.pop(0)

    def again(self, calls: int, planned: int, load: Load) -> bool:
        self.retimed += calls
        return True

    def wait(self) -> None:
        self.waited += 1

    def excuse(self, failure: Failure, load: Load) -> None:
        if self.excuses:
            raise RuntimeError("the machine was too busy")


def four(diary: list[str]) -> list[Played]:
    return [Played(side, ms, diary, f"{side}{ms}") for side, ms in ((0, 10.0), (0, 11.0), (1, 20.0), (1, 22.0))]


def timed(processes: list[Played], plan: Plan, machine: Machine) -> list[Load]:
    return sessions._time_rounds(processes, plan, cast("Any", machine))


def test_each_round_runs_forth_and_back_so_that_drift_cancels() -> None:
    diary: list[str] = []
    processes = four(diary)
    timed(processes, Plan(calls=1, rounds=3, wake=False), Machine())
    rounds = [diary[at : at + 8] for at in range(0, 24, 8)]
    assert all(one[:4] == one[:3:-1] and len(set(one)) == 4 for one in rounds)
    assert all(one.kept == [one.ms] * 6 for one in processes)


def test_the_first_call_of_a_block_of_short_calls_is_not_kept() -> None:
    diary: list[str] = []
    processes = four(diary)
    timed(processes, Plan(calls=3, rounds=1, wake=True), Machine())
    assert len(diary) == 2 * 4 * (1 + 3)
    assert [len(one.kept) for one in processes] == [6] * 4


def test_a_disturbed_round_is_timed_again_and_not_kept() -> None:
    machine, processes = Machine(True, False, False), four([])
    loads = timed(processes, Plan(calls=1, rounds=2, wake=False), machine)
    assert [load.foreign for load in loads] == [0.01, 0.01]
    assert (machine.retimed, machine.waited) == (8, 1)
    made = sessions._session(processes, loads, cast("Any", machine), 3.0)
    assert (made.a_ms, made.b_ms, made.calls, made.began_s) == ((5.0, 5.5), (10.0, 11.0), 4, 3.0)  # per frame of two
    assert (made.foreign_load, made.retimed) == (pytest.approx(0.01), 8)


def test_a_model_that_fails_is_named_by_its_side_unless_the_machine_was_busy() -> None:
    processes = four([])
    processes[2].fails = True
    with pytest.raises(SideFailedError) as caught:
        timed(processes, Plan(calls=1, rounds=1, wake=False), Machine())
    assert (caught.value.side, caught.value.failure) == (1, SLOW)
    with pytest.raises(RuntimeError, match="busy"):
        timed(processes, Plan(calls=1, rounds=1, wake=False), Machine(excuses=True))


def test_samples_that_add_up_to_more_than_passed_are_refused() -> None:
    processes = four([])
    processes[0].ms, processes[0].bracket_s = 100.0, 0.01
    with pytest.raises(SideFailedError, match="add up to"):
        timed(processes, Plan(calls=4, rounds=1, wake=False), Machine())


@pytest.mark.parametrize(
    ("seconds", "calls", "wake"), [(0.0005, 32, True), (0.01, 2, True), (0.1, 1, False), (2.0, 1, False)]
)
def test_blocks_are_short_and_slow_calls_need_no_waking(seconds: float, calls: int, wake: bool) -> None:
    plan = Plan.for_calls_of(seconds)
    assert (plan.calls, plan.wake) == (calls, wake)
    assert 2 <= plan.rounds <= 200


def test_the_runtime_of_a_process_is_that_of_the_middle_half_of_its_calls() -> None:
    assert runtime_ms([12.0, 10.0, 90.0, 11.0, 40.0, 13.0, 20.0, 15.0]) == 15.0
    assert runtime_ms([12.0, 10.0]) == 11.0
