"""PyTorch eager mode: each operator runs when the model calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution


def _prepare(model: Callable[[Any], Any], execution: Execution, device: Any) -> Callable[[Any], Any]:
    """Return the model itself: the harness has moved it to the device and converted it to the precision."""
    del execution, device
    return model


EAGER = BACKENDS.add(Backend(name="eager", title="PyTorch eager", prepare=_prepare))
