"""An ONNX file run by OpenVINO on the CPU, compiled for the input sizes that it meets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.measuring.guest import BadGuest

_SIZES = 4
"""Compiled models that are kept at most, the oldest goes first."""


class OpenVinoGraph:
    """Callable with a float tensor (N, 3, H, W); returns the first output in the input's number format."""

    def __init__(self, file: Path, *, hint: str) -> None:
        """Read the graph; `hint` is the precision to compute in, `f32` or `bf16`."""
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None keeps it from being imported
        import openvino

        self._openvino, self._core = openvino, openvino.Core()
        self._settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        try:
            self._graph = self._core.read_model(str(file))
        except RuntimeError as error:
            raise BadGuest(f"OpenVINO cannot read the exported graph: {' '.join(str(error).split())}") from error
        self._file = file
        self._compiled: dict[tuple[int, ...], tuple[Any, tuple[int, ...]]] = {}

    def graph_bytes(self) -> int:
        """Size of the graph that was exported."""
        return self._file.stat().st_size

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        """Run the graph; BadGuest where it does not accept this size."""
        given = tensor.to(torch.float32).contiguous()
        request, shape = self._request(tuple(given.shape))
        output = torch.empty(shape)
        request.set_input_tensor(self._openvino.Tensor(given.numpy(), shared_memory=True))
        request.set_output_tensor(self._openvino.Tensor(output.numpy(), shared_memory=True))
        request.infer()
        return output.to(tensor.dtype)

    def _request(self, shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
        known = self._compiled.get(shape)
        if known is not None:
            return known
        graph = self._graph.clone()
        try:
            graph.reshape({graph.inputs[0]: list(shape)})
            compiled = self._core.compile_model(graph, "CPU", self._settings)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise BadGuest(f"OpenVINO cannot compile the graph for an input of {shape}: {reason}") from error
        while len(self._compiled) >= _SIZES:
            self._compiled.pop(next(iter(self._compiled)))
        made = compiled.create_infer_request(), tuple(compiled.output(0).shape)
        self._compiled[shape] = made
        return made
