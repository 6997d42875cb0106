"""What all networks have in common that came as a graph without Python code."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch

from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.measuring.weightfile import Kind, expect
from rtsr_bench.protocol import Size
from rtsr_bench.record import Count
from rtsr_bench.wire import LoadModel

_PYTHON = 'weights alone are submitted with the code of the network, as format = "python"'


class Deployed(torch.nn.Module):
    """A network that was loaded from a graph in a file; `kind` names the format.

    `size` is the only input size that the graph accepts, None where it accepts any. `compiles`: torch.compile can make
    kernels of it. `onnx` is the file of a network that came as ONNX.
    """

    compiles = False
    onnx: Path | None = None

    def __init__(self, kind: str, size: Size | None = None) -> None:
        super().__init__()
        self.kind, self.size = kind, size

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Leave the graph as it was exported: its mode is part of it, and some graphs refuse to be asked."""
        del mode
        return self

    def fits(self, tensor: torch.Tensor) -> None:
        """See that the graph accepts an input of this size; BadGuest with what to do where it does not."""
        given = Size(int(tensor.shape[-2]), int(tensor.shape[-1]))
        if self.size not in (None, given):
            raise BadGuest(
                f"the {self.kind} file accepts an input of {self.size} only, {given} was given; "
                "export it again with dynamic height and width"
            )

    @property
    def exportable(self) -> torch.nn.Module:
        """What the ONNX exporter accepts of this network."""
        return self

    @property
    def own_arena(self) -> bool:
        """Whether the graph's intermediates on CUDA are in another allocator than torch's."""
        return False

    def give_back(self) -> None:
        """Let the next call return the memory that earlier calls left unused in an allocator of its own."""

    def without_values(self) -> torch.nn.Module:
        """The same graph on the meta device, where only shapes are computed."""
        return self.to("meta")

    def params(self) -> int:
        """Elements of all weights."""
        return sum(parameter.numel() for parameter in self.parameters())

    def counts(self, sizes: list[Size]) -> list[Count] | None:
        """Operations by input size as the graph tells them, None where they have to be counted by running it."""
        del sizes
        return None


def graph_files(request: LoadModel, kind: Kind, hint: str) -> list[Path]:
    """Return the files of a graph, the checkpoint first; BadGuest with what to do where one is not of this kind."""
    assert request.checkpoint is not None, "read() of this format requires a checkpoint"
    paths = [request.checkpoint, *request.files.values()]
    for path in paths:
        expect(path, (kind,), f"{hint}; {_PYTHON}")
    return paths
