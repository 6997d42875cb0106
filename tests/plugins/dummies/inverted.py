"""An execution from outside of the package: eager, but the image comes back as its negative."""

from collections.abc import Callable
from typing import Any

from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.execution import Execution


def _prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
    del execution, device
    return lambda image: 1.0 - model(image)


BACKENDS.add(Backend(name="inverted", title="PyTorch eager, negative", prepare=_prepare))
