"""PyTorch compiled by TorchInductor: fused kernels, made at the first call for the size of its input.

On a CPU it needs a C++ compiler. The second size that a process meets compiles kernels for all sizes. In the sandbox
the compiler works in the child's own folder for temporary files, in the child's process, and under its limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution

_SIZES = 64
"""Kernels that may be made for one model; after the default of 8 torch runs it without compiling, and does not tell."""


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Wrap the model; graphs that torch cannot compile are refused, which it would run as they are."""
    import os
    import tempfile
    from pathlib import Path

    from rtsr_bench.measuring.deployed import Deployed
    from rtsr_bench.measuring.guest import BadGuest

    del device
    if isinstance(model, Deployed) and not model.compiles:
        raise BadGuest(f"torch.compile does not compile a model that is submitted as {model.kind}")
    cache = Path(tempfile.gettempdir(), "inductor")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # else a pool of processes is started
    import torch
    import torch._dynamo

    torch._dynamo.config.recompile_limit = _SIZES  # noqa: SLF001 - there is no public way to set it
    torch._dynamo.reset()  # noqa: SLF001 - as above; a model that was compiled before has kernels of its own sizes
    compiled: Any = torch.compile(model, mode=str(execution.options.get("mode", "default")))
    compiled.graph_bytes = lambda: sum(file.stat().st_size for file in cache.rglob("*.so"))
    runs: Callable[[Any], Any] = compiled
    return runs


COMPILE = BACKENDS.add(
    Backend(
        name="compile",
        title="torch.compile (TorchInductor)",
        prepare=_prepare,
        engine=True,
        options={"mode": "default"},
        choices={"mode": ("default", "reduce-overhead", "max-autotune")},
        programs={"g++": "apt-get install g++"},
    )
)
