"""Reading a manifest table key by key: every mistake becomes one line that says what, where and what to do."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeGuard

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
    near = _nearest(word, known)
    return f', did you mean "{near}"?' if near else ""


def _nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most similar to a word, empty if none is similar."""
    return next(iter(difflib.get_close_matches(word[:200], list(known), n=1)), "")


def kind_of(value: object) -> str:
    """Name a TOML value's type in TOML's terms, with the value if it is short."""
    match value:
        case dict():
            kind = "a table"
        case list():
            kind = "an array" if value else "an empty array"
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

    def __iter__(self) -> Iterator[str]:
        """The keys in their order."""
        return iter(self._content)

    def mistake(self, key: str, *, expected: str, hint: str, found: str = "") -> UserError:
        """Return the error for a key's value, to be raised; `found` replaces the words for the value."""
        found = found or (kind_of(self._content[key]) if key in self._content else "nothing")
        return UserError(ascii_safe(f"{self.where} {key}: expected {expected}, found {found}; {hint}"))

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

    def section(self, name: str, known: Collection[str] | None = None, *, form: str, required: bool = True) -> Table:
        """Return the table `[name]` of this one, whose keys are all `known` (None: any).

        If it is missing and not required, it is empty. `form` is the page that explains it.
        """
        value = self._content.get(name, None if required else {})
        if not isinstance(value, dict):
            found = kind_of(value) if name in self._content else "nothing"
            raise UserError(f"{self.where}: expected a table [{name}], found {found}; see {form} for the form")
        outer = self.where.removesuffix("]")
        section = Table(value, f"{self.where}: [{name}]" if outer == self.where else f"{outer}.{name}]")
        if known is not None:
            section.only(known)
        return section

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
            raise self.mistake(key, expected=expected, found=found, hint=f"write {key} = {example}")
        return value

    def paragraph(self, key: str, *, limit: int, required: bool = False) -> str:
        """Return a longer text, possibly empty; white space of any kind becomes single spaces."""
        if key not in self._content and not required:
            return ""
        value = self._content.get(key)
        if not isinstance(value, str):
            hint = f'write {key} = "..."' + ("" if required else " or remove it")
            raise self.mistake(key, expected="a text", hint=hint)
        value = " ".join(value.split())
        if not one_line(value) or len(value) > limit:
            expected = f"a text of at most {limit} characters without control characters"
            raise self.mistake(key, expected=expected, found=f"{len(value)} characters", hint="shorten it")
        return value

    def names(self, key: str, *, limit: int) -> str:
        """Return an optional list of names as one line: `"A. One, B. Two"` or `["A. One", "B. Two"]`."""
        value = self._content.get(key, "")
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return Table({key: ", ".join(value)}, self.where).text(key, limit=limit, example='["A. One", "B. Two"]')
        if isinstance(value, list):
            raise self.mistake(key, expected="an array of names", hint=f'write {key} = ["A. One", "B. Two"]')
        return self.text(key, limit=limit, default="", example='["A. One", "B. Two"]')

    def texts(self, key: str, *, required: bool = False, single: bool = False) -> tuple[str, ...]:
        """Return an array of texts, each once; at least one if `required`. `single` also allows one text."""
        value = self._content.get(key, None if required else [])
        text = value if isinstance(value, str) and value and shown(value) == f"'{value}'" else "..."
        expected = "a text or an array of texts" if single else "an array of texts"
        hint = f'write {key} = ["{text}"]' + ("" if required else " or remove it")
        if single and isinstance(value, str):
            value = [value]
        items = self._items(key, value, _is_line, expected=expected, hint=hint)
        if required and not items:
            raise self.mistake(key, expected=expected, hint=hint)
        return tuple(dict.fromkeys(items))

    def option(self, key: str, names: Collection[str], *, default: str | None = None) -> str:
        """Return one of the names; without a default the key is required."""
        if default is not None and key not in self._content:
            return default
        value = self._content.get(key)
        if isinstance(value, str) and value in names:
            return value
        likely = _nearest(value, names) if isinstance(value, str) else ""
        likely = likely or default or next(iter(names))
        raise self.mistake(key, expected=" or ".join(names), hint=f'write {key} = "{likely}"')

    def flag(self, key: str) -> bool:
        """Return an optional boolean, false if it is missing."""
        value = self._content.get(key, False)
        if not isinstance(value, bool):
            raise self.mistake(key, expected="true or false", hint=f"write {key} = true")
        return value

    def number(
        self, key: str, least: float, most: float, *, default: float | None = None, example: float | None = None
    ) -> float:
        """Return a number from `least` to `most`, as written (an int or a float); without a default it is required."""
        if default is not None and key not in self._content:
            return default
        value = self._content.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
            fit = next(one for one in (example, default, least) if one is not None)
            expected = f"a number from {least:g} to {most:g}"
            raise self.mistake(key, expected=expected, hint=f"write {key} = {fit:g}")
        return value

    def whole(
        self, key: str, least: int, most: int | None = None, *, default: int | None = None, example: int | None = None
    ) -> int:
        """Return a whole number from `least` to `most` (None: any above); without a default the key is required."""
        if default is not None and key not in self._content:
            return default
        value = self._content.get(key)
        if not _is_whole(value, least, most):
            fit = next(one for one in (example, default, least) if one is not None)
            raise self.mistake(key, expected=f"a whole number {_span(least, most)}", hint=f"write {key} = {fit}")
        return value

    def wholes(
        self,
        key: str,
        least: int,
        most: int | None = None,
        *,
        count: int | None = None,
        default: tuple[int, ...] | None = None,
        example: str,
    ) -> tuple[int, ...]:
        """Return an array of whole numbers from `least` to `most` (None: any above), `count` of them or at least one.

        Without a default the key is required.
        """
        if default is not None and key not in self._content:
            return default
        expected = f"an array of {f'{count} ' if count else ''}whole numbers {_span(least, most)}"
        hint = f"write {key} = {example}"
        items = self._items(
            key, self._content.get(key), lambda item: _is_whole(item, least, most), expected=expected, hint=hint
        )
        if not items or (count and len(items) != count):
            raise self.mistake(key, expected=expected, hint=hint, found=f"{len(items)} of them" if items else "")
        return tuple(items)

    def _items(self, key: str, value: object, fits: Callable[[object], bool], *, expected: str, hint: str) -> list[Any]:
        """The items of an array; the message for one that does not fit names it."""
        if not isinstance(value, list):
            raise self.mistake(key, expected=expected, hint=hint)
        for item in value:
            if not fits(item):
                raise self.mistake(key, expected=expected, found=f"{kind_of(item)} in it", hint=hint)
        return value

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


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value) and one_line(value)


def _is_whole(value: object, least: int, most: int | None) -> TypeGuard[int]:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return least <= value and (most is None or value <= most)


def _span(least: int, most: int | None) -> str:
    return f"of at least {least}" if most is None else f"from {least} to {most}"
