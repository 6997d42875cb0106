"""The script for a lent card: steps keep to their time, and what is finished is reported in any case."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from rtsr_bench.cli import cli

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_day.py"
SLEEP = "import time; print('began', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {SLEEP}"


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("gpu_day", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu_day", module)
    spec.loader.exec_module(module)
    return module


def python(day: Any, name: str, code: str, **changes: Any) -> Any:
    return day.Step(name=name, command=(sys.executable, "-c", code), share=1.0, **changes)


def test_a_step_finishes_or_fails(day: Any, tmp_path: Path) -> None:
    found = [
        day.run(python(day, "good", "print('said')"), tmp_path, monotonic() + 60),
        day.run(python(day, "tolerated", "raise SystemExit(5)", good=(0, 5)), tmp_path, monotonic() + 60),
        day.run(python(day, "bad", "raise SystemExit(3)"), tmp_path, monotonic() + 60),
    ]
    assert [(one.how, one.code) for one in found] == [("finished", 0), ("finished", 5), ("failed", 3)]
    assert (tmp_path / "good.log").read_text() == "said\n"


def test_a_step_without_time_is_not_started(day: Any, tmp_path: Path) -> None:
    found = day.run(python(day, "late", SLEEP), tmp_path, monotonic() + day.LEAST_S)
    assert (found.how, found.code) == ("out of time", None)
    assert not (tmp_path / "late.log").exists()


@pytest.mark.parametrize(("code", "left"), [(SLEEP, 1), (DEAF, -9)], ids=["interrupted", "killed"])
def test_a_step_whose_time_is_up_is_ended(
    day: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, left: int
) -> None:
    monkeypatch.setattr(day, "LEAST_S", 0.1)
    found = day.run(python(day, "long", code), tmp_path, monotonic() + 1.5)
    assert found.how == "out of time"
    assert found.code is not None
    assert found.code == left or (left == 1 and found.code < 0), "a traceback, or the signal"
    assert (tmp_path / "long.log").read_text().startswith("began")


def test_the_report_is_written_whatever_happened(
    day: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["gpu_day.py", "--device", "cpu", "--minutes", "2", "--out", str(tmp_path / "day")]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(day, "steps", lambda _: [python(day, "bad", "raise SystemExit(3)")])
    monkeypatch.setattr(day, "report", lambda _: python(day, "report", "pass"))
    assert day.main() == 1
    summary = json.loads((tmp_path / "day" / "summary.json").read_text())
    assert [(one["name"], one["how"]) for one in summary] == [("bad", "failed"), ("report", "finished")]
    assert "report" in capsys.readouterr().out


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_the_steps_are_commands_that_there_are(
    day: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    recipe = str(SCRIPT.parents[1] / "reference_models" / "rt4ksr" / "recipes" / "s-x2.toml")
    words = ["--recipe", recipe, "--data", "pictures", "--device", device, "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["gpu_day.py", *words])
    found = [*day.steps(day.arguments()), day.report(tmp_path)]
    assert [step.name for step in found] == ["tests", "train", "run", "report"]
    for step in found[1:]:
        assert step.command[1:3] == ("-m", "rtsr_bench")
        name, *rest = step.command[3:]
        cli.commands[name].make_context(name, rest).close()
    assert ("--quick" in found[2].command) is (device == "cpu"), "a rehearsal is no official run"
    for path in day.GPU_TESTS:
        assert "mark.gpu" in (SCRIPT.parents[1] / path).read_text()


def test_training_needs_pictures(day: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_day.py", "--recipe", "s-x2.toml"])
    with pytest.raises(SystemExit):
        day.arguments()
    assert "name the folders of training pictures with --data" in capsys.readouterr().err
