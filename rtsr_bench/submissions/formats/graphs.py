"""Networks that are handed in as the graph in one file: TorchScript, torch.export, ONNX."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import Table, shown
from rtsr_bench.submissions.folder import inner_file
from rtsr_bench.submissions.formats.format import Format, Load, needs_checkpoint, plain_request
from rtsr_bench.submissions.submission import ModelSpec


def _read(table: Table, folder: Path, *, example: str) -> Load:
    needs_checkpoint(table, example=example)
    half = table.text("half", limit=300, default="", example='"model_fp16.onnx"')
    problem = inner_file(folder, half) if half else None
    if problem is not None:
        raise UserError(
            f"{table.where} half: expected the fp16 graph's file in the submission's folder, found {shown(half)}, "
            f"{problem}; put the file there or correct the path"
        )
    return Load(args={"half": half} if half else {})


def _request(spec: ModelSpec, folder: Path, checkpoint: Path | None) -> dict[str, Any]:
    half = spec.args.get("half")
    request = plain_request(spec, folder, checkpoint)
    return request | {"args": {}, "half": str((folder / half).absolute()) if half else None}


TORCHSCRIPT = Format(
    name="torchscript", title="TorchScript", keys=(), read=partial(_read, example="model.pt"), request=_request
)
TORCH_EXPORT = Format(
    name="torch-export", title="torch.export", keys=(), read=partial(_read, example="model.pt2"), request=_request
)
ONNX = Format(name="onnx", title="ONNX", keys=("half",), read=partial(_read, example="model.onnx"), request=_request)
