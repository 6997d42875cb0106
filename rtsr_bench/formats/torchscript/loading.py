"""TorchScript: `torch.jit.save` of a scripted or traced module. The file is code, run in the child only."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from rtsr_bench.measuring.deployed import Deployed, graph_files
from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.measuring.weightfile import Kind
from rtsr_bench.wire import LoadModel


class Script(Deployed):
    """A TorchScript module.

    A frozen one has no parameters: its weights are constants of its graph, which are counted, and which no conversion
    of the module reaches, so it runs in the number format it was frozen in and in no other.
    """

    def __init__(self, module: torch.jit.ScriptModule, path: str = "") -> None:
        """`path` names the file that the module can be read from again."""
        super().__init__("TorchScript")
        self.inner, self.path = module, path
        if next(self.inner.parameters(), None) is not None:
            self.inner.eval()
        self.constants = [] if next(self.inner.parameters(), None) is not None else _constants(self.inner)
        self.frozen = {constant.dtype for constant in self.constants}

    def forward(self, tensor: torch.Tensor) -> Any:
        """Run the graph; BadGuest where a frozen one is asked for in another number format than its own."""
        if self.frozen and tensor.dtype not in self.frozen:
            own = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in self.frozen))
            raise BadGuest(
                f"the frozen TorchScript file computes in {own} and can't be converted to "
                f"{str(tensor.dtype).removeprefix('torch.')}; submit it without torch.jit.freeze"
            )
        return self.inner(tensor)

    @property
    def exportable(self) -> torch.nn.Module:
        """The module itself: a scripted module inside of another one cannot be traced."""
        return self.inner

    def without_values(self) -> Script:
        """The file read anew onto the meta device: torch moves no scripted module there."""
        return _read(self.path, torch.device("meta"))

    def params(self) -> int:
        """Elements of the parameters, of the graph's constants where it is frozen."""
        return super().params() or sum(constant.numel() for constant in self.constants)


def _constants(module: torch.nn.Module) -> list[torch.Tensor]:
    """The floating-point tensors of rank 1 and more that are constants of a graph: the weights of a frozen module."""
    graph: Any = module.inlined_graph
    found = []
    for node in graph.findAllNodes("prim::Constant", recurse=True):
        value = node.output().toIValue() if node.output().type().isSubtypeOf(torch._C.TensorType.get()) else None  # noqa: SLF001 - the only name it has
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.dim():
            found.append(value)
    return found


def builder(request: LoadModel, device: torch.device) -> Callable[[], torch.nn.Module]:
    """Return what loads the file anew at each call."""
    (path,) = graph_files(request, Kind.TORCHSCRIPT, "save it with torch.jit.save")
    return lambda: _read(str(path), device)


def _read(path: str, device: torch.device) -> Script:
    with warnings.catch_warnings():
        # Newer torch says with each load that torch.export is the future; the file is there all the same.
        warnings.simplefilter("ignore", DeprecationWarning)
        return Script(torch.jit.load(path, map_location=device), path)
