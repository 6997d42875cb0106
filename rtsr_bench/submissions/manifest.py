"""Reading `submission.toml`: strict, bounded, and every mistake said in one line. Nothing of a guest is executed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from rtsr_bench.errors import UserError
from rtsr_bench.files.slug import slug
from rtsr_bench.files.table import Table, closest, kind_of, shown
from rtsr_bench.files.toml import parse_toml, too_deep
from rtsr_bench.formats import FORMATS, Format
from rtsr_bench.protocol import SCALES
from rtsr_bench.submissions.addresses import public_address
from rtsr_bench.submissions.folder import inner_file, read_bounded
from rtsr_bench.submissions.submission import CheckpointFile, CheckpointRecipe, CheckpointRef, ModelSpec
from rtsr_bench.text import one_line

MANIFEST = "submission.toml"
MAX_BYTES = 64 * 1024
MAX_MODELS = 64
MAX_ID = 64

_ID = re.compile(r"[a-z0-9_-]+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SUBMISSION_KEYS = ("id", "team", "title", "authors", "paper", "code", "license", "notes")
_MODEL_KEYS = ("scale", "variant", "format", "checkpoint", "untrained", "trained_by", "data_range")
_RECIPE_KEYS = ("url", "sha256", "name")


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a `submission.toml` says, checked against the folder that it lies in."""

    id: str
    team: str
    title: str
    authors: str
    paper: str
    code: str
    license: str
    notes: str
    models: tuple[ModelSpec, ...]


def read_manifest(folder: Path, *, label: str, default_id: str | None) -> Manifest:
    """Read the manifest of a submission's folder.

    `label` names the submission in messages; `default_id` is the id where the manifest gives none (None: it must).
    UserError, one line, for whatever is wrong with it.
    """
    where = f"{label}: {MANIFEST}"
    try:
        content = parse_toml(read_bounded(folder, MANIFEST, limit=MAX_BYTES, label=label), where)
        Table(content, where).only(("submission", "model"))
        return _manifest(content, folder, where=where, default_id=default_id)
    except RecursionError:
        raise too_deep(where) from None


def id_from_name(name: str) -> str | None:
    """Turn a folder's or archive's name into an id, `-` for what an id can't hold; None if nothing is left."""
    return slug(name, most=MAX_ID, dashes=True, empty="") or None


def _manifest(content: dict[str, Any], folder: Path, *, where: str, default_id: str | None) -> Manifest:
    about = content.get("submission")
    if not isinstance(about, dict):
        found = "nothing" if about is None else kind_of(about)
        raise UserError(f'{where}: expected a table [submission], found {found}; write [submission] and team = "..."')
    table = Table(about, f"{where}: [submission]")
    table.only(_SUBMISSION_KEYS)
    submission_id = _id(table, "id", default=default_id)
    return Manifest(
        id=submission_id,
        team=table.text("team", limit=100, example='"Team X"'),
        title=table.text("title", limit=100, example='"XNet"'),
        authors=table.names("authors", limit=1000),
        paper=table.text("paper", limit=500, default="", example='"https://..."'),
        code=table.text("code", limit=500, default="", example='"https://..."'),
        license=table.text("license", limit=100, default="", example='"Apache-2.0"'),
        notes=table.paragraph("notes", limit=2000),
        models=_models(content.get("model"), folder, where=where, submission=submission_id),
    )


def _id(table: Table, key: str, *, default: str | None) -> str:
    if not table.has(key) and default is None:
        raise table.mistake(key, expected="an id, because the folder's name gives none", hint=f'write {key} = "team_x"')
    value = table.text(key, limit=MAX_ID, default=default, example='"team_x"')
    if not _ID.fullmatch(value):
        suggestion = id_from_name(value) or "team_x"
        raise table.mistake(key, expected="only a-z, 0-9, _ and -", hint=f'write {key} = "{suggestion}"')
    return value


