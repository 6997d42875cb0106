"""What a format has to say about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtsr_bench.submissions.submission import ModelSpec
from rtsr_bench.submissions.table import Table


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
