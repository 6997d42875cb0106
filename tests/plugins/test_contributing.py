"""The examples of CONTRIBUTING.md are the files that the tests of this folder add from outside the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TEXT = (HERE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)\n```", TEXT, re.DOTALL))


def source(name: str) -> str:
    path = HERE / name if (HERE / name).is_file() else HERE / "dummies" / name
    return re.sub(r'\A""".*?"""\n+', "", path.read_text(encoding="utf-8"), flags=re.DOTALL).strip()


def test_each_kind_has_an_example() -> None:
    kinds = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
    assert len(kinds) == 9
    assert len(EXAMPLES) == len(kinds) + 1  # a reference model is two files


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_the_file_that_is_tested(name: str) -> None:
    assert EXAMPLES[name] == source(name)
