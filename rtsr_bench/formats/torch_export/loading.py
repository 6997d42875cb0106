"""`torch.export.save`: a `.pt2` file. Loading one can run code that lies in it, so it happens in the child only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from rtsr_bench.measuring.deployed import Deployed, graph_files
from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.measuring.weightfile import Kind
from rtsr_bench.protocol import Size
from rtsr_bench.wire import LoadModel


class Exported(Deployed):
    """An exported program; `size` is set where its height and width are numbers and no symbols."""

    compiles = True

    def __init__(self, program: Any) -> None:
        super().__init__("torch.export", _only_size(program))
        self.inner = program.module()

    def forward(self, tensor: torch.Tensor) -> Any:
        """Run the program on an input of a size it accepts."""
        self.fits(tensor)
        return self.inner(tensor)


def _only_size(program: Any) -> Size | None:
    names = list(program.graph_signature.user_inputs)
    shape = next((node.meta["val"].shape for node in program.graph.nodes if node.name == names[0]), None)
    if len(names) != 1 or shape is None or len(shape) != 4:
        raise BadGuest(f"the torch.export file takes {len(names)} inputs, expected one tensor (N, 3, H, W)")
    height, width = shape[-2:]
    return Size(height, width) if isinstance(height, int) and isinstance(width, int) else None


def builder(request: LoadModel) -> Callable[[], torch.nn.Module]:
    """Return what loads the program anew at each call."""
    (path,) = graph_files(request, Kind.EXPORT, "save it with torch.export.save")
    return lambda: Exported(torch.export.load(str(path)))
