"""What a guest raised, as a kind of failure and a whole reason."""

from __future__ import annotations

import builtins
import pickle
import sys

import torch

from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.measuring.stubs import Stubs
from rtsr_bench.record import FailureKind
from rtsr_bench.record.failure import whole_reason

_MORE_THAN_WEIGHTS = (
    "the submission's own code loads a pickle that holds more than weights, or is damaged; save the state dict alone "
    "(torch.save(model.state_dict(), path)), or read it in the sandbox with --allow-pickle"
)
_NOT_THERE = (
    "It is neither in the submission nor installed: --with-requirements installs what requirements.txt lists, "
    "--stub-missing replaces it with a stub, for a model that never uses it"
)
_NO_MEMORY = (
    "can't allocate memory",
    "_STATUS_ALLOC_FAILED",
    "CUDA failure 2: out of memory",
    "Failed to allocate memory",
)
"""How torch's CPU allocator, cuDNN and cuBLAS, and onnxruntime say that memory ran out."""

_SCRIPT_FAILED = "The following operation failed in the TorchScript interpreter"


def kind_of(error: BaseException) -> FailureKind:
    """Return the kind of failure that an exception is."""
    if isinstance(error, BadGuest):
        return FailureKind.BAD_OUTPUT
    text = _message(error)
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError) or any(words in text for words in _NO_MEMORY)
    return FailureKind.OUT_OF_MEMORY if memory else FailureKind.EXCEPTION


def reason_of(error: BaseException) -> str:
    """Return the whole message of an exception on one line, with its type unless the harness raised it itself."""
    message = _message(error)
    match kind_of(error):
        case FailureKind.BAD_OUTPUT:
            return whole_reason(message)
        case FailureKind.OUT_OF_MEMORY:
            return whole_reason(f"out of memory: {message}")
    if isinstance(error, pickle.UnpicklingError):
        message = f"{_MORE_THAN_WEIGHTS}\n{message}"
    elif message.startswith(_SCRIPT_FAILED):  # what went wrong stands below a traceback of the graph
        message = f"{message.splitlines()[-1].removeprefix('RuntimeError: ')}\n{message}"
    elif isinstance(error, ModuleNotFoundError) and _is_missing_package(error):
        message = f"{message}\n{_NOT_THERE}"
    return whole_reason(f"{type(error).__name__}: {message or '(no message)'}")


def _is_missing_package(error: ModuleNotFoundError) -> bool:
    """Whether an import failed that a stub would have let pass."""
    name = error.name or "."
    return "." not in name and name not in sys.stdlib_module_names and not isinstance(builtins.__import__, Stubs)


def _message(error: BaseException) -> str:
    """The exception's own text; a guest's `__str__` may raise anything itself."""
    try:
        return str(error).strip()
    except BaseException as another:  # noqa: BLE001 - as above
        return f"(its message can't be read: {type(another).__name__})"
