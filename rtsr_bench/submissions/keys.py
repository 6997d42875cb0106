"""Keys of a `[[model]]` table that several formats read."""

from __future__ import annotations

import keyword
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import Table, shown
from rtsr_bench.text import ascii_safe


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
        raise table.mistake("checkpoint", expected="the model's file", hint=f'write checkpoint = "{example}"')


def weights_key(table: Table) -> str:
    """Return which weights of a checkpoint a table chooses, empty where it does not; UserError without a checkpoint."""
    key = table.text("weights_key", limit=200, default="", example='"params_ema"')
    if key and not table.has("checkpoint"):
        raise table.mistake(
            "weights_key", expected="a checkpoint beside it", hint='write checkpoint = "..." or remove weights_key'
        )
    return key
