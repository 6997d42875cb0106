"""Backends run models. Each is one file that registers itself in `BACKENDS`.

Parent and child import the same file. The parent reads the backend's description, without torch; the child calls
`prepare`. So a backend imports only the standard library and `rtsr_bench.backends` at the top, and torch inside
`prepare`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from shutil import which
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.execution import Execution, MemoryFormat, Option, Precision
from rtsr_bench.plugins import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """Maximum difference between the outputs of two processes for the same model and input.

    `spread`, for random inputs: root mean square of the difference, relative to the output's own spread. `least_db`,
    for images: minimum PSNR between the two SR images, beyond what rounding to 8 bits explains.
    """

    spread: float
    least_db: float

    @property
    def most_mse(self) -> float:
        """The mean square, on 0..255, that `least_db` allows."""
        return float(255**2 / 10 ** (self.least_db / 10))


_SPREAD, _LOOSE_SPREAD = 0.02, 0.05
"""For fp32 and for other precisions. Another algorithm for the same convolution (TF32, another choice of cuDNN) stays
well below; the output for another input is at 1.4. CUDA: not yet tried."""

_LEAST_DB = {
    "cpu": {Precision.FP32: 60.0, Precision.FP16: 50.0, Precision.AMP_FP16: 50.0},
    "cuda": {Precision.FP32: 42.0, Precision.FP16: 42.0, Precision.AMP_FP16: 42.0},
}
_LEAST_BF16_DB = {"cpu": 37.0, "cuda": 30.0}
"""On a CPU both processes run the same algorithm, on a GPU possibly another one, so the difference may be that of the
precision: RT4KSR-S in fp16 and in fp32 are 53 to 54 dB apart in the most detailed areas, with our own weights 46 to
48 dB, in bf16 and fp32 39 to 42 dB. Another model is below these limits in detailed areas: see `evaluate.detail`.
CUDA: not yet tried."""


def same_algorithm(execution: Execution, device_kind: str) -> Tolerance:
    """Return the difference that precision explains on a kind of device if both processes run the same operators."""
    precision = execution.precision
    return Tolerance(
        spread=_SPREAD if precision is Precision.FP32 else _LOOSE_SPREAD,
        least_db=_LEAST_DB[device_kind].get(precision, _LEAST_BF16_DB[device_kind]),
    )


EVERYWHERE = {"cpu": frozenset(Precision), "cuda": frozenset(Precision)}
"""Every precision on every kind of device."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """One way to run models, named by `--execution` or a track's `execution`.

    `prepare(model, execution, device)` runs in the child. It gets a `torch.nn.Module` in evaluation mode on the
    `torch.device`, with weights in the precision `execution.weights`, and may change it. It returns a callable for a
    tensor (N, 3, H, W) in that precision and in `execution.memory_format`, which is called without gradients and under
    `execution.autocast`, if any. An exception in it is a failure of the model. `memory_format` and `options` are those
    of the executions with this backend, the options with their defaults; `choices` are the values of those that do not
    take any. `engine`: it exports or compiles the model, so
    that its set-up is measured and its images are compared with those of eager fp32; the callable may tell the size of
    what was made as `graph_bytes`. `precisions`: those it can run by kind of device, a kind that is absent is not
    supported. `needs`: top-level modules that must be installed, and `programs` that must be on the path, each with the
    command that installs it. `tolerance(execution, device_kind)` is the allowed difference between two processes.
    """

    name: str
    title: str
    prepare: Callable[[Any, Execution, Any], Callable[[Any], Any]]
    memory_format: MemoryFormat = MemoryFormat.CONTIGUOUS
    options: Mapping[str, Option] = field(default_factory=dict)
    choices: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)
    engine: bool = False
    precisions: Mapping[str, frozenset[Precision]] = field(default_factory=lambda: EVERYWHERE)
    needs: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    tolerance: Callable[[Execution, str], Tolerance] = same_algorithm

    def rules(self, options: Mapping[str, Option] | None = None) -> dict[str, Any]:
        """The fields of a protocol that select this backend, with these options in place of the defaults."""
        chosen = {**self.options, **(options or {})}
        changed = {name: value for name, value in chosen.items() if value != self.options[name]}
        return {"backend": self.name, "memory_format": self.memory_format, "options": changed}

    @property
    def lacks(self) -> str:
        """What is not installed and how to install it, on one line; empty if nothing is missing."""
        missing = {module: command for module, command in self.needs.items() if find_spec(module) is None}
        missing |= {program: command for program, command in self.programs.items() if which(program) is None}
        if not missing:
            return ""
        commands = "; ".join(dict.fromkeys(missing.values()))
        return f"execution {self.name} needs {', '.join(missing)}, which is not installed here: {commands}"

    def refuses(self, precision: Precision, device_kind: str) -> str:
        """Why it cannot run this precision on this kind of device (`cpu`, `cuda`), on one line; empty if it can."""
        can = self.precisions.get(device_kind, frozenset())
        if precision in can:
            return ""
        if not can:
            return f"execution {self.name} does not run on {device_kind}, only on {', '.join(sorted(self.precisions))}"
        names = ", ".join(one.value for one in Precision if one in can)
        return f"execution {self.name} does not run {precision.value} on {device_kind}: expected --precision {names}"


BACKENDS: Registry[Backend] = Registry("execution", __name__, lambda backend: backend.name)


def rules_of(text: str) -> dict[str, Any]:
    """Return the fields of a protocol that `NAME` or `NAME:OPTION=VALUE,...` selects; UserError for anything else."""
    name, _, rest = text.partition(":")
    backend = BACKENDS.find(name)
    options: dict[str, Option] = {}
    for one in filter(None, rest.split(",")):
        key, equals, value = one.partition("=")
        if not equals or key not in backend.options:
            known = ", ".join(f"{option}={default}" for option, default in backend.options.items())
            expected = f"OPTION=VALUE of {known}" if known else "no option"
            raise UserError(f"execution {name}: expected {expected}, found {one!r}")
        options[key] = _option(backend, key, value)
    return backend.rules(options)


def installed(text: str) -> str:
    """Return an execution as the user wrote it; UserError if it is unknown or something that it needs is missing."""
    lacks = BACKENDS.find(str(rules_of(text)["backend"])).lacks
    if lacks:
        raise UserError(lacks)
    return text


def _option(backend: Backend, key: str, text: str) -> Option:
    """A value in the type of the option's default, and among its choices."""
    default = backend.options[key]
    choices = (True, False) if isinstance(default, bool) else backend.choices.get(key, ())
    if choices:
        by_text = {str(one).lower(): one for one in choices}
        if text in by_text:
            return by_text[text]
        raise UserError(f"execution {backend.name}: expected {key} to be {' or '.join(by_text)}, found {text!r}")
    try:
        return type(default)(text)
    except ValueError:
        kind = type(default).__name__
        raise UserError(f"execution {backend.name}: expected {key} of type {kind}, found {text!r}") from None


def tolerance(execution: Execution, device_kind: str) -> Tolerance:
    """Return the allowed difference between the outputs of two processes under an execution on `cpu` or `cuda`."""
    return BACKENDS.find(execution.backend).tolerance(execution, device_kind)
