"""What every test may ask for."""

from __future__ import annotations

import compileall
import os
import signal
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "rtsr_bench"
SHARED = Path(os.environ.get("RTSR_BENCH_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with published checkpoints, images and golden values beside the project; skips where it is absent."""
    if not (SHARED / "golden").is_dir():
        pytest.skip(f"needs the images, weights and golden values beside the project (looked for {SHARED.name}/golden)")
    return SHARED


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests never decide their outcome."""
    for name in ("RTSR_BENCH_MIRROR", "RTSR_BENCH_DATA_ROOT", "RTSR_BENCH_RECORDS"):
        monkeypatch.delenv(name, raising=False)
    # Tests run side by side on a machine that is never quiet; what a busy machine leads to has tests of its own.
    monkeypatch.setenv("RTSR_BENCH_QUIET_WAIT", "0")
    # A process more for each run; tests/cli/test_run_references.py and the rehearsal have it on.
    monkeypatch.setenv("RTSR_BENCH_REFERENCE", "off")
    # Runs of one test wait for each other's timing, those of tests side by side need not: nobody looks at the times.
    monkeypatch.setenv("RTSR_BENCH_LOCKS", str(tmp_path_factory.mktemp("locks")))


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once, pin each worker of xdist to one processor, and let Ctrl-C reach processes of tests.

    The process of a model writes no bytecode. Where there is none, it compiles the harness at each of several hundred
    starts. The threads of a worker and of its children would otherwise compete with those of the other workers.
    """
    del config
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell does it for what it starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        compileall.compile_dir(PACKAGE, quiet=2)  # an error, such as a folder without write access, changes nothing
    elif hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[int(worker.removeprefix("gw")) % len(allowed)]})


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a card, with the reason, where there is none."""
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device: `make test-gpu` on a machine that has one")
