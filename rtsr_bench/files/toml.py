"""Reading untrusted TOML: bounded, and every mistake is one line that starts with its location."""

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
"""Maximum dots in a line: tomllib takes time quadratic in the parts of a dotted key."""

_MAX_DEPTH = 100
"""Maximum levels of tables and arrays."""

_MAX_REASON = 200


def parse_toml(data: bytes, where: str) -> dict[str, Any]:
    """Return the tables of a TOML text in UTF-8; UserError, one line that starts with `where`, for anything else."""
    try:
        text = data.decode("utf-8-sig")
        if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
            raise too_deep(where)
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: expected UTF-8 text, found other bytes at {error.start}; save it as UTF-8") from None
    except RecursionError:
        raise too_deep(where) from None
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits is another
        reason = " ".join(str(error).split())
        reason = reason[:_MAX_REASON] if one_line(reason) else shown(reason)[1:-1]
        raise UserError(f"{where}: expected TOML, found a mistake: {reason}; correct it") from None
    if _is_deep(content):  # how deep tomllib itself goes depends on the version of Python
        raise too_deep(where)
    return content


def _is_deep(content: dict[str, Any]) -> bool:
    level: list[Any] = [content]
    for _ in range(_MAX_DEPTH):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def read_toml(file: Traversable | Path, *, what: str) -> dict[str, Any]:
    """Return the tables of a TOML file; UserError if it cannot be read, `what` names what was expected."""
    return parse_toml(bytes_of(file, what=what), str(file))


def bytes_of(file: Traversable | Path, *, what: str) -> bytes:
    """Return the bytes of a TOML file, for callers that also need their digest."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: expected {what} (TOML), found: {error.strerror}; check the path") from None


def too_deep(where: str) -> UserError:
    """The error for tables nested too deeply."""
    return UserError(f"{where}: expected tables and arrays a few levels deep, found hundreds; nest less")
