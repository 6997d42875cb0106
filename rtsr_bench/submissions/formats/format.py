"""What a format has to say about itself."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import Table, shown
from rtsr_bench.submissions.submission import ModelSpec
from rtsr_bench.text import ascii_safe


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What a format read from a `[[model]]` table, besides the keys that all formats share."""

    entry: str = ""
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One way to hand in a model.

    `keys`: what it reads of a `[[model]]` table beside `scale`, `variant`, `format`, `checkpoint` and `data_range`.
    `read(table, folder)` checks these keys against the folder; UserError, one line.
    `request(spec, folder, checkpoint)` is what the child needs to load the model: JSON-able, absolute paths.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    read: Callable[[Table, Path], Load]
    request: Callable[[ModelSpec, Path, Path | None], dict[str, Any]]


def plain_request(spec: ModelSpec, folder: Path, checkpoint: Path | None) -> dict[str, Any]:
    """What every format tells the child: where the folder and the weights are, and what the manifest says."""
    return {
        "format": spec.format,
        "folder": str(folder.absolute()),
        "entry": spec.entry,
        "args": spec.args,
        "checkpoint": None if checkpoint is None else str(checkpoint.absolute()),
        "data_range": spec.data_range,
        "scale": spec.scale,
    }


def arguments(table: Table) -> dict[str, Any]:
    """Return the keyword arguments that a table gives under `args`; UserError where a name can't be one."""
    args = table.table("args")
    for name in args:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UserError(
                f"{table.where} args: expected names of keyword arguments, found {shown(name)}; "
                "use letters, digits and underscores"
            )
        if name == "checkpoint":
            raise UserError(
                f"{table.where} args.{ascii_safe(name)}: expected no such argument here, because the harness passes "
                'the resolved path itself; write checkpoint = "..." beside args'
            )
    return args


def needs_checkpoint(table: Table, *, example: str) -> None:
    """Refuse a model whose format is nothing without its file."""
    if not table.has("checkpoint"):
        raise table.mistake("checkpoint", expected="the model's file", way_out=f'write checkpoint = "{example}"')
