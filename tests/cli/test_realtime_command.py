"""`rtsr-bench realtime` on small inputs, with a model whose duration is known."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from conftest_cli import Run, one_line

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from realtime_results import a_result

from rtsr_bench.cli.realtime import _exit_code
from rtsr_bench.evaluate import realtime, search
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.record.realtime import Frames
from rtsr_bench.store.realtime import load_realtime

SLEEPER = """
import time, torch

class Net(torch.nn.Module):
    def forward(self, x):
        time.sleep(0.02)
        return torch.nn.functional.interpolate(x, scale_factor=2)

def srmodel():
    return Net()
"""
MANIFEST = '[submission]\nteam = "T"\ntitle = "N"\n' + "".join(
    f'[[model]]\nscale = 2\nvariant = "{name}"\nentry = "arch:srmodel"\n' for name in ("a", "b")
)
LITTLE = ("--input", "24x40", "--device", "cpu", "--seconds", "1")


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    folder = tmp_path / "sleeper"
    folder.mkdir()
    (folder / "arch.py").write_text(SLEEPER)
    (folder / "submission.toml").write_text(MANIFEST)
    return folder


def test_a_model_of_known_duration_is_played_searched_compared_and_shown(
    rtsr_bench: Run, sleeper: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(realtime, "FLAT_OUT_S", 0.2)
    monkeypatch.setattr(search, "TRIAL_S", 0.1)
    done = rtsr_bench("realtime", f"{sleeper}#a-x2", *LITTLE, "--fps", "2", "--latency-frames", "3")
    assert done.returncode == 0, done.stderr
    (result,) = load_realtime(tmp_path / "reports" / "realtime").results.values()
    assert result.failure is None
    assert result.run is not None
    # 20 ms in a period of 500 ms: nothing is dropped unless the machine stops for half a second.
    assert len(result.run.latency_ms) == 8
    assert all(one is None or one >= 20 for one in result.run.latency_ms)
    assert result.throughput is not None
    assert 0 < result.throughput.fps <= 50, "no faster than its sleep"
    assert result.search is not None
    assert result.search.best is None or result.search.best.fps <= 52
    assert len(result.model_ms) >= 5
    assert result.check is not None
    assert result.check.mse == 0
    assert result.input.height == 24
    for words in ("throughput", "model alone", "at 2 FPS", "latency", "highest held", "device", "compared"):
        assert words in done.stdout, words
    assert re.search(r"\d of 8 deadlines missed", done.stdout)
    assert f"result: {Path('reports') / 'realtime'}" in done.stderr
    assert result.command.startswith("rtsr-bench realtime ")
    assert "--model sleeper/a-x2 --fps 2 --seconds 1 --latency-frames 3" in result.command


def test_a_model_whose_scale_is_found_and_that_breaks_leaves_a_result_and_exit_code_1(
    rtsr_bench: Run, sleeper: Path, tmp_path: Path
) -> None:
    (sleeper / "submission.toml").unlink()
    (sleeper / "arch.py").write_text(SLEEPER.replace("time.sleep(0.02)", "assert x.shape[-1] != 40, 'it broke'"))
    done = rtsr_bench("realtime", "sleeper", *LITTLE, "--no-search", "--results", "out")
    assert done.returncode == 1, done.stderr
    assert "its scale is not given, running it once to find it" in done.stderr
    assert "sleeper/x2 failed (runtime): AssertionError: it broke" in done.stderr
    (file,) = (tmp_path / "out").glob("*.json")
    raw = json.loads(file.read_text())
    assert raw["failure"]["kind"] == "exception"
    assert raw["run"] is None


def test_exit_code_1_if_more_deadlines_were_missed_than_allowed() -> None:
    run = Frames(fps=60.0, latency_ms=(*[15.0] * 998, None, 99.0), wall_s=17.0)
    result = a_result(run=run)
    assert [_exit_code(result, most) for most in (None, 0.0, 0.1, 0.2, 50.0)] == [0, 1, 1, 0, 0]
    failure = Failure(stage=Stage.RUNTIME, kind=FailureKind.EXCEPTION, message="no")
    assert _exit_code(a_result(failure=failure), None) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sleeper",), "sleeper: expected one model, found 2: sleeper/a-x2, sleeper/b-x2; choose one with --model ID"),
        (("sleeper", "--model", "sleeper/c-x2"), "--model sleeper/c-x2: expected the id of a model submitted"),
        (("sleeper#c-x2",), "--model sleeper/c-x2: expected the id of a model submitted"),
        (("nowhere",), "nowhere: expected a submission's folder or archive, found nothing there"),
        (("sleeper#a-x2", "--fps", "0"), "--fps: expected a number above 0"),
        (("sleeper#a-x2", "--fail-if-missed", "often"), "expected a percentage such as 0.1%, found 'often'"),
        (("sleeper#a-x2", "--results", "sleeper/arch.py"), "cannot write results to sleeper/arch.py"),
        (("sleeper#a-x2", "--track", "builtin-x3"), "--track builtin-x3: expected a track of scale 2, found one of sc"),
        (("sleeper#a-x2", "--execution", "all"), "--execution all: expected the name of one execution"),
        (("sleeper#a-x2", "--execution", "nothing"), "nothing"),
        (("sleeper#a-x2", "--execution", "cuda-graph"), "cannot be played: execution cuda-graph does not run on cpu"),
    ],
)
def test_a_request_that_cannot_be_met_gets_one_line(
    rtsr_bench: Run, sleeper: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in one_line(rtsr_bench("realtime", *arguments, "--device", "cpu"), 2)
