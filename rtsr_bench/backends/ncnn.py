"""ncnn on the CPU: the model is traced, converted by pnnx, and run by ncnn's own kernels in fp32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution, Precision


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Convert the model in fp32."""
    from rtsr_bench.measuring.ncnn_graph import NcnnGraph, convert

    del execution
    return NcnnGraph(convert(model, device))


NCNN = BACKENDS.add(
    Backend(
        name="ncnn",
        title="ncnn",
        prepare=_prepare,
        engine=True,
        precisions={"cpu": frozenset({Precision.FP32})},
        needs=dict.fromkeys(("ncnn", "pnnx"), "pip install 'rtsr-bench[ncnn]'"),
    )
)
