"""What all networks have in common that came as a graph without Python code."""

from __future__ import annotations

from typing import Any, Self

import torch

from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.protocol import Size


class Deployed(torch.nn.Module):
    """A network that was loaded from a graph in a file; `kind` names the format.

    `size` is the only input size that the graph accepts, None where it accepts any.
    """

    def __init__(self, kind: str, size: Size | None = None) -> None:
        super().__init__()
        self.kind, self.size = kind, size

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Leave the graph as it was exported: its mode is part of it, and some graphs refuse to be asked."""
        del mode
        return self

    def fits(self, tensor: torch.Tensor) -> None:
        """See that the graph accepts an input of this size; BadGuest with the way out where it does not."""
        given = Size(int(tensor.shape[-2]), int(tensor.shape[-1]))
        if self.size not in (None, given):
            raise BadGuest(
                f"the {self.kind} file accepts an input of {self.size} only, {given} was given; "
                "export it again with dynamic height and width"
            )

    def without_values(self) -> torch.nn.Module:
        """The same graph on the meta device, where only shapes are computed."""
        return self.to("meta")

    def params(self) -> int:
        """Elements of all weights."""
        return sum(parameter.numel() for parameter in self.parameters())

    def counts(self, sizes: list[Size]) -> list[dict[str, Any]] | None:
        """Operations by input size as the graph tells them, None where they have to be counted by running it."""
        del sizes
        return None
