"""Results of `realtime`: what is derived from them, and their files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from realtime_results import a_result

from rtsr_bench import load
from rtsr_bench.load import ProcessorState
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.statistics import summarise_frames
from rtsr_bench.store.realtime import beside, decode_realtime, encode_realtime, load_realtime, save_realtime


def test_missed_deadlines_are_the_dropped_and_the_late_ones() -> None:
    latency_ms = (*(10.0,) * 995, 33.4, 33.2, None, None, 50.0)
    found = summarise_frames(latency_ms, 1000 * 2 / 60)
    assert (found.frames, found.dropped, found.late, found.missed) == (1000, 2, 2, 4)
    assert found.missed_share == 0.004
    assert (found.p50_ms, found.most_ms) == (10.0, 50.0)
    assert found.p99_ms == 10.0
    assert found.p999_ms == pytest.approx(33.4 + 0.003 * 16.6)  # of 998 frames the place 996.003
    none = summarise_frames((None, None), 10.0)
    assert (none.missed, none.p50_ms, none.most_ms) == (2, None, None)
    with pytest.raises(ValueError, match="zero frames"):
        summarise_frames((), 10.0)


def test_the_deadline_is_met_at_the_very_moment() -> None:
    assert summarise_frames((20.0,), 20.0).missed == 0
    assert a_result(fps=50.0, latency_frames=3).deadline_ms == 60.0


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    failed = a_result(
        run=None, throughput=None, search=None,
        failure=Failure(stage=Stage.RUNTIME, kind=FailureKind.EXCEPTION, message="no"),
    )  # fmt: skip
    for result in (a_result(), failed):
        assert decode_realtime(encode_realtime(result)) == result
    paths = [save_realtime(a_result(), tmp_path) for _ in range(2)]
    assert [path.name for path in paths] == [
        "team_x-x2__amd-ryzen-9-5950x__20261130T180000.json",
        "team_x-x2__amd-ryzen-9-5950x__20261130T180000-1.json",
    ]
    loaded = load_realtime(tmp_path)
    assert loaded.problems == ()
    assert list(loaded.results.values()) == [a_result()] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "has schema 2, newer than 1"),
        ({"schema": None}, "is not a result of `realtime`: its schema is None"),
        ({"more": 1}, "is damaged: unknown field `more`"),
        ({"fps": 0}, "is damaged: expected a frame rate above 0"),
        ({"latency_frames": 0}, "is damaged: expected a deadline of at least 1 period"),
        ({"started": "yesterday"}, "is damaged: expected `started` as a time in ISO 8601"),
        ({"run": {"fps": 60, "latency_ms": [], "wall_s": 1}}, "is damaged: expected at least one frame"),
        ({"run": {"fps": 60, "latency_ms": [-1], "wall_s": 1}}, "is damaged: expected a latency of 0 to"),
        ({"throughput": {"frames": 0, "wall_s": 1}}, "is damaged: impossible throughput"),
        ({"search": {"best": {"fps": 1, "frames": 1, "missed": 2}, "trials": []}}, "is damaged: impossible trial"),
    ],
)
def test_a_file_that_means_nothing_is_a_problem_with_its_reason(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    (tmp_path / "a.json").write_text(json.dumps({**json.loads(encode_realtime(a_result())), **change}))
    loaded = load_realtime(tmp_path)
    assert loaded.results == {}
    assert len(loaded.problems) == 1
    assert f"{tmp_path.name}/a.json {words}" in loaded.problems[0]


def test_broken_json_and_an_absent_folder(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"schema": 1, "tra')
    assert "a.json is damaged" in load_realtime(tmp_path).problems[0]
    assert load_realtime(tmp_path / "none").problems == ()
    assert beside(Path("reports/records")) == Path("reports/realtime")
    with pytest.raises(ValueError, match="nan"):
        encode_realtime(a_result(wall_s=math.nan))


def test_the_state_of_processors_is_read_where_the_system_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
        "cpu/cpu1/cpufreq/scaling_cur_freq": "2600000\n",
        "thermal/thermal_zone0/type": "acpitz\n",
        "thermal/thermal_zone0/temp": "99000\n",
        "hwmon/hwmon2/name": "k10temp\n",
        "hwmon/hwmon2/temp1_input": "61500\n",
        "hwmon/hwmon2/temp3_input": "58000\n",
        "powercap/intel-rapl:0/energy_uj": "1000000\n",
        "powercap/intel-rapl:0:0/energy_uj": "7\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    now = [10.0]
    monkeypatch.setattr(load, "_CLOCKS", tmp_path / "cpu")
    monkeypatch.setattr(load, "_ZONES", tmp_path / "thermal")
    monkeypatch.setattr(load, "_SENSORS", tmp_path / "hwmon")
    monkeypatch.setattr(load, "_ENERGY", tmp_path / "powercap")
    monkeypatch.setattr(load, "_allowed", lambda: frozenset({0, 1}))
    monkeypatch.setattr(load.time, "monotonic", lambda: now[0])
    state = ProcessorState()
    now[0] = 12.0
    (tmp_path / "powercap/intel-rapl:0/energy_uj").write_text("91000000\n")
    assert (state.clock_mhz(), state.temperature_c(), state.power_w()) == (2500, 62, 45.0)
    (tmp_path / "powercap/intel-rapl:0/energy_uj").write_text("5\n")
    now[0] = 13.0
    assert state.power_w() is None, "the counter began again"


def test_a_system_that_tells_nothing_has_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_CLOCKS", "_ZONES", "_SENSORS", "_ENERGY", "_CPUINFO"):
        monkeypatch.setattr(load, name, tmp_path / "none")
    state = ProcessorState()
    assert (state.clock_mhz(), state.temperature_c(), state.power_w()) == (None, None, None)
