"""PyTorch eager mode with images and convolution weights in the layout N, H, W, C, which many kernels prefer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution, MemoryFormat


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Convert weights of rank 4 by torch's own `to`, even if the model overrides it."""
    import torch

    from rtsr_bench.measuring.deployed import Deployed
    from rtsr_bench.measuring.guest import BadGuest

    del execution, device
    if isinstance(model, Deployed) and all(one.dim() != 4 for one in model.parameters()):
        raise BadGuest(f"the weights of the {model.kind} file are constants of its graph and cannot be converted")
    convert: Any = torch.nn.Module.to  # its type stubs lack memory_format
    runs: Callable[[Any], Any] = convert(model, memory_format=torch.channels_last)
    return runs


CHANNELS_LAST = BACKENDS.add(
    Backend(
        name="channels-last",
        title="PyTorch eager, channels last",
        prepare=_prepare,
        memory_format=MemoryFormat.CHANNELS_LAST,
    )
)