def _models(content: object, folder: Path, *, where: str, submission: str) -> tuple[ModelSpec, ...]:
    if not isinstance(content, list) or not content or not all(isinstance(item, dict) for item in content):
        found = "nothing" if content is None else kind_of(content)
        found = "a single table [model]" if isinstance(content, dict) else found
        raise UserError(
            f"{where}: expected one table [[model]] for each model, found {found}; write [[model]] and scale = 2"
        )
    if len(content) > MAX_MODELS:
        raise UserError(f"{where}: expected at most {MAX_MODELS} tables [[model]], found {len(content)}; split them up")
    models: dict[str, int] = {}
    specs = []
    for number, item in enumerate(content, start=1):
        spec = _model(Table(item, f"{where}: [[model]] {number}"), folder, submission=submission)
        if spec.id in models:
            raise UserError(
                f"{where}: [[model]] {number}: expected a scale and variant of its own, found {spec.id} again "
                f'(first in [[model]] {models[spec.id]}); give it another variant = "..."'
            )
        models[spec.id] = number
        specs.append(spec)
    return tuple(specs)


def _model(table: Table, folder: Path, *, submission: str) -> ModelSpec:
    form = _format(table)
    table.only((*_MODEL_KEYS, *form.keys))
    scale = table.choice("scale", SCALES, example="2")
    variant = _id(table, "variant", default="") if table.has("variant") else ""
    data_range = table.choice("data_range", (1.0, 255.0), example="1.0") if table.has("data_range") else 1.0
    load = form.read(table, folder)
    return ModelSpec(
        submission=submission,
        scale=int(scale),
        variant=variant,
        format=form.name,
        entry=load.entry,
        args=load.args,
        checkpoint=_checkpoint(table, folder),
        data_range=float(data_range),
        untrained=_untrained(table),
        trained_by=_trained_by(table),
        weights_key=load.weights_key,
    )


def _untrained(table: Table) -> str:
    why = table.text("untrained", limit=100, default="", example='"architecture only"')
    if why and table.has("checkpoint"):
        raise UserError(
            f"{table.where} untrained: expected no checkpoint beside it, because it holds trained weights, found both; "
            "remove one of the two"
        )
    return why


def _trained_by(table: Table) -> str:
    who = table.text("trained_by", limit=100, default="", example='"Team Y, on DIV2K"')
    if who and table.has("untrained"):
        raise UserError(f"{table.where} trained_by: expected no untrained beside it, found both; remove one of the two")
    return who


def _format(table: Table) -> Format:
    name, known = table.text("format", limit=40, default="python", example='"python"'), FORMATS.all()
    if name in known:
        return known[name]
    supported = " or ".join(f'"{one}"' for one in known)
    raise table.mistake("format", expected=supported, hint=f"correct or remove it{closest(name, known)}")


def _checkpoint(table: Table, folder: Path) -> CheckpointRef | None:
    value = table.value("checkpoint")
    if value is None:
        return None
    if isinstance(value, dict):
        return _recipe(Table(value, f"{table.where} checkpoint"))
    example = '"checkpoint.pth"'
    if not isinstance(value, str):
        raise table.mistake(
            "checkpoint",
            expected="a file's path or a table { url, sha256 }",
            hint=f"write checkpoint = {example}",
        )
    name = table.text("checkpoint", limit=300, example=example)
    problem = inner_file(folder, name)
    if problem is not None:
        raise UserError(
            f"{table.where} checkpoint: expected a file in the submission's folder, found {shown(name)}, {problem}; "
            "put the file there, correct the path, or give { url, sha256 }"
        )
    return CheckpointFile(name=PurePosixPath(name).as_posix())


def _recipe(table: Table) -> CheckpointRecipe:
    table.only(_RECIPE_KEYS)
    url = table.text("url", limit=2000, example='"https://..."')
    parts = public_address(url)
    if parts is None:
        raise table.mistake(
            "url",
            expected="an address that starts with https:// and a public host's name",
            hint="give the file's full address, or put the file into the folder",
        )
    sha256 = table.text("sha256", limit=200, example='"..."')
    if not _SHA256.fullmatch(sha256):
        raise UserError(
            f"{table.where} sha256: expected 64 hexadecimal digits, found {len(sha256)} characters {shown(sha256)}; "
            "give the SHA-256 of the file, as `sha256sum FILE` prints it"
        )
    name = table.text("name", limit=200, default=unquote(PurePosixPath(parts.path).name), example='"xnet_x2.pth"')
    if not name or "/" in name or "\\" in name or name in {".", ".."} or not one_line(name):
        raise UserError(
            f"{table.where} name: expected a file's name without folders, found {shown(name)}; "
            'write name = "checkpoint.pth"'
        )
    return CheckpointRecipe(url=url, sha256=sha256.lower(), name=name)
