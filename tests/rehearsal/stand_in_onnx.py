"""A stand-in for onnxruntime's CUDA provider on its CPU provider: control flow, not speed."""

from __future__ import annotations

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

    def __init__(self, path: str, options: Any, providers: list[Any]) -> None:
        (name, chosen), rest = providers[0], providers[1:]
        assert (name, rest) == ("CUDAExecutionProvider", ["CPUExecutionProvider"])
        assert int(chosen["user_compute_stream"]) != 0, "onnxruntime takes 0 for none given"
        log[f"tf32 {chosen['use_tf32']}"] += 1
        self.real = _SESSION(path, options, providers=rest)
        self.providers = [name, *rest] if self.starts else rest

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


def install(*, starts: bool = True) -> None:
    """Put it in the place of onnxruntime's sessions, for the life of this process."""
    onnxruntime.get_available_providers = lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    Session.starts = starts
    onnxruntime.InferenceSession = Session


def _config(options: Any, name: str) -> str:
    try:
        return str(options.get_run_config_entry(name))
    except RuntimeError:  # not set
        return ""
