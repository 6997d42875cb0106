"""What the rehearsal shares: the stand-in started instead of the worker, and a stand-in for NVML's library."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtsr_bench.sandbox import process

HERE = Path(__file__).parent
Rehearse = Callable[[str], None]


@pytest.fixture
def rehearse(monkeypatch: pytest.MonkeyPatch) -> Rehearse:
    """Start children with the stand-in: `card`, `cards` (two of them), `none`, and words of ONNX (see worker.py)."""

    def choose(words: str) -> None:
        lines = os.environ.get("RTSR_BENCH_REHEARSED_LINES")  # see cuda_lines.py
        words += f",lines={lines}" if lines else ""
        monkeypatch.setattr(process, "WORKER", (str(HERE / "worker.py"), words))

    return choose


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Our libnvidia-ml, loaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler to build the stand-in for NVML")
    library = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", library, HERE / "nvml.c"], check=True)
    return ctypes.CDLL(str(library))


@pytest.fixture
def nvml(nvml_library: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Let the real pynvml use our library; returns what sets the reasons for throttling and the error it answers."""
    import pynvml

    monkeypatch.setattr(pynvml, "nvmlLib", nvml_library)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})

    def say(reasons: int, error: int = 0) -> None:
        nvml_library.stand_in_set(ctypes.c_ulonglong(reasons), ctypes.c_int(error))

    say(0x4 | 0x40)
    return say
