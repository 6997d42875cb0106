"""Weights alone, of one of the architectures that spandrel knows: it tells by the names and shapes which one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtsr_bench.formats import FORMATS, Format, Load

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.files.table import Table
    from rtsr_bench.wire import LoadModel


def _read(table: Table, folder: Path) -> Load:
    from rtsr_bench.submissions.keys import needs_checkpoint, weights_key

    del folder
    needs_checkpoint(table, example="weights.safetensors")
    return Load(weights_key=weights_key(table))


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.spandrel.loading import builder

    del device
    return builder(request, notes)


SPANDREL = FORMATS.add(
    Format(
        name="spandrel",
        title="weights that name their architecture (spandrel)",
        alone=(".safetensors", ".pth", ".pt", ".ckpt"),
        keys=("weights_key",),
        read=_read,
        load=_load,
    )
)
