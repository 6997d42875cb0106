"""Reading TOML from anybody: bounded, and every mistake one line that begins with where it stands."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import shown
from rtsr_bench.text import one_line

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

_MAX_DOTS = 500
"""Dots in one line: the time tomllib takes for a dotted key grows with the square of its parts."""

_MAX_REASON = 200


def parse_toml(data: bytes, where: str) -> dict[str, Any]:
    """Return the tables of a TOML text in UTF-8; UserError, one line after `where`, for anything else."""
    try:
        text = data.decode("utf-8-sig")
        if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
            raise too_deep(where)
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: expected UTF-8 text, found other bytes at {error.start}; save it as UTF-8") from None
    except RecursionError:
        raise too_deep(where) from None
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits is another
        reason = " ".join(str(error).split())
        reason = reason[:_MAX_REASON] if one_line(reason) else shown(reason)[1:-1]
        raise UserError(f"{where}: expected TOML, found a mistake: {reason}; correct that place") from None


def read_toml(file: Traversable | Path, *, what: str) -> dict[str, Any]:
    """Return the tables of a TOML file; UserError where it can't be read, `what` says what was expected there."""
    return parse_toml(bytes_of(file, what=what), str(file))


def bytes_of(file: Traversable | Path, *, what: str) -> bytes:
    """The same file's bytes, for who needs their digest as well."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: expected {what} (TOML), found: {error.strerror}; check the path") from None


def too_deep(where: str) -> UserError:
    """The line for what is nested deeper than any reader here can follow."""
    return UserError(f"{where}: expected tables and arrays a few levels deep, found hundreds; nest less")
