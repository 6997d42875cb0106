"""Weights alone, for the architecture of one of the reference models: the code comes from `reference_models/`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtsr_bench.errors import UserError
from rtsr_bench.formats import FORMATS, Format, Load, Skeleton, plain_request

if TYPE_CHECKING:
    from rtsr_bench.files.table import Table
    from rtsr_bench.submissions.submission import ModelSpec
    from rtsr_bench.wire import LoadModel


def _folder() -> Path:
    from rtsr_bench.submissions.references import shipped_folder

    return shipped_folder()


def known_references() -> list[str]:
    """Return the names of the reference models beside the package; none where it was installed without them."""
    return sorted(path.parent.name for path in _folder().glob("*/submission.toml"))


def _read(table: Table, folder: Path) -> Load:
    from rtsr_bench.files.table import closest, shown
    from rtsr_bench.submissions.keys import arguments, needs_checkpoint, weights_key

    del folder
    needs_checkpoint(table, example="x2.safetensors")
    name = table.text("arch", limit=200, example='"rt4ksr"')
    wanted, _, variant = name.partition("/")
    known = known_references()
    if wanted not in known:
        if not known:
            raise UserError(f"{table.where} arch: expected a folder of reference models beside the package, found "
                            "none; run from a checkout of the project")  # fmt: skip
        raise UserError(
            f"{table.where} arch: expected a reference model ({', '.join(known)}), found {shown(name)}"
            f"{closest(wanted, known)}; name one of them"
        )
    like = _like(wanted, variant, table)
    return Load(entry=f"{wanted}/{like.entry}", args={**like.args, **arguments(table)}, weights_key=weights_key(table))


def _like(wanted: str, variant: str, table: Table) -> ModelSpec:
    """The reference's own model of this scale and variant: its entry, and the arguments to start from."""
    from rtsr_bench.files.table import shown
    from rtsr_bench.submissions.manifest import read_manifest

    models = read_manifest(_folder() / wanted, label=wanted, default_id=wanted).models
    scale = table.value("scale")
    for model in models:
        if model.scale == scale and variant in ("", model.variant):
            return model
    names = ", ".join(f"{wanted}/{model.variant} x{model.scale}" if model.variant else f"{wanted} x{model.scale}"
                      for model in models)  # fmt: skip
    raise UserError(
        f"{table.where} arch: expected one of {names}, found {shown(table.value('arch'))} at scale {scale}; "
        'write arch = "NAME" or arch = "NAME/VARIANT" of that scale'
    )


def _request(spec: ModelSpec, folder: Path, checkpoint: Path | None) -> LoadModel:
    from msgspec.structs import replace

    wanted, _, entry = spec.entry.partition("/")
    module = entry.partition(":")[0]
    code = _folder() / wanted / f"{module.replace('.', '/')}.py"
    return replace(plain_request(spec, folder, checkpoint), entry=entry, files={"code": code})


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.reference.loading import builder

    del device
    return builder(request, notes)


def _needs() -> str:
    return "" if known_references() else (
        "expected the folder reference_models beside the package, whose code the weights are for, found none; run it "
        "from a checkout of the project, installed with `pip install -e .`, or take --format python"
    )  # fmt: skip


_SKELETON = Skeleton(
    lines="""format = "reference"            # weights of yours, code of a reference model
arch = "espcn"
checkpoint = "{file}"  # made by `python export.py`; replace it with your trained weights""",
    steps="""2. Train the architecture of `reference_models/espcn`, or name another in `submission.toml`.
3. Save its weights here as `{file}` (`safetensors.torch.save_file(model.state_dict(), ...)`).""",
    file="weights.safetensors",
    templates=("submission.toml", "README.md", "export_reference.py"),
    weights="fresh ones",
    needs=_needs,
)

REFERENCE = FORMATS.add(
    Format(
        name="reference",
        title="weights of a reference architecture",
        keys=("arch", "args", "weights_key"),
        read=_read,
        request=_request,
        load=_load,
        skeleton=_SKELETON,
    )
)
