"""`torch.export.save`: a `.pt2` file."""

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
    needs_checkpoint(table, example="model.pt2")
    return Load()


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.torch_export.loading import builder

    del device, notes  # the guest moves the module there
    return builder(request)


_EXPORT = """height, width = torch.export.Dim("height", min=4), torch.export.Dim("width", min=4)
exported = torch.export.export(model, (image,), dynamic_shapes=({2: height, 3: width},))
torch.export.save(exported, "model.pt2")"""

TORCH_EXPORT = FORMATS.add(
    Format(
        name="torch-export",
        title="torch.export",
        read=_read,
        load=_load,
        skeleton=Skeleton(file="model.pt2", export=_EXPORT),
    )
)
