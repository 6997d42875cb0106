"""What is timed beside the official repeats, and what becomes of it on a quiet and on a busy machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.evaluate import runtime
from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.conduct import Call, Seen
from rtsr_bench.evaluate.expectations import IMAGE_CHECKS, SPARE, Expected
from rtsr_bench.evaluate.inputs import BLOCKS, Crops, Input, image_input
from rtsr_bench.evaluate.quiet import VARIABLE, Machine, Patience, patience
from rtsr_bench.evaluate.runtime import REPEATED, TRIED_AGAIN, Measured, Watching, measure_runtime
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.load import Load, LoadMeter, Mark
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure, FailureKind, Stage, Telemetry

SIZE = Size(8, 12)
GAP = Gap(usual_ms=0.1, high_ms=0.2, image_ms=0.2)
BASE = np.random.default_rng(1).integers(0, 256, (9, 11, 3), dtype=np.uint8)
KNOWN = [image_input(b"x", at=(1, 2, 3)) for _ in range(IMAGE_CHECKS + SPARE)]
IMAGES = dict.fromkeys(KNOWN, (0.0, 0.0, 0.0))
EXPECTED = Expected(outputs=IMAGES, crops=Crops([BASE], SIZE), spare=tuple(KNOWN[IMAGE_CHECKS:]))
Took = Callable[[Input], float]


def protocol(repeats: int) -> Protocol:
    return Protocol(
        scale=2, data_sets=("x",), degradation="x", conventions=(), input=SIZE, precision={}, warmup=3, repeats=repeats
    )


class Played:
    """A conductor whose calls take as many ms as it is told."""

    def __init__(self, took: Took) -> None:
        self.took, self.last = took, None
        self.given: list[Input] = []
        self.extended_s, self.ends_at = 0.0, 0
        self.seen: dict[Input, Seen] = {}

    @property
    def outputs(self) -> dict[Input, tuple[float | None, ...]]:
        return {given: seen.output for given, seen in self.seen.items()}

    def begin(self, warmup: int, on_progress: object = None) -> None: ...

    def finish(self, *, memory: bool = False) -> None: ...

    def warmup_seeds(self) -> list[int]:
        return [1, 2, 3]

    def extend(self, seconds: float) -> None:
        self.extended_s += seconds

    def call(self, given: Input) -> Call | Failure:
        self.given.append(given)
        if self.ends_at == len(self.given):
            return Failure(stage=Stage.RUNTIME, kind=FailureKind.TIMEOUT, message="too slow")
        if given.at:
            self.seen[given] = Seen(output=(0.0,) * len(given.at))
        elif given.image is None:
            values = tuple(float(n) for n in range(BLOCKS))
            self.seen[given] = Seen(output=values, given=values)
        sample = self.took(given)
        return Call(given=given, sample_ms=sample, host_ms=None, bracket_s=sample / 1e3)


class Told(LoadMeter):
    """A meter that tells the loads it was given, one after another, the last one for ever."""

    def __init__(self, *shares: float | None) -> None:
        super().__init__(lambda: 0.0)
        self.shares = list(shares)

    def since(self, before: Mark) -> Load:
        share = self.shares.pop(0) if len(self.shares) > 1 else self.shares[0]
        return Load(wall_s=1.0, foreign=share, foreign_s=share or 0.0, culprit="cc1plus 40 %")


def measure(
    monkeypatch: pytest.MonkeyPatch, played: Played, repeats: int, meter: LoadMeter, *, official: bool = False,
    every_call: bool = False, waiting: list[str] | None = None,
) -> Measured | Failure:  # fmt: skip
    monkeypatch.setattr(runtime, "Conductor", lambda *_: played)
    if every_call:
        monkeypatch.setattr("rtsr_bench.evaluate.blocks.BLOCK_S", 0.0)
    child = SimpleNamespace(cpu_s=lambda: 0.0, hello=SimpleNamespace(device="cpu", threads=1), alive=True)
    patience = Patience(wait_s=2.0, retimed=1.0)
    tell = (waiting if waiting is not None else []).append
    machine = Machine(meter, official=official, tell=tell, wait=patience, sleep=lambda seconds: None)
    return measure_runtime(
        cast("Any", child), protocol(repeats), EAGER_FP32, gap=GAP, expected=EXPECTED,
        watching=Watching(machine=machine, read_state=lambda when: Telemetry(when=when)),
    ).measured  # fmt: skip


@pytest.mark.parametrize(("repeats", "crops"), [(244, 31), (100, 16), (15, 8), (40, 20), (1, 8)])
def test_crops_are_a_sample_among_the_repeats_and_never_samples(
    repeats: int, crops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(lambda given: 3.0 if given.image is None else 3.5)
    found = measure(monkeypatch, played, repeats, Told(0.0))
    assert isinstance(found, Measured), found
    assert found.runtime.samples_ms == (3.0,) * repeats
    assert found.runtime.image_ms == (3.5,) * crops
    assert sum(given.image is None and not given.repeated for given in played.given) == max(8, repeats)
    again = [given.seed for given in played.given if given.repeated]
    assert sorted(again) == [1, 2, 3][: min(REPEATED, 3)]
    pixels = [given.image for given in played.given if given.image is not None and not given.at]
    assert len(set(pixels)) == crops, "an image came twice"
    kinds = [given.image is None for given in played.given]
    assert kinds != sorted(kinds)
    assert kinds != sorted(kinds, reverse=True)


def test_two_runs_have_their_images_at_other_places(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    for _ in range(2):
        played = Played(lambda given: 3.0)
        measure(monkeypatch, played, 100, Told(0.0))
        orders.append([given.image is None for given in played.given])
    assert orders[0] != orders[1]


def slow_on_images(given: Input) -> float:
    return 3.0 if given.image is None else 4.5


def test_a_model_that_is_slow_on_images_is_inconsistent_on_a_quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure(monkeypatch, Played(slow_on_images), 100, Told(0.0))
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.INCONSISTENT
    assert "3.00 ms" in found.message
    assert "4.50 ms" in found.message


@pytest.mark.parametrize("share", [0.4, None])
def test_times_of_a_busy_or_unknown_machine_are_not_evidence(
    share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measure(monkeypatch, Played(slow_on_images), 100, Told(share))
    assert isinstance(found, Measured), found
    assert found.runtime.foreign_load == share


@pytest.mark.parametrize("tries", [1, 2])
def test_a_disagreement_is_tried_again_with_other_images(tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    share, count = SPARE // TRIED_AGAIN, 0

    def slow_at_first(given: Input) -> float:
        nonlocal count
        count += given.image is not None
        return 3.0 if given.image is None or count > 16 + IMAGE_CHECKS + (tries - 1) * (16 + share) else 4.5

    played = Played(slow_at_first)
    found = measure(monkeypatch, played, 100, Told(0.0))
    assert isinstance(found, Measured), found
    assert len(found.runtime.samples_ms) == 100
    known = [given for given in played.given if given.at]
    assert len(set(known)) == len(known) == IMAGE_CHECKS + tries * share, "an image came twice"


def test_two_different_disagreements_are_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """At first the crops are slow, at the second try the known images: chance, and no model."""
    first = 100 + 16 + IMAGE_CHECKS + 3

    def slow(given: Input) -> float:
        return 4.5 if given.image is not None and bool(given.at) is (len(played.given) > first) else 3.0

    played = Played(slow)
    found = measure(monkeypatch, played, 100, Told(0.0))
    assert isinstance(found, Measured), found
    assert len(played.given) > first, "there was no second try"


def test_model_that_works_only_in_a_later_try_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = 100 + 16 + IMAGE_CHECKS + 3

    def fast_at_first(given: Input) -> float:
        return 0.5 if given.image is None and len(played.given) <= first else 3.0

    played = Played(fast_at_first)
    found = measure(monkeypatch, played, 100, Told(0.0))
    assert isinstance(found, Measured), found
    assert found.runtime.samples_ms == (3.0,) * 100
    assert found.runtime.image_ms == (3.0,) * 16
    assert played.extended_s > 0, "the further calls have to fit into the limit of the first"


def test_a_model_that_only_remembers_known_images_is_caught_in_every_try(monkeypatch: pytest.MonkeyPatch) -> None:
    met: set[Input] = set()

    def slow_once(given: Input) -> float:
        slow = bool(given.at) and given not in met
        met.add(given)
        return 45.0 if slow else 0.5

    found = measure(monkeypatch, Played(slow_once), 100, Told(0.0))
    assert isinstance(found, Failure)
    assert "45.00 ms" in found.message


def test_timeout_beside_other_work_is_not_a_failure_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(lambda given: 3.0)
    played.ends_at = 5
    with pytest.raises(HarnessError, match="ran out of time beside it: too slow"):
        measure(monkeypatch, played, 20, Told(0.4))
    played = Played(lambda given: 3.0)
    played.ends_at = 5
    found = measure(monkeypatch, played, 20, Told(0.0))
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    ("cores", "foreign", "quiet"), [(2, 0.05, True), (2, 0.06, False), (64, 1 / 64, False), (64, 0.2 / 64, True)]
)
def test_with_many_processors_one_that_is_busy_is_no_quiet_machine(cores: int, foreign: float, quiet: bool) -> None:
    meter = Told(0.0)
    meter._cores = frozenset(range(cores))
    assert Machine(meter, official=True).quiet(foreign, None) is quiet


def test_disturbed_blocks_are_timed_again_on_fresh_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = iter([0.0, *[0.5 if number % 10 == 0 else 0.0 for number in range(1000)]])

    class Bursts(Told):
        def since(self, before: Mark) -> Load:
            share = 0.0 if before.processes else next(shares)
            return Load(wall_s=1.0, foreign=share, foreign_s=share)

    played = Played(lambda given: 3.0)
    found = measure(monkeypatch, played, 100, Bursts(0.0), every_call=True)
    assert isinstance(found, Measured), found
    assert len(found.runtime.samples_ms) == 100
    assert found.runtime.retimed > 0
    assert found.runtime.foreign_load == 0
    fresh = [given.seed for given in played.given if not given.repeated and not given.at]
    assert len(set(fresh)) == len(fresh)


def test_an_official_measurement_waits_and_is_not_kept_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with pytest.raises(HarnessError, match=r"too busy to time: 40 % foreign load \(cc1plus 40 %\), at most 5 %"):
        measure(monkeypatch, Played(slow_on_images), 100, Told(0.4), official=True, waiting=told)
    assert told == ["a quiet machine (40 % foreign load (cc1plus 40 %))"]


def test_an_official_measurement_gives_up_where_disturbances_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(Told):
        def since(self, before: Mark) -> Load:
            share = 0.0 if before.processes else 0.5
            return Load(wall_s=1.0, foreign=share, foreign_s=share)

    with pytest.raises(HarnessError, match="timed again in vain"):
        measure(monkeypatch, Played(slow_on_images), 20, Later(0.0), official=True, every_call=True)


def test_a_machine_that_becomes_quiet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure(monkeypatch, Played(lambda given: 3.0), 20, Told(0.4, 0.3, 0.02), official=True)
    assert isinstance(found, Measured), found
    assert found.runtime.foreign_load == pytest.approx(0.02)


def crops(count: int) -> Iterator[np.ndarray]:
    made = Crops([np.full((20, 30, 3), 200, dtype=np.uint8), BASE], Size(20, 30))
    for _ in range(count):
        yield np.frombuffer(made.fresh(), dtype=np.uint8).reshape(20, 30, 3)


def test_crops_are_images_and_no_noise_and_all_different() -> None:
    smooth = Crops([np.full((20, 30, 3), 200, dtype=np.uint8)], Size(20, 30))
    pixels = np.frombuffer(smooth.fresh(), dtype=np.uint8)
    assert 195 <= pixels.min() <= pixels.max() <= 202
    assert len({crop.tobytes() for crop in crops(20)}) == 20


def test_how_long_to_wait_can_be_said_and_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    assert (patience(official=True).wait_s, patience(official=False).wait_s) == (300, 5)
    monkeypatch.setenv(VARIABLE, "900")
    assert patience(official=True) == Patience(wait_s=900, retimed=1)
    monkeypatch.setenv(VARIABLE, "0")
    assert patience(official=False) == Patience(wait_s=0, retimed=0)
    for nonsense in ("soon", "-1", "nan", "inf"):
        monkeypatch.setenv(VARIABLE, nonsense)
        with pytest.raises(UserError, match="expected the seconds to wait"):
            patience(official=True)
