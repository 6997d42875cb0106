"""Words of strangers made fit to be shown, by one rule for terminal, pages, records, manifests and file names.

Unfit is what steers a terminal or a page rather than being read: control characters, line and paragraph separators,
half characters (lone surrogates, as undecodable bytes of file names come), and marks that reorder the text around them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""The characters with the property Bidi_Control: in a name they make a page or a terminal show another name."""

_SHAPING = frozenset(chr(code) for code in (*range(0x206A, 0x2070), *range(0xFFF9, 0xFFFC)))
"""Deprecated format characters and interlinear annotations, which hide text or turn digits round."""

_SETTINGS = frozenset({"toml", "tml", "tom", "yaml", "yml", "json", "ini", "cfg", "conf"})
_BEHIND = frozenset({"txt", "bak", "old", "orig", "copy", "template", "example", "sample", "final", "new"})
"""What editors, systems and people put behind a name."""

_UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})


def unfit(char: str) -> bool:
    """Whether a character may not be shown as it is."""
    return unicodedata.category(char) in _UNFIT or char in _BIDI or char in _SHAPING


def one_line(text: str) -> bool:
    """Whether a text may stand in a table cell: nothing unfit in it, line breaks and tabs included."""
    return _plain(text) or not any(map(unfit, text))


def ascii_safe(text: str) -> str:
    r"""Spell out what is unfit (`\x1b`, `\u202e`, `\udcff`), for messages and names; line breaks and tabs too."""
    if _plain(text):
        return text
    return "".join(char.encode("unicode_escape").decode() if unfit(char) else char for char in text)


def spelled(text: str) -> str:
    """The same for longer texts, where line breaks and tabs stay."""
    if _plain(text):
        return text
    return "\n".join("\t".join(map(ascii_safe, line.split("\t"))) for line in text.split("\n"))


def replaced(text: str) -> str:
    """The text with U+FFFD for what is unfit, for pages and exports; line breaks and tabs stay."""
    if _plain(text):
        return text
    return "".join("\ufffd" if char not in "\n\t" and unfit(char) else char for char in text)


def nearly_called(name: str, wanted: str, *, likeness: float = 0.85) -> bool:
    """Whether a file's name is `wanted`, a name such as `submission.toml`, but for case, spelling, ending and copies.

    `Submission.TOML`, `submission.toml.txt`, `submission (1).toml`, `submision.toml` and `submission.yaml` are; a name
    whose ending is none of a table of settings is not. `likeness` 1 allows no other spelling, and no other ending.
    """
    stem = wanted.partition(".")[0]
    found, *others = re.findall(r"[a-z]+|\d+", name.casefold()) or [""]
    words = {word for word in others if not word.isdecimal()}
    alike = difflib.SequenceMatcher(None, found, stem).ratio() >= likeness
    endings = _SETTINGS if likeness < 1 else frozenset({"toml"})
    return name != wanted and alike and bool(words & endings) and words <= _SETTINGS | _BEHIND


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
