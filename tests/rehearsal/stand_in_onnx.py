"""A stand-in for onnxruntime's CUDA and TensorRT providers on its CPU provider: control flow, not speed."""

from __future__ import annotations

import os
import sys
import types
from typing import Any

import onnxruntime
from stand_in import _state as state
from stand_in import log

ARENA_BYTES = 5 << 20
"""What a graph takes of the device beside torch's allocator."""

_SESSION = onnxruntime.InferenceSession


class Binding:
    def __init__(self, session: Any) -> None:
        self.real = session.real.io_binding()

    def bind_input(self, name: str, device: str, index: int, kind: Any, shape: Any, pointer: int) -> None:
        assert (device, index) == ("cuda", 0)
        self.real.bind_input(name, "cpu", 0, kind, shape, pointer)

    def bind_output(self, name: str, device: str, index: int, kind: Any, shape: Any, pointer: int) -> None:
        assert (device, index) == ("cuda", 0)
        self.real.bind_output(name, "cpu", 0, kind, shape, pointer)


class Session:
    """A session that says it is on CUDA; where the provider does not start, onnxruntime leaves it out silently."""

    starts = True
    whole = True

    def __init__(self, path: str, options: Any, providers: list[Any]) -> None:
        (name, chosen), rest = providers[0], providers[1:]
        assert int(chosen["user_compute_stream"]) != 0, "onnxruntime takes 0 for none given"
        if name == "TensorrtExecutionProvider":
            assert (rest, options.get_session_config_entry("session.disable_cpu_ep_fallback")) == ([], "1")
            assert "tensorrt" in sys.modules, "its libraries are loaded by the package"
            assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0", "TensorRT computes fp32 in TF32 by default"
            if not self.whole:
                raise RuntimeError("This session contains graph nodes that are assigned to the default CPU EP")
        else:
            assert (name, rest) == ("CUDAExecutionProvider", ["CPUExecutionProvider"])
            log[f"tf32 {chosen['use_tf32']}"] += 1
        self.real = _SESSION(path, onnxruntime.SessionOptions(), providers=["CPUExecutionProvider"])
        half = self.real.get_inputs()[0].type == "tensor(float16)"
        assert chosen.get("trt_fp16_enable", str(int(half))) == str(int(half)), "an fp32 graph would run in fp16"
        self.providers = [name, *rest] if self.starts else ["CPUExecutionProvider"]

    def get_providers(self) -> list[str]:
        return self.providers

    def get_inputs(self) -> Any:
        return self.real.get_inputs()

    def get_outputs(self) -> Any:
        return self.real.get_outputs()

    def run(self, names: list[str], given: Any, options: Any) -> Any:
        assert options.get_run_config_entry("disable_synchronize_execution_providers") == "0"
        return self.real.run(names, given)

    def io_binding(self) -> Binding:
        return Binding(self)

    def run_with_iobinding(self, binding: Binding, options: Any) -> None:
        asynchronous = options.get_run_config_entry("disable_synchronize_execution_providers")
        assert asynchronous == "1"
        if _config(options, "memory.enable_memory_arena_shrinkage"):
            log["arena shrunk"] += 1
            state.beside = 0
        plain = onnxruntime.RunOptions()
        self.real.run_with_iobinding(binding.real, plain)
        state.beside = max(state.beside, ARENA_BYTES)


def install(*, starts: bool = True, whole: bool = True) -> None:
    """Put it in the place of onnxruntime's sessions, for the life of this process."""
    known = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    onnxruntime.get_available_providers = lambda: known
    sys.modules.setdefault("tensorrt", types.ModuleType("tensorrt"))
    Session.starts, Session.whole = starts, whole
    onnxruntime.InferenceSession = Session


def _config(options: Any, name: str) -> str:
    try:
        return str(options.get_run_config_entry(name))
    except RuntimeError:  # not set
        return ""
