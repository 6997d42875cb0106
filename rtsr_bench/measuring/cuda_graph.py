"""A model recorded as CUDA graphs, as torch's documentation of `torch.cuda.CUDAGraph` describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from rtsr_bench.measuring.guest import BadGuest

_WARM = 3
"""Calls on a side stream before a recording: libraries choose their algorithms and allocate in them."""

_SIZES = 4
"""Graphs that are kept at most, the oldest goes first: each holds the memory of all its intermediates."""

_cuda: Any = torch.cuda


class CudaGraph:
    """Callable with a tensor on the device; the output is overwritten by the next call of the same size."""

    def __init__(self, model: Callable[[torch.Tensor], Any], device: torch.device) -> None:
        self._model, self._device = model, device
        self._recorded: dict[tuple[int, ...], tuple[Any, torch.Tensor, torch.Tensor]] = {}

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        """Copy the input into the graph's memory and replay the graph on torch's current stream."""
        key = tuple(tensor.shape)
        if key not in self._recorded:
            self._record(key, tensor)
        graph, given, output = self._recorded[key]
        given.copy_(tensor)
        graph.replay()
        return output

    def _record(self, key: tuple[int, ...], tensor: torch.Tensor) -> None:
        while len(self._recorded) >= _SIZES:
            self._recorded.pop(next(iter(self._recorded)))
        given = tensor.clone()
        current, side = _cuda.current_stream(self._device), _cuda.Stream(self._device)
        side.wait_stream(current)
        with _cuda.stream(side):
            for _ in range(_WARM):
                self._model(given)
        current.wait_stream(side)
        graph = _cuda.CUDAGraph()
        with _cuda.graph(graph):
            output = self._model(given)
        if type(output) is not torch.Tensor:
            raise BadGuest(f"the model returned a {type(output).__name__}, expected a tensor")
        self._recorded[key] = graph, given, output
