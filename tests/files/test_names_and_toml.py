"""Names made of anybody's words, and TOML from anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.files.slug import slug
from rtsr_bench.files.toml import parse_toml, read_toml


def test_slugs_stay_where_put() -> None:
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("NVIDIA GeForce RTX 3090") == "nvidia-geforce-rtx-3090"
    assert slug("Équipe été") == "equipe-ete"
    assert slug("超分") == "unnamed"
    assert slug("超分", empty="") == ""
    assert len(slug("x" * 500)) == 60
    assert slug("a--b_", most=3) == "a-b"


def test_ids_keep_the_dashes_and_underscores_of_a_name() -> None:
    assert slug("_my--team_", dashes=True) == "_my--team_"
    assert slug("-My Team (2)-", dashes=True) == "my-team-2"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"= 3", "expected TOML, found a mistake: "),
        (b"a = 1\na = 2\n", "at line 2"),
        (b"a = \xff", "expected UTF-8 text, found other bytes at 4"),
        (b"a = " + b"[" * 5000, "nest less"),
        (b"a" + b".a" * 5000 + b" = 1", "nest less"),
        (b"a = " + b"9" * 5000, "expected TOML, found a mistake: "),
    ],
)
def test_what_is_no_toml_is_one_line(data: bytes, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_toml(data, "x.toml")
    assert str(caught.value).startswith("x.toml: expected ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read_toml(tmp_path / "a.toml", what="a file") == {"a": 1}


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.toml: expected a recipe \(TOML\), found: No such file"):
        read_toml(tmp_path / "nothing.toml", what="a recipe")
