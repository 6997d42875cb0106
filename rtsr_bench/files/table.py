"""Reading a manifest table key by key: every mistake becomes one line that says what, where and what to do."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.text import ascii_safe, one_line

MAX_SHOWN = 60
"""Maximum characters of a found value in a message."""


def shown(value: object) -> str:
    """Format an untrusted value for a message: quoted, on one line, without control characters, cut to a length."""
    text = ascii_safe(repr(value))
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 2] + " …"


def closest(word: str, known: Iterable[str]) -> str:
    """Return `, did you mean "team"?` or an empty text, for the end of a message."""
    near = difflib.get_close_matches(word[:200], list(known), n=1)
    return f', did you mean "{near[0]}"?' if near else ""


def kind_of(value: object) -> str:
    """Name a TOML value's type in TOML's terms, with the value if it is short."""
    match value:
        case dict():
            kind = "a table"
        case list():
            kind = "an array"
        case bool():
            kind = f"the boolean {str(value).lower()}"
        case str():
            kind = f"the text {shown(value)}" if value else "an empty text"
        case int():
            kind = f"the number {value}" if abs(value) < 10**18 else "a huge number"
        case float():
            kind = f"the number {value}"
        case _:
            kind = f"the date or time {shown(str(value))}"
    return kind


class Table:
    """A table of a manifest; `where` names it in messages, such as `team_x/submission.toml: [submission]`."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._content = content
        self.where = where

    def mistake(self, key: str, *, expected: str, hint: str) -> UserError:
        """Return the error for a key's value, to be raised."""
        found = kind_of(self._content[key]) if key in self._content else "nothing"
        return UserError(f"{self.where} {key}: expected {expected}, found {found}; {hint}")

    def only(self, known: Collection[str]) -> None:
        """Refuse any other key."""
        for key in self._content:
            if key not in known:
                hint = closest(key, known)
                raise UserError(
                    f"{self.where}: unknown key {shown(key)}{hint or ','} expected one of {', '.join(known)}; "
                    "correct or remove it"
                )

    def has(self, key: str) -> bool:
        """Whether the key exists."""
        return key in self._content

    def value(self, key: str) -> Any:
        """Return the value as parsed, None if it is missing."""
        return self._content.get(key)

    def text(self, key: str, *, limit: int, default: str | None = None, example: str) -> str:
        """Return a line of text of 1 to `limit` characters, trimmed; without a default the key is required."""
        value = self._content.get(key, default)
        if default is not None and key not in self._content:
            return default
        expected = f"a line of text of at most {limit} characters"
        if not isinstance(value, str):
            raise self.mistake(key, expected=expected, hint=f"write {key} = {example}")
        value = value.strip()
        if not one_line(value):
            raise self.mistake(key, expected=f"{expected}, without control characters", hint="remove them")
        if not value or len(value) > limit:
            found = f"{len(value)} characters" if value else "an empty one"
            raise UserError(f"{self.where} {key}: expected {expected}, found {found}; write {key} = {example}")
        return value

    def paragraph(self, key: str, *, limit: int) -> str:
        """Return an optional longer text; white space of any kind becomes single spaces."""
        if key not in self._content:
            return ""
        value = self._content[key]
        if not isinstance(value, str):
            raise self.mistake(key, expected="a text", hint=f'write {key} = "..." or remove it')
        value = " ".join(value.split())
        if not one_line(value) or len(value) > limit:
            expected = f"a text of at most {limit} characters without control characters"
            raise UserError(f"{self.where} {key}: expected {expected}, found {len(value)} characters; shorten it")
        return value

    def names(self, key: str, *, limit: int) -> str:
        """Return an optional list of names as one line: `"A. One, B. Two"` or `["A. One", "B. Two"]`."""
        value = self._content.get(key, "")
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return Table({key: ", ".join(value)}, self.where).text(key, limit=limit, example='["A. One", "B. Two"]')
        if isinstance(value, list):
            raise self.mistake(key, expected="an array of names", hint=f'write {key} = ["A. One", "B. Two"]')
        return self.text(key, limit=limit, default="", example='["A. One", "B. Two"]')

    def choice(self, key: str, options: Collection[int | float], *, example: str) -> Any:
        """Return the option that equals the value."""
        value = self._content.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            for option in options:
                if value == option:
                    return option
        expected = " or ".join(str(option) for option in options)
        raise self.mistake(key, expected=expected, hint=f"write {key} = {example}")

    def table(self, key: str) -> dict[str, Any]:
        """Return an optional table of plain values (strings, finite numbers, booleans, arrays and tables of these)."""
        value = self._content.get(key, {})
        if not isinstance(value, dict):
            raise self.mistake(key, expected="a table", hint=f"write {key} = {{ name = value }}")
        for name, item in value.items():
            if not plain(item):
                expected = "text, finite numbers, booleans, and arrays and tables of these"
                raise UserError(
                    f"{self.where} {key}.{ascii_safe(name)[:MAX_SHOWN]}: expected {expected}, found {kind_of(item)}; "
                    "pass dates and special numbers as text"
                )
        return value


def plain(value: object) -> bool:
    """Whether a value survives a round trip through JSON unchanged."""
    if isinstance(value, dict):
        return all(plain(item) for item in value.values())
    if isinstance(value, list):
        return all(plain(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return isinstance(value, str)
