"""Backends: what runs a model. One file each, which registers itself in `BACKENDS`.

Parent and child import the same file. The parent reads what a backend says of itself, without torch; the child calls
`prepare`. So a backend imports nothing but the standard library and `rtsr_bench.backends` at its top, and torch inside
`prepare`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from rtsr_bench.execution import Execution, MemoryFormat, Option, Precision
from rtsr_bench.plugins import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far the outputs of one model may be apart that two processes computed for one input.

    `spread`, for random numbers: root mean square of the difference over the output's own spread. `least_db`, for
    images: PSNR between the two SR images, of what rounding to 8 bits cannot explain.
    """

    spread: float
    least_db: float

    @property
    def most_mse(self) -> float:
        """The mean square, on 0..255, that `least_db` allows."""
        return float(255**2 / 10 ** (self.least_db / 10))


_SPREAD, _LOOSE_SPREAD = 0.02, 0.05
"""For fp32 and for the others. Another algorithm for the same convolution (TF32, or cuDNN's choice of the day) stays
well below; the output for another input is at 1.4. CUDA: not yet tried."""

_LEAST_DB = {
    "cpu": {Precision.FP32: 60.0, Precision.FP16: 50.0, Precision.AMP_FP16: 50.0},
    "cuda": {Precision.FP32: 42.0, Precision.FP16: 42.0, Precision.AMP_FP16: 42.0},
}
_LEAST_BF16_DB = {"cpu": 37.0, "cuda": 30.0}
"""On a CPU the same algorithm runs in both processes, on a card perhaps another one; so it may be as far off as the
number format is: RT4KSR-S in fp16 and in fp32 are 53 to 54 dB apart where there is most detail, our own weights of it
46 to 48 dB, in bf16 and fp32 39 to 42 dB. Another model stays below where there is detail: see `evaluate.detail`.
CUDA: not yet tried."""


def same_algorithm(execution: Execution, device_kind: str) -> Tolerance:
    """Return what the number format explains on a kind of device, where both processes run the same operators."""
    precision = execution.precision
    return Tolerance(
        spread=_SPREAD if precision is Precision.FP32 else _LOOSE_SPREAD,
        least_db=_LEAST_DB[device_kind].get(precision, _LEAST_BF16_DB[device_kind]),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """One way to run models, by the name that `--execution` and a track's `execution` give.

    `prepare(model, execution, device)` runs in the child: it gets a `torch.nn.Module` of its own, in evaluation mode on
    the `torch.device`, its weights in the number format of `execution.weights`, and returns what is called with a
    tensor (N, 3, H, W) in that number format and in `execution.memory_format`, without gradients and in autocast where
    `execution.autocast` asks for it. It may change the model. Whatever it raises is a failure of the model.
    `memory_format` and `options` are those of an execution that this name stands for. `needs`: top-level modules that
    must be installed, each with the command that installs it. `tolerance(execution, device_kind)` says how far two
    processes may be apart.
    """

    name: str
    title: str
    prepare: Callable[[Any, Execution, Any], Callable[[Any], Any]]
    memory_format: MemoryFormat = MemoryFormat.CONTIGUOUS
    options: Mapping[str, Option] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    tolerance: Callable[[Execution, str], Tolerance] = same_algorithm

    @property
    def rules(self) -> dict[str, Any]:
        """The fields of a protocol that ask for this backend."""
        return {"backend": self.name, "memory_format": self.memory_format, "options": dict(self.options)}

    @property
    def lacks(self) -> str:
        """What is not installed and how to install it, on one line; empty where nothing is missing."""
        missing = {module: command for module, command in self.needs.items() if find_spec(module) is None}
        if not missing:
            return ""
        commands = "; ".join(dict.fromkeys(missing.values()))
        return f"execution {self.name} needs {', '.join(missing)}, which is not installed here: {commands}"


BACKENDS: Registry[Backend] = Registry("execution", __name__, lambda backend: backend.name)


def tolerance(execution: Execution, device_kind: str) -> Tolerance:
    """Return how far outputs of two processes under an execution may be apart on `cpu` or `cuda`."""
    return BACKENDS.find(execution.backend).tolerance(execution, device_kind)
