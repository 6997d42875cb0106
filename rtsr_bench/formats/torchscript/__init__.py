"""TorchScript: `torch.jit.save` of a scripted or traced module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtsr_bench.formats import FORMATS, Format, Load, Skeleton

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.files.table import Table
    from rtsr_bench.wire import LoadModel


def _read(table: Table, folder: Path) -> Load:
    from rtsr_bench.submissions.keys import needs_checkpoint

    del folder
    needs_checkpoint(table, example="model.pt")
    return Load()


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.torchscript.loading import builder

    del notes
    return builder(request, device)


TORCHSCRIPT = FORMATS.add(
    Format(
        name="torchscript",
        title="TorchScript",
        read=_read,
        load=_load,
        skeleton=Skeleton(file="model.pt", export='torch.jit.script(model).save("model.pt")'),
    )
)
