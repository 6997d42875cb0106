"""ONNX through onnxruntime: on the CPU, or on CUDA without leaving the GPU's memory.

The graph's own number format is the precision: an fp32 graph is not converted. A second file can hold the half one.
Operations and parameters are counted from the graph (`onnx_counts`), with the `onnx` package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from rtsr_bench.measuring.formats import onnx_counts
from rtsr_bench.measuring.formats.deployed import Deployed
from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.protocol import Size

_DTYPES = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}
_NAMES = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}


class Graph(Deployed):
    """One or two ONNX files of one network, the second one computing in fp16."""

    def __init__(self, paths: list[str], device: torch.device, scale: int | None) -> None:
        sessions = [_session(path, device) for path in paths]
        shape = sessions[0].get_inputs()[0].shape
        height, width = shape[2:] if len(shape) == 4 else (None, None)
        fixed = Size(height, width) if isinstance(height, int) and isinstance(width, int) else None
        super().__init__("ONNX", fixed)
        self.paths, self.scale = paths, scale
        self.sessions = {_dtype(session): session for session in sessions}

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        """Run the graph of the input's number format; BadGuest where there is none."""
        self.fits(tensor)
        kind = tensor.device.type
        if torch.is_autocast_enabled(kind):
            raise BadGuest("autocast does not reach into an ONNX graph; ask for fp32, or hand in a graph in fp16")
        session = self.sessions.get(tensor.dtype)
        if session is None:
            own = " and ".join(_NAMES[dtype] for dtype in self.sessions)
            raise BadGuest(
                f"the ONNX graph computes in {own} and is not converted to {_NAMES.get(tensor.dtype, tensor.dtype)}; "
                'hand in a graph of that number format too (half = "FILE" for fp16)'
            )
        source, target = session.get_inputs()[0].name, session.get_outputs()[0].name
        if kind == "cuda" and self.scale is not None:
            return _on_gpu(session, source, target, tensor, self.scale)
        (output,) = session.run([target], {source: tensor.cpu().numpy()})
        return torch.from_numpy(output).to(tensor.device)

    def params(self) -> int:
        """Elements of the graph's weights; BadGuest where the `onnx` package is missing."""
        return onnx_counts.params(self.paths[0])

    def counts(self, sizes: list[Size]) -> list[dict[str, Any]]:
        """Count the graph's products at each size that it accepts; what has no formula or no known shape is listed."""
        return [onnx_counts.count(self.paths[0], size) for size in sizes]


def _session(path: str, device: torch.device) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise BadGuest(
            "an ONNX file needs onnxruntime, which is not installed here: "
            'pip install "rtsr-bench[onnx]", for CUDA onnxruntime-gpu in place of onnxruntime'
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda":
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise BadGuest(
                f"onnxruntime {onnxruntime.__version__} has no CUDA provider here: install onnxruntime-gpu in its place"
            )
        stream = str(torch.cuda.current_stream(device).cuda_stream)
        providers = [
            ("CUDAExecutionProvider", {"device_id": str(device.index or 0), "user_compute_stream": stream}),
            *providers,
        ]
    session = onnxruntime.InferenceSession(path, options, providers=providers)
    if len(session.get_inputs()) != 1:
        raise BadGuest(f"the ONNX graph takes {len(session.get_inputs())} inputs, expected one tensor (N, 3, H, W)")
    return session


def _dtype(session: Any) -> torch.dtype:
    kind = session.get_inputs()[0].type
    if kind not in _DTYPES:
        raise BadGuest(f"the ONNX graph takes a {kind}, expected {' or '.join(_DTYPES)}")
    return _DTYPES[kind]


def _on_gpu(session: Any, source: str, target: str, tensor: torch.Tensor, scale: int) -> torch.Tensor:
    import numpy as np

    tensor = tensor.contiguous()
    batch, _, height, width = tensor.shape
    output = torch.empty(batch, 3, height * scale, width * scale, dtype=tensor.dtype, device=tensor.device)
    kind = np.float16 if tensor.dtype is torch.float16 else np.float32
    binding, index = session.io_binding(), tensor.device.index or 0
    binding.bind_input(source, "cuda", index, kind, tuple(tensor.shape), tensor.data_ptr())
    binding.bind_output(target, "cuda", index, kind, tuple(output.shape), output.data_ptr())
    session.run_with_iobinding(binding)
    return output


def builder(request: Mapping[str, Any], device: torch.device) -> Callable[[], torch.nn.Module]:
    """Return what opens the file, and the half one beside it where there is one, anew at each call."""
    paths = [str(request["checkpoint"]), *([str(request["half"])] if request.get("half") else [])]
    return lambda: Graph(paths, device, request.get("scale"))
