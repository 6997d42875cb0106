"""Untrusted text made safe to display, by one rule for terminal, pages, records, manifests and file names.

Unsafe characters control a terminal or a page instead of being read: control characters, line and paragraph separators,
lone surrogates (from undecodable bytes of file names), and bidirectional marks, which reorder the text around them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""The characters with the property Bidi_Control: they make a page or a terminal display another name."""

_SHAPING = frozenset(chr(code) for code in (*range(0x206A, 0x2070), *range(0xFFF9, 0xFFFC)))
"""Deprecated format characters and interlinear annotations, which hide text or change the shape of digits."""

_SETTINGS = frozenset({"toml", "tml", "tom", "yaml", "yml", "json", "ini", "cfg", "conf"})
_BEHIND = frozenset({"txt", "bak", "old", "orig", "copy", "template", "example", "sample", "final", "new"})
"""Words that editors, systems and people append to a file name."""

_UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})


def unfit(char: str) -> bool:
    """Whether a character must not be displayed as it is."""
    return unicodedata.category(char) in _UNFIT or char in _BIDI or char in _SHAPING


def one_line(text: str) -> bool:
    """Whether a text fits a table cell: it has no unsafe characters, line breaks or tabs."""
    return _plain(text) or not any(map(unfit, text))


def ascii_safe(text: str) -> str:
    r"""Escape unsafe characters (`\x1b`, `\u202e`, `\udcff`), line breaks and tabs, for messages and names."""
    if _plain(text):
        return text
    return "".join(char.encode("unicode_escape").decode() if unfit(char) else char for char in text)


def cut(text: str, most: int) -> str:
    """The text on one line, cut to `most` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def spelled(text: str) -> str:
    """Escape unsafe characters in a longer text; line breaks and tabs stay."""
    if _plain(text):
        return text
    return "\n".join("\t".join(map(ascii_safe, line.split("\t"))) for line in text.split("\n"))


def replaced(text: str) -> str:
    """The text with U+FFFD for unsafe characters, for pages and exports; line breaks and tabs stay."""
    if _plain(text):
        return text
    return "".join("\ufffd" if char not in "\n\t" and unfit(char) else char for char in text)


def counted(number: int, noun: str) -> str:
    """A number with its noun, which takes an `s` unless the number is 1: `1 new record`, `2 new records`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def nearly_called(name: str, wanted: str, *, likeness: float = 0.85) -> bool:
    """Whether a file's name differs from `wanted`, such as `submission.toml`, only in case, spelling, suffix or copy.

    True for `Submission.TOML`, `submission.toml.txt`, `submission (1).toml`, `submision.toml` and `submission.yaml`;
    false if the suffix is not that of a settings file. `likeness` 1 allows no other spelling and no other suffix.
    """
    stem = wanted.partition(".")[0]
    found, *others = re.findall(r"[a-z]+|\d+", name.casefold()) or [""]
    words = {word for word in others if not word.isdecimal()}
    alike = difflib.SequenceMatcher(None, found, stem).ratio() >= likeness
    endings = _SETTINGS if likeness < 1 else frozenset({"toml"})
    return name != wanted and alike and bool(words & endings) and words <= _SETTINGS | _BEHIND


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
