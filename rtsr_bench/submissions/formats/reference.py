"""Weights alone, for the architecture of one of the reference models: the code comes from `reference_models/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import Table, closest, shown
from rtsr_bench.submissions.formats.format import Format, Load, arguments, needs_checkpoint, plain_request
from rtsr_bench.submissions.references import shipped_folder
from rtsr_bench.submissions.submission import ModelSpec

_FOLDER = shipped_folder()


def known_references() -> list[str]:
    """Return the names of the reference models beside the package; none where it was installed without them."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/submission.toml"))


def _read(table: Table, folder: Path) -> Load:
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
    return Load(entry=f"{wanted}/{like.entry}", args={**like.args, **arguments(table)})


def _like(wanted: str, variant: str, table: Table) -> ModelSpec:
    """The reference's own model of this scale and variant: its entry, and the arguments to start from."""
    # The manifest's reader asks the formats to read their keys; this one asks it back for another manifest.
    from rtsr_bench.submissions.manifest import read_manifest

    models = read_manifest(_FOLDER / wanted, label=wanted, default_id=wanted).models
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


def _request(spec: ModelSpec, folder: Path, checkpoint: Path | None) -> dict[str, Any]:
    wanted, _, entry = spec.entry.partition("/")
    module = entry.partition(":")[0]
    code = _FOLDER / wanted / f"{module.replace('.', '/')}.py"
    return plain_request(spec, folder, checkpoint) | {"entry": entry, "code": str(code)}


REFERENCE = Format(
    name="reference",
    title="weights of a reference architecture",
    keys=("arch", "args"),
    read=_read,
    request=_request,
)
