"""Say which lines of the CUDA path run in CI: `python tests/rehearsal/cuda_lines.py [TEST ...]`.

Runs the rehearsal and the tests beside it with every line of the path noted, in the children too, and prints the share
of executable lines for each module with those that did not run.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections import defaultdict
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "rtsr_bench"
CHILD = ("measuring/timing.py", "measuring/clocks.py", "measuring/memory.py", "measuring/numerics.py",
         "formats/onnx/loading.py", "formats/onnx/providers.py", "measuring/enhance.py", "measuring/reference.py",
         "measuring/worker.py")  # fmt: skip
PARENT = ("system.py", "evaluate/bench.py", "evaluate/conduct.py", "sandbox/bubblewrap.py", "sandbox/levels.py")
COUNTING = ("_count", "_macs", "_onnx", "params", "counts")
"""Functions of `formats/onnx/loading.py` that count operations on the host."""
TESTS = ("tests/rehearsal", "tests/measuring/test_timing.py", "tests/measuring/test_memory.py",
         "tests/sandbox/test_levels.py", "tests/disk/test_system.py")  # fmt: skip


def executable(code: CodeType) -> set[int]:
    """Lines that can run, those of functions inside too, without definitions and docstrings of modules."""
    lines = set() if code.co_name == "<module>" else {line for _, _, line in code.co_lines() if line}
    lines.discard(code.co_firstlineno)
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant.co_name not in COUNTING:
            class_body = constant.co_name[0].isupper()
            inner = executable(constant)
            if class_body:
                inner -= {line for _, _, line in constant.co_lines() if line}
            lines |= inner
    return lines


def traced(ran: dict[str, set[int]]) -> Any:
    """A trace function that notes lines of the parent's side."""

    def trace(frame: Any, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not (name.startswith(str(PACKAGE)) and name.endswith(PARENT + CHILD)):
            return None
        if event == "line":
            ran[name].add(frame.f_lineno)
        return trace

    return trace


def main() -> int:
    """Run the tests and print the table."""
    ran: dict[str, set[int]] = defaultdict(set)
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "lines"
        notes.touch()
        os.environ["RTSR_BENCH_REHEARSED_LINES"] = str(notes)
        threading.settrace(traced(ran))
        sys.settrace(traced(ran))
        code = pytest.main(["-q", "-p", "no:cacheprovider", "--timeout", "0", *(sys.argv[1:] or TESTS)])
        sys.settrace(None)
        for line in notes.read_text().splitlines():
            name, _, number = line.rpartition(":")
            ran[name].add(int(number))
    for module in (*CHILD, *PARENT):
        path = PACKAGE / module
        wanted = executable(compile(path.read_text(encoding="utf-8"), str(path), "exec"))
        missed = sorted(wanted - ran[str(path)])
        print(f"{module}: {len(wanted) - len(missed)} of {len(wanted)} lines ran")
        text = path.read_text(encoding="utf-8").splitlines()
        for number in missed:
            print(f"    {number}: {text[number - 1].strip()}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
