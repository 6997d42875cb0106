"""Weights alone, of one of the architectures that spandrel knows: it tells by the names and shapes which one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rtsr_bench.formats import FORMATS, Format, Load

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.files.table import Table


def _read(table: Table, folder: Path) -> Load:
    from rtsr_bench.submissions.keys import needs_checkpoint

    del folder
    needs_checkpoint(table, example="weights.safetensors")
    return Load()


def _load(request: Mapping[str, Any], device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.spandrel.loading import builder

    del device
    return builder(request, notes)


SPANDREL = FORMATS.add(
    Format(
        name="spandrel",
        title="weights that name their architecture (spandrel)",
        alone=(".safetensors", ".pth", ".pt", ".ckpt"),
        read=_read,
        load=_load,
    )
)
