"""TensorRT on CUDA: the model is exported to ONNX; ONNX Runtime's provider builds an engine for each input size.

Rehearsed with a stand-in; not yet tried on a card.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution, Precision

_INSTALL = "pip install 'rtsr-bench[tensorrt]', with onnxruntime uninstalled before"


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Export the model in its own precision and open a session that TensorRT runs as a whole."""
    from rtsr_bench.measuring.exporting import onnx_graph

    del execution
    return onnx_graph(model, device, tensorrt=True)


TENSORRT = BACKENDS.add(
    Backend(
        name="tensorrt",
        title="TensorRT",
        prepare=_prepare,
        engine=True,
        precisions={"cuda": frozenset({Precision.FP32, Precision.FP16})},
        needs=dict.fromkeys(("onnx", "onnxruntime", "tensorrt"), _INSTALL),
    )
)
