"""What is started instead of the worker when the CUDA path is rehearsed: the stand-in first, then the real worker.

worker.py STAND_IN WIRE_FD HARNESS_PID PARENT_PID, where STAND_IN is comma-separated: `card`, `cards` (two), `none`,
`little` (references of a tiny input), `onnx`, `onnx-on-cpu`, `onnx-in-parts` (TensorRT runs a part only), and
`lines=FILE` to note each line of the package that runs.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

TRACED = ("measuring/timing.py", "measuring/clocks.py", "measuring/memory.py", "measuring/realtime.py",
          "measuring/lanes.py", "measuring/numerics.py", "measuring/enhance.py", "measuring/reference.py",
          "measuring/worker.py",
          "formats/onnx/loading.py", "formats/onnx/providers.py")  # fmt: skip


def note_lines(file: str) -> None:
    """Write `path:line` of every line that runs, once each."""
    out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    seen: set[tuple[str, int]] = set()

    def trace(frame: Any, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.endswith(TRACED):
            return None
        if event == "line" and (name, frame.f_lineno) not in seen:
            seen.add((name, frame.f_lineno))
            os.write(out, f"{name}:{frame.f_lineno}\n".encode())
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


def main() -> None:
    words = sys.argv[1].split(",")
    sys.argv = [sys.argv[0], *sys.argv[2:]]
    here = str(Path(__file__).parent)
    sys.path.insert(0, here)
    import stand_in

    for word in words:
        if word.startswith("lines="):
            note_lines(word.partition("=")[2])
    stand_in.install({"cards": 2, "none": 0}.get(words[0], 1))
    if {"onnx", "onnx-on-cpu", "onnx-in-parts"}.intersection(words):
        import stand_in_onnx

        stand_in_onnx.install(starts="onnx-on-cpu" not in words, whole="onnx-in-parts" not in words)
    sys.path.remove(here)
    from rtsr_bench.measuring import reference, worker
    from rtsr_bench.protocol import Size

    if "little" in words:
        reference.AMOUNTS["cuda"] = reference.Amount(size=Size(24, 40), warmup=1, warm_ms=1.0, calls=3)
    worker.main()


if __name__ == "__main__":
    main()
