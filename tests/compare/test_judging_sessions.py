"""Verdicts about runtime, by simulation: processes whose runtime is off by some percent for their lifetime."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from rtsr_bench.compare.judging import LEAST_SESSIONS, RESOLUTION, Estimate, Stopping, estimate, judge_sessions
from rtsr_bench.compare.runtime import compare_runtimes
from rtsr_bench.comparison import RuntimeComparison, Session, Verdict

FINE = math.log1p(RESOLUTION)


class Machine:
    """Sessions on a machine where the runtime of a process is off by `spread`, and the machine drifts."""

    def __init__(self, seed: int, *, slower: float = 0.0, spread: float = 0.01, drift: float = 0.02) -> None:
        self.dice = random.Random(seed)
        self.slower, self.spread, self.drift = slower, spread, drift
        self.now = 0.0
        self.count = 0

    def session(self, began_s: float) -> Session:
        self.count += 1
        self.now += 10.0
        speed = math.exp(self.drift * self.count)
        a, again, b, b_again = (10 * speed * math.exp(self.dice.gauss(0, self.spread)) for _ in range(4))
        longer = 1 + self.slower
        return Session(a_ms=(a, again), b_ms=(b * longer, b_again * longer), calls=100, began_s=began_s)


def compared(machine: Machine, *, most: int = 60, resolution: float = FINE, most_s: float = 1e6) -> RuntimeComparison:
    stopping = Stopping(most_sessions=most, most_s=most_s, resolution=resolution)
    return compare_runtimes(machine.session, stopping, clock=lambda: machine.now)


def verdicts(runs: int, **world: float) -> Counter[Verdict]:
    return Counter(compared(Machine(seed, **world)).verdict for seed in range(runs))


@pytest.mark.parametrize("spread", [0.002, 0.01, 0.015])
def test_a_model_and_itself_are_the_same_within_noise_though_the_machine_drifts(spread: float) -> None:
    assert verdicts(200, spread=spread)[Verdict.SAME] == 200


@pytest.mark.parametrize(("slower", "word"), [(0.05, Verdict.SLOWER), (-0.05, Verdict.FASTER)])
def test_five_percent_are_found(slower: float, word: Verdict) -> None:
    assert verdicts(200, slower=slower)[word] == 200


def test_a_difference_at_the_resolution_takes_more_sessions_until_it_is_decided() -> None:
    found = compared(Machine(1, slower=0.025), most=1000)
    assert found.verdict is Verdict.SLOWER
    assert len(found.sessions) > len(compared(Machine(1, slower=0.05)).sessions)
    assert compared(Machine(1, slower=0.025), most=8).verdict is Verdict.AMBIGUOUS


def test_the_interval_covers_the_true_difference_though_the_number_of_sessions_depends_on_the_noise() -> None:
    inside = 0
    for seed in range(400):
        found = compared(Machine(seed, slower=0.05))
        assert found.interval is not None
        inside += found.interval[0] <= math.log1p(0.05) <= found.interval[1]
    assert 0.92 <= inside / 400 <= 0.98


def test_a_noisier_machine_takes_more_sessions_and_a_finer_resolution_too() -> None:
    def sessions(spread: float, resolution: float) -> int:
        return sum(
            len(compared(Machine(seed, spread=spread), resolution=resolution, most=2000).sessions) for seed in range(20)
        )

    assert sessions(0.005, FINE) < sessions(0.02, FINE)
    assert sessions(0.005, FINE) < sessions(0.005, FINE / 4)


def test_quiet_sessions_end_with_the_least_number() -> None:
    found = compared(Machine(1, spread=0.0005))
    assert len(found.sessions) == LEAST_SESSIONS
    assert "standard error is at most 0.1 %" in found.ended


def test_caps_end_the_timing_and_the_verdict_says_that_the_floor_is_too_high() -> None:
    found = compared(Machine(1, spread=0.05), most=8)
    assert len(found.sessions) == 8
    assert found.ended == "8 sessions at most"
    assert (found.verdict, found.floor is not None) == (Verdict.AMBIGUOUS, True)
    assert "resolution of 2.5 %" in found.reason
    late = compared(Machine(1, spread=0.05), most_s=60.0)
    assert len(late.sessions) == 6, "a seventh would end after 70 s"
    assert late.ended == "1 minutes at most"


def test_a_large_difference_is_told_on_a_noisy_machine() -> None:
    assert compared(Machine(3, spread=0.05, slower=0.6), most=8).verdict is Verdict.SLOWER


def test_one_session_is_ambiguous() -> None:
    found = compared(Machine(1), most=1)
    assert (found.verdict, found.interval, found.floor) == (Verdict.AMBIGUOUS, None, None)
    assert "One session" in found.reason


def test_ratios_are_symmetric_and_the_null_compares_processes_of_one_model() -> None:
    one = Session(a_ms=(10.0, 11.0), b_ms=(20.0, 22.0), calls=1, began_s=0)
    other = Session(a_ms=one.b_ms, b_ms=one.a_ms, calls=1, began_s=0)
    assert one.ratio == pytest.approx(math.log(2))
    assert one.ratio == pytest.approx(-other.ratio)
    assert one.null == pytest.approx(math.log(1.1))


def test_estimate_against_a_calculation_by_hand() -> None:
    pairs = [(0.04, 0.01), (0.06, -0.01), (0.05, 0.01)]
    sessions = [
        Session(
            a_ms=(math.exp(-null / 2), math.exp(null / 2)),
            b_ms=(math.exp(ratio - null / 2), math.exp(ratio + null / 2)),
            calls=1,
            began_s=0,
        )
        for ratio, null in pairs
    ]
    found = estimate(sessions)
    assert found is not None
    error = 0.01 / math.sqrt(3)
    assert found.ratio == pytest.approx(0.05)
    assert found.error == pytest.approx(error)
    assert found.interval == pytest.approx((0.05 - 4.302653 * error, 0.05 + 4.302653 * error))  # t of 2 degrees, 97.5 %
    assert found.floor == pytest.approx((12.923979 + 4.302653) * error)  # and of 3 degrees, 99.95 %
    assert estimate(sessions[:1]) is None


@pytest.mark.parametrize(
    ("interval", "floor", "word"),
    [
        ((0.03, 0.05), 0.02, Verdict.SLOWER),
        ((-0.05, -0.03), 0.02, Verdict.FASTER),
        ((-0.01, 0.015), 0.02, Verdict.SAME),
        ((0.01, 0.03), 0.02, Verdict.AMBIGUOUS),
        ((-0.03, 0.03), 0.02, Verdict.AMBIGUOUS),
    ],
)
def test_interval_and_floor_make_the_verdict(
    interval: tuple[float, float], floor: float, word: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Estimate(sessions=9, ratio=sum(interval) / 2, error=0.002, interval=interval, floor=floor)
    monkeypatch.setattr("rtsr_bench.compare.judging.estimate", lambda sessions: made)
    sessions = [Machine(1).session(0.0)]
    assert judge_sessions(sessions, 0.03, "").verdict is word
