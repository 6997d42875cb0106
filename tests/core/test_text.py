"""One rule for what is unfit to be shown, and every place that shows a stranger's words keeps to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.files.member_names import Refused, safe_name
from rtsr_bench.files.table import Table, shown
from rtsr_bench.report.text import one_line as page_line
from rtsr_bench.report.text import shorten
from rtsr_bench.sandbox.harmless import harmless
from rtsr_bench.text import ascii_safe, counted, one_line, replaced, spelled

BIDI = [chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
"""The characters of Unicode's property Bidi_Control (PropList.txt), all twelve."""
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"]
OTHERS = ["\u2028", "\u2029", "\ud800", "\udcff", "\u206a", "\u206f", "\ufff9"]
UNFIT = [*BIDI, *CONTROLS, *OTHERS]
FIT = ["é", "e\u0301", "超分辨率", "فريق", "می\u200cخواهم", "👩\u200d🔬", "🚀", "x²", "\u00a0", "ﬁ", "−", "∞"]

PLACES: dict[str, Callable[[str], str]] = {
    "messages and file names": ascii_safe,
    "longer texts": spelled,
    "pages": replaced,
    "exports": page_line,
    "short cells": lambda text: shorten(text, 99),
    "what a guest says": harmless,
    "a guest's structured answer": lambda text: "".join(harmless({"a": [text]})["a"]),
    "values in messages": shown,
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_unfit_is_ever_shown(place: str) -> None:
    for char in UNFIT:
        seen = PLACES[place](f"Team {char}A")
        assert char not in seen, ascii(char)
        assert "Team" in seen
        assert "A" in seen
        assert not [one for one in seen if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or one in BIDI]


def test_manifests_and_archives_refuse_what_is_unfit() -> None:
    for char in UNFIT:
        assert not one_line(char)
        with pytest.raises(UserError, match="without control characters") as caught:
            Table({"team": f"T{char}x"}, "x.toml").text("team", limit=99, example="x")
        assert char not in str(caught.value)
        with pytest.raises(Refused) as refused:
            safe_name(f"a{char}b.py")
        assert char not in str(refused.value)


@pytest.mark.parametrize("text", FIT)
def test_scripts_accents_and_emoji_are_left_alone(text: str) -> None:
    assert one_line(text)
    assert ascii_safe(text) == spelled(text) == replaced(text) == harmless(text) == text


def test_lines_and_tabs_stay_where_a_text_is_long() -> None:
    assert spelled("a\n\tb\x1b") == "a\n\tb\\x1b"
    assert replaced("a\n\tb\x1b") == "a\n\tb\ufffd"
    assert ascii_safe("a\n\tb") == "a\\n\\tb"
    assert not one_line("a\nb")


@pytest.mark.parametrize(("number", "words"), [(0, "0 new records"), (1, "1 new record"), (2, "2 new records")])
def test_a_noun_is_plural_unless_there_is_one(number: int, words: str) -> None:
    assert counted(number, "new record") == words
