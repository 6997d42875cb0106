"""Why similar file names are not paired: another Unicode form, another case, a suffix that is not the scale's."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HR_MARKS = ("hr", "gt", "gtmod12", "original")
_SEPARATORS = "-_. "
_COMPARED = 200
"""Maximum names compared on each side; a message needs only one example."""


def without_scale(stem: str, scale: int) -> str:
    """The stem of an LR file without an optional suffix of the scale (`x2`, `_x2`)."""
    return re.sub(rf"_?x{scale}$", "", stem, flags=re.IGNORECASE)


def why_unpaired(hr: Sequence[Path], lr: Sequence[Path], scale: int) -> str:
    """Say why these files are not paired, and what to do; empty if no names are similar."""
    hr, lr = hr[:_COMPARED], lr[:_COMPARED]
    return _other_form(hr, lr, scale) or _other_case(hr, lr, scale) or _other_suffix(hr, lr, scale)


def _other_form(hr: Sequence[Path], lr: Sequence[Path], scale: int) -> str:
    composed = {unicodedata.normalize("NFC", path.stem): path for path in hr}
    for path in lr:
        other = composed.get(unicodedata.normalize("NFC", without_scale(path.stem, scale)))
        if other is not None:
            return (
                f"{_place(other)} ({_form(other.stem)}) and {_place(path)} ({_form(path.stem)}) are one name in two "
                "Unicode forms, as macOS and other systems write accents: give both files the same form"
            )
    return ""


def _form(text: str) -> str:
    for form in ("NFC", "NFD"):
        if unicodedata.normalize(form, text) == text:
            return form
    return "neither NFC nor NFD"


def _other_case(hr: Sequence[Path], lr: Sequence[Path], scale: int) -> str:
    folded = {path.stem.casefold(): path for path in hr}
    for path in lr:
        other = folded.get(without_scale(path.stem, scale).casefold())
        if other is not None:
            return f"{_place(other)} and {_place(path)} differ in upper and lower case: give both the same name"
    return ""


def _other_suffix(hr: Sequence[Path], lr: Sequence[Path], scale: int) -> str:
    """A pair of suffixes that maps every unpaired HR name to an unpaired LR name."""
    stems = {path.stem for path in lr}
    for path in lr[:3]:
        common = _common(hr[0].stem, path.stem) if hr else ""
        ours, theirs = hr[0].stem[len(common) :] if hr else "", path.stem[len(common) :]
        likely = common and (ours == "" or ours.strip(_SEPARATORS).lower() in _HR_MARKS) and not theirs.isdecimal()
        if likely and all(one.stem.endswith(ours) and one.stem[: len(one.stem) - len(ours)] + theirs in stems
                          for one in hr):  # fmt: skip
            expected = f"{hr[0].stem}, {hr[0].stem}x{scale} or {hr[0].stem}_x{scale}"
            return (
                f"the LR image of {_place(hr[0])} seems to be {_place(path)}, expected the stem {expected}: "
                f"rename the LR images{' or the HR images' if ours else ''}"
            )
    return ""


def _common(one: str, other: str) -> str:
    length = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    # A separator belongs to the suffix: `a_HR` and `a_LR` are `a` with two suffixes.
    return one[:length].rstrip(_SEPARATORS) if length < len(one) else one[:length]


def _place(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
