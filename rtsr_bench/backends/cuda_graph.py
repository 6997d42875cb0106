"""PyTorch eager recorded as a CUDA graph, one for each input size, and replayed: no launch costs. Not yet tried.

Every call copies its input into the memory that the graph reads, and the output of a call is overwritten by the next
one. Autocast is not offered: the casts of weights that it keeps are freed at the end of its block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution, Precision


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Record at the first call of each size; ONNX Runtime's work is on a stream of its own and is not recorded."""
    from rtsr_bench.measuring.cuda_graph import CudaGraph
    from rtsr_bench.measuring.deployed import Deployed
    from rtsr_bench.measuring.guest import BadGuest

    del execution
    if isinstance(model, Deployed) and model.onnx is not None:
        raise BadGuest(f"a CUDA graph does not record a model that is submitted as {model.kind}")
    return CudaGraph(model, device)


CUDA_GRAPH = BACKENDS.add(
    Backend(
        name="cuda-graph",
        title="PyTorch, CUDA graph",
        prepare=_prepare,
        engine=True,
        precisions={"cuda": frozenset({Precision.FP32, Precision.FP16, Precision.BF16})},
    )
)
