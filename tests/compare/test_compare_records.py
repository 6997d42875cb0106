"""Two records: what they must have in common, and what they can say."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import CPU, failure, record, under, untrained

from rtsr_bench.compare.comparing import Wanted, compare_records
from rtsr_bench.compare.records import check_comparable, compare_stored
from rtsr_bench.compare.sessions import SideFailedError
from rtsr_bench.comparison import Verdict, encode
from rtsr_bench.errors import UserError
from rtsr_bench.record import Record, References, ReferenceTimes, Runtime
from rtsr_bench.store import encode as encode_record


def written(folder: Path, *records: Record) -> tuple[Path, Path]:
    paths = folder / "one.json", folder / "other.json"
    for path, one in zip(paths, records, strict=True):
        path.write_bytes(encode_record(one))
    return paths


def runtime(one: Record) -> Runtime:
    assert isinstance(one.runtime, Runtime)
    return one.runtime


def test_a_large_difference_of_runtime_and_a_clear_one_of_fidelity(tmp_path: Path) -> None:
    a, b = record(mean_ms=7.0, gain_db=0.5), record(mean_ms=9.0, gain_db=0.9)
    made = compare_records(written(tmp_path, a, b), Wanted(slower=0.03, worse_db=0.05))
    assert made.of_records
    assert made.runtime is not None
    assert (made.runtime.verdict, made.runtime.sessions) == (Verdict.SLOWER, ())
    assert made.runtime.b_ms / made.runtime.a_ms == pytest.approx(9 / 7, rel=0.01)
    psnr = next(one for one in made.metrics if one.metric == "psnr")
    assert psnr.verdict is Verdict.BETTER
    assert psnr.difference == pytest.approx(0.4)
    assert psnr.convention == "rgb_b0"
    assert len(made.images) == psnr.images == 6
    assert [gate.passed for gate in made.gates] == [False, True]
    assert any("in turns" in note for note in made.notes), "it says what interleaving would add"
    assert encode(made).startswith(b'{\n "schema": 1,')


def test_what_the_machine_changed_between_two_records_widens_the_noise_floor() -> None:
    a, b = runtime(record(mean_ms=7.0)), runtime(record(mean_ms=8.4))

    def beside(convs_ms: float, name: str = "convs/1") -> References:
        times = {"before_ms": (convs_ms,), "after_ms": (convs_ms,)}
        return References(convs=ReferenceTimes(id=name, **times), bicubic=ReferenceTimes(id="bicubic/1", **times))

    assert compare_stored(a, b).verdict is Verdict.SLOWER
    assert compare_stored(a, b, (beside(14.0), beside(14.1))).verdict is Verdict.SLOWER
    slower = compare_stored(a, b, (beside(14.0), beside(16.8)))
    assert slower.verdict is Verdict.AMBIGUOUS
    assert "the fixed reference changed by +20.00 % from A to B" in slower.reason
    assert slower.floor == pytest.approx(math.log(1.072 * 1.2))
    assert compare_stored(a, b, (beside(16.8), beside(14.0))).floor == pytest.approx(slower.floor)
    assert compare_stored(a, b, (beside(14.0), beside(16.8, "convs/2"))).verdict is Verdict.SLOWER


def test_records_never_say_that_two_models_are_the_same() -> None:
    one = runtime(record())
    found = compare_stored(one, one)
    assert (found.ratio, found.verdict) == (0.0, Verdict.AMBIGUOUS)
    assert "7.2 %" in found.reason
    small = compare_stored(one, runtime(record(mean_ms=7.3)))
    assert small.interval is not None
    assert small.interval[0] > 0
    assert small.verdict is Verdict.AMBIGUOUS


A = record()
OTHERS: dict[str, Any] = {
    "track": record(track="classic-x2"),
    "protocol (backend)": under(A, "channels-last"),
    "protocol (images)": replace(A, protocol=replace(A.protocol, images=2)),
    "images of builtin": replace(A, data=(replace(A.data[0], digest="0" * 16),)),
    "system (torch)": replace(A, system=replace(A.system, torch="2.6.0")),
    "system (device_name)": replace(A, system=replace(CPU, torch=A.system.torch)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_records_that_differ_are_refused_with_the_first_difference(what: str) -> None:
    with pytest.raises(UserError) as caught:
        check_comparable(A, OTHERS[what], runtime=True)
    assert str(caught.value).startswith(f"{what}: expected the same in both records, found ")
    assert "\n" not in str(caught.value)


def test_images_of_two_systems_can_be_compared_alone() -> None:
    check_comparable(A, OTHERS["system (torch)"], runtime=False)


def test_a_recorded_failure_is_told_of_its_side(tmp_path: Path) -> None:
    paths = written(tmp_path, record(), record(runtime=failure()))
    with pytest.raises(SideFailedError) as caught:
        compare_records(paths, Wanted(fidelity=False))
    assert (caught.value.side, caught.value.failure.message) == (1, "boom")
    assert compare_records(paths, Wanted(runtime=False)).runtime is None


def test_records_without_fidelity_compare_runtime_and_leave_a_limit_undecided(tmp_path: Path) -> None:
    made = compare_records(written(tmp_path, record(), untrained(record())), Wanted(worse_db=0.1))
    assert (made.metrics, made.runtime is not None) == ((), True)
    assert made.notes[0] == "Fidelity was not compared: a record holds none."
    assert [gate.passed for gate in made.gates] == [None]


def test_records_that_hold_nothing_to_compare_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to compare: Fidelity was not compared"):
        compare_records(written(tmp_path, record(), untrained(record())), Wanted(runtime=False))


@pytest.mark.parametrize(("data", "said"), [(b"{", "is damaged"), (b"[]", "is damaged"), (b'{"schema": 999}', "newer")])
def test_what_is_no_record_is_named(data: bytes, said: str, tmp_path: Path) -> None:
    paths = written(tmp_path, A, A)
    paths[1].write_bytes(data)
    with pytest.raises(UserError, match=rf"B: .*other.json.*{said}"):
        compare_records(paths, Wanted())
    paths[0].unlink()
    with pytest.raises(UserError, match=r"A: expected a record at .*one.json, found: No such file"):
        compare_records(paths, Wanted())
