"""A loaded model as an ONNX file, exported in the child that runs it."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from rtsr_bench.measuring.deployed import Deployed
from rtsr_bench.measuring.guest import SMALL, BadGuest, no_gradients

OPSET = 17
"""What the exporter writes best that needs no further package; all runtimes read it."""

_AXES = {"lr": {0: "batch", 2: "height", 3: "width"}, "sr": {0: "batch", 2: "height", 3: "width"}}


def export_onnx(model: torch.nn.Module, device: torch.device) -> Path:
    """Write the model into a file of the child's own, with dynamic batch, height and width; returns its path.

    A model that came as ONNX is returned as its file. BadGuest, with the operator's name, where it cannot be exported.
    """
    if isinstance(model, Deployed) and model.onnx is not None:
        return model.onnx
    folder = Path(tempfile.mkdtemp(prefix="export-"))
    try:
        with warnings.catch_warnings(), no_gradients():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model.exportable if isinstance(model, Deployed) else model,
                (_example(model, device),),
                str(folder / "model.onnx"),
                input_names=["lr"],
                output_names=["sr"],
                dynamic_axes=_AXES,
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadGuest(f"it cannot be exported to ONNX (opset {OPSET}): {reason}") from error
    return folder / "model.onnx"


def onnx_graph(model: torch.nn.Module, device: torch.device, *, tensorrt: bool = False) -> torch.nn.Module:
    """The model as a graph that ONNX Runtime runs, itself if it came as one; with `tensorrt` TensorRT runs it."""
    from rtsr_bench.formats.onnx.loading import Graph

    if isinstance(model, Graph):
        return model if model.tensorrt == tensorrt else Graph(model.paths, device, model.scale, tensorrt=tensorrt)
    return Graph([str(export_onnx(model, device))], device, _scale_of(model, device), tensorrt=tensorrt)


def _scale_of(model: torch.nn.Module, device: torch.device) -> int | None:
    """How many times larger the output is; None where the model does not run on a small input."""
    example = _example(model, device)
    try:
        with no_gradients():
            return int(model(example).shape[-1]) // int(example.shape[-1])
    except Exception:  # noqa: BLE001 - whatever a guest raises; its first call tells
        return None


def _example(model: torch.nn.Module, device: torch.device) -> torch.Tensor:
    """Random numbers as a small image, in the number format of the weights."""
    size = model.size or SMALL if isinstance(model, Deployed) else SMALL
    dtype = next((one.dtype for one in model.parameters() if one.is_floating_point()), torch.float32)
    return torch.rand(1, 3, size.height, size.width, dtype=dtype, device=device)
