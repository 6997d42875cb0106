"""What the harness relies on in the child's process, and a guest's code can change for all code that runs there."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting of the process: how to read and to write it.

    A change that is `told` alters what a model computes. What the harness itself sets for a timed call is set back
    `once`, after loading.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    told: bool = True
    once: bool = False


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


def _set_warnings(filters: list[Any]) -> None:
    warnings.resetwarnings()
    warnings.filters.extend(filters)  # type: ignore[attr-defined]  # a list, which typeshed calls a sequence


def _set_cudnn(name: str) -> Callable[[Any], None]:
    return lambda value: setattr(torch.backends.cudnn, name, value)


def _set_autocast(device: str) -> Callable[[Any], None]:
    return lambda value: torch.set_autocast_enabled(device, value)


def _default_device(device: torch.device) -> torch.device | None:
    """None for the usual one, and for the very device that a guest runs on: it may rely on it in every call."""
    chosen = torch.get_default_device()
    return None if chosen in (device, torch.device("cpu")) else chosen


def _settings(device: torch.device) -> Iterator[Setting]:
    yield Setting(name="the default dtype", read=torch.get_default_dtype, write=torch.set_default_dtype)
    yield Setting(
        name="the default device",
        read=partial(_default_device, device),
        write=torch.set_default_device,
    )
    yield Setting(name="deterministic algorithms", read=_deterministic, write=_set_deterministic)
    yield Setting(name="the number of threads", read=torch.get_num_threads, write=torch.set_num_threads)
    yield Setting(name="anomaly detection", read=torch.is_anomaly_enabled, write=torch.autograd.set_detect_anomaly)
    yield Setting(
        name="the precision of float32 products",
        read=torch.get_float32_matmul_precision,
        write=torch.set_float32_matmul_precision,
        once=True,
    )
    for kind in ("cpu", "cuda"):
        yield Setting(
            name=f"autocast on {kind}",
            read=partial(torch.is_autocast_enabled, kind),
            write=_set_autocast(kind),
        )
    for name in ("enabled", "deterministic"):
        yield Setting(
            name=f"cudnn.{name}",
            read=partial(getattr, torch.backends.cudnn, name),
            write=_set_cudnn(name),
            once=True,
        )
    yield Setting(name="gradients", read=torch.is_grad_enabled, write=torch.set_grad_enabled, told=False)
    yield Setting(name="filters of warnings", read=lambda: list(warnings.filters), write=_set_warnings, told=False)
    yield Setting(name="the recursion limit", read=sys.getrecursionlimit, write=sys.setrecursionlimit, told=False)


class ProcessState:
    """The settings as they were when this was made: before a guest's code runs. `restore` sets them back."""

    def __init__(self, device: torch.device) -> None:
        self._kept = [(setting, setting.read()) for setting in _settings(device)]

    def restore(self, *, loaded: bool = False) -> list[str]:
        """Set back what was changed, as far as the process allows; returns a sentence for each change that matters.

        `loaded`: the guest has just been loaded, and no call of its model was made ready.
        """
        said = []
        for setting, value in self._kept:
            if setting.once and not loaded:
                continue
            with contextlib.suppress(Exception):
                found = setting.read()
                if found == value:
                    continue
                setting.write(value)
                if setting.told:
                    said.append(f"the submission's code set {setting.name} to {_shown(found)}; "
                                f"it was set back to {_shown(value)}")  # fmt: skip
        return said


def _shown(value: Any) -> str:
    return " and ".join(map(str, value)) if isinstance(value, tuple) else str(value)
