"""Sessions of onnxruntime: on the CPU, on CUDA, or with TensorRT.

TensorRT runs the whole graph or none of it: a graph of which it runs a part, and other kernels the rest, is refused,
because its row would be called what it is not. Neither CUDA nor TensorRT has been tried on a card yet.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import torch

from rtsr_bench.formats.onnx.retyping import has_half
from rtsr_bench.measuring import numerics
from rtsr_bench.measuring.guest import BadGuest

_CUDA, _TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"


def open_session(graph: str | bytes, device: torch.device, stream: Any, *, tensorrt: bool = False) -> Any:
    """Open a graph, from a file or from its bytes; BadGuest for one that takes no image alone.

    `stream`: torch's stream that the graph works on, None on the CPU.
    """
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
    if tensorrt:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        providers = [(_TENSORRT, _tensorrt(device, stream, half=has_half(graph)))]
    elif device.type == "cuda":
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")  # else none is freed
        providers = [(_CUDA, _cuda(device, stream)), *providers]
    wanted = _TENSORRT if tensorrt else _CUDA
    name = "TensorRT" if tensorrt else "CUDA"
    if device.type == "cuda" and wanted not in onnxruntime.get_available_providers():
        raise BadGuest(
            f"onnxruntime {onnxruntime.__version__} has no {name} provider here: install onnxruntime-gpu in its place"
        )
    session = _opened(onnxruntime, graph, options, providers, name if tensorrt else "")
    if device.type == "cuda" and wanted not in session.get_providers():
        # onnxruntime goes on with the CPU, and a line in its log, where a library of CUDA or cuDNN is missing.
        raise BadGuest(
            f"onnxruntime {onnxruntime.__version__} did not start its {name} provider and would run on "
            f"{session.get_providers()[0]}: install the versions of "
            f"{_libraries(tensorrt=tensorrt)} that it was built for"
        )
    if len(session.get_inputs()) != 1:
        raise BadGuest(f"the ONNX graph takes {len(session.get_inputs())} inputs, expected one tensor (N, 3, H, W)")
    return session


def _opened(onnxruntime: Any, graph: str | bytes, options: Any, providers: list[Any], whole: str) -> Any:
    """The session; BadGuest where the provider named `whole` does not run all of the graph."""
    try:
        return onnxruntime.InferenceSession(graph, options, providers=providers)
    except Exception as error:
        if not whole:
            raise
        reason = " ".join(str(error).split())
        raise BadGuest(
            f"{whole} does not run the whole graph ({reason}); use the execution onnxruntime, or install the versions "
            f"of {_libraries(tensorrt=True)} that onnxruntime {onnxruntime.__version__} was built for"
        ) from error


def _libraries(*, tensorrt: bool) -> str:
    return "CUDA and TensorRT" if tensorrt else "CUDA and cuDNN"


def _cuda(device: torch.device, stream: Any) -> dict[str, str]:
    return {
        "device_id": str(device.index or 0),
        "user_compute_stream": str(stream.cuda_stream),
        "arena_extend_strategy": "kSameAsRequested",  # by default it doubles: up to twice what is needed
        "use_tf32": "1" if _tf32() else "0",  # by default on
    }


def _tensorrt(device: torch.device, stream: Any, *, half: bool) -> dict[str, str]:
    """Options of the provider: fp16 kernels for graphs that hold fp16 numbers only, and nothing is kept on disk.

    TF32 has no option there; TensorRT obeys this variable, which it reads when its first engine is built.
    """
    importlib.import_module("tensorrt")  # it loads the libraries that onnxruntime looks for

    if not _tf32():
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
    return {
        "device_id": str(device.index or 0),
        "user_compute_stream": str(stream.cuda_stream),
        "trt_fp16_enable": str(int(half)),
        "trt_engine_cache_enable": "0",
        "trt_timing_cache_enable": "0",
    }


def _tf32() -> bool:
    return numerics.facts()["tf32_cudnn"] == "True"
