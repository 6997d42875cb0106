"""Writing deployed weights and their card atomically, never the weights without the card."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from safetensors.torch import save

from rtsr_bench.errors import HarnessError
from rtsr_bench.files.writing import aside, write_durably
from rtsr_bench.training import card

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn


def ship(shipped: nn.Module, weights: Path, *, described: Callable[[bytes], dict[str, Any]]) -> None:
    """Write a network's weights as safetensors, and next to them (`.json`) the card that `described` returns.

    Both are written completely before they are renamed, the card first; if the process is killed in between, the same
    command completes it. HarnessError if writing fails; existing files are then kept.
    """
    # Not by `save_file`, which makes files that only their owner may read.
    data = save({name: value.contiguous() for name, value in shipped.state_dict().items()})
    contents = {weights.with_suffix(".json"): card.encoded(described(data)), weights: data}
    try:
        with contextlib.ExitStack() as stack:
            parts = {path: stack.enter_context(aside(path)) for path in contents}
            for path, content in contents.items():
                write_durably(parts[path], content)
            for path, part in parts.items():
                part.replace(path)
    except OSError as error:
        raise HarnessError(f"{weights}: the weights could not be written: {error}") from error
