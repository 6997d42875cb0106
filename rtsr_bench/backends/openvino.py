"""OpenVINO on the CPU: the model is exported to ONNX and compiled for each input size.

`fp32` computes in fp32. `bf16` and `amp-bf16` let OpenVINO compute in bf16 where the processor can; input and output
are fp32 there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution, Precision

_HINTS = {Precision.FP32: "f32", Precision.BF16: "bf16", Precision.AMP_BF16: "bf16"}


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Export the model in fp32; OpenVINO converts its weights itself."""
    from rtsr_bench.measuring.exporting import export_onnx
    from rtsr_bench.measuring.openvino_graph import OpenVinoGraph

    return OpenVinoGraph(export_onnx(model.float(), device), hint=_HINTS[execution.precision])


OPENVINO = BACKENDS.add(
    Backend(
        name="openvino",
        title="OpenVINO",
        prepare=_prepare,
        engine=True,
        precisions={"cpu": frozenset(_HINTS)},
        needs={
            "openvino": "pip install 'rtsr-bench[openvino]'",
            "onnx": "pip install 'rtsr-bench[openvino]'",
        },
    )
)
