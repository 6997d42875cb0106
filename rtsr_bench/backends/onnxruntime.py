"""ONNX Runtime: the model is exported to ONNX and run by the runtime's own kernels.

A model that is submitted as ONNX is run as it is. On CUDA input and output stay in the GPU's memory (not yet tried).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution, Precision


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Export the model in its own precision and open a session."""
    from rtsr_bench.measuring.exporting import onnx_graph

    del execution
    return onnx_graph(model, device)


ONNXRUNTIME = BACKENDS.add(
    Backend(
        name="onnxruntime",
        title="ONNX Runtime",
        prepare=_prepare,
        engine=True,
        precisions={"cpu": frozenset({Precision.FP32}), "cuda": frozenset({Precision.FP32, Precision.FP16})},
        needs=dict.fromkeys(("onnx", "onnxruntime"), "pip install 'rtsr-bench[onnx]'"),
    )
)
