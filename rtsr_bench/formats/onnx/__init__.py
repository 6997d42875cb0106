"""ONNX: a graph in one file, and a second one with the same network in fp16 where there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtsr_bench.errors import UserError
from rtsr_bench.formats import FORMATS, GRAPH_LINES, Format, Load, Skeleton, plain_request

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.files.table import Table
    from rtsr_bench.submissions.submission import ModelSpec
    from rtsr_bench.wire import LoadModel


def _read(table: Table, folder: Path) -> Load:
    from rtsr_bench.files.table import shown
    from rtsr_bench.submissions.folder import inner_file
    from rtsr_bench.submissions.keys import needs_checkpoint

    needs_checkpoint(table, example="model.onnx")
    half = table.text("half", limit=300, default="", example='"model_fp16.onnx"')
    problem = inner_file(folder, half) if half else None
    if problem is not None:
        raise UserError(
            f"{table.where} half: expected the fp16 graph's file in the submission's folder, found {shown(half)}, "
            f"{problem}; put the file there or correct the path"
        )
    return Load(args={"half": half} if half else {})


def _request(spec: ModelSpec, folder: Path, checkpoint: Path | None) -> LoadModel:
    from msgspec.structs import replace

    files = {name: (folder / file).absolute() for name, file in spec.args.items()}
    return replace(plain_request(spec, folder, checkpoint), args={}, files=files)


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.onnx.loading import builder

    return builder(request, device, notes)


_HALF = '# half = "model_fp16.onnx"      # the same network in fp16, for tracks that time it on a GPU'
_EXPORT = """# The exporter that needs no further package; with onnxscript installed, dynamo=True is the newer one.
axes = {"lr": {0: "batch", 2: "height", 3: "width"}}
warnings.simplefilter("ignore", DeprecationWarning)
torch.onnx.export(
    model, (image,), "model.onnx", input_names=["lr"], output_names=["sr"], dynamic_axes=axes, dynamo=False
)"""

ONNX = FORMATS.add(
    Format(
        name="onnx",
        title="ONNX",
        keys=("half",),
        alone=(".onnx",),
        read=_read,
        request=_request,
        load=_load,
        skeleton=Skeleton(
            lines=f"{GRAPH_LINES}\n{_HALF}",
            file="model.onnx",
            export=_EXPORT,
            hint="pip install 'rtsr-bench[onnx]'",
        ),
    )
)
