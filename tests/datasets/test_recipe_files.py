"""Recipes of data sets are read strictly: a mistake is one line that names file, table and key, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtsr_bench.datasets.recipe import CATALOG_KEYS, OWN_KEYS, PLUGIN_KEYS, Archive, Made, Pin, read_recipe
from rtsr_bench.errors import UserError
from rtsr_bench.protocol import SCALES, Size

SHA = "a" * 64
WHOLE = f"""
[set]
id = "frames"
title = "Frames"
layout = "gt-lr"
license = "CC0-1.0"
scales = [2, 3]
hr_size = [2160, 3840]
names = ["Frames"]
cache = "data/Frames"
rendered = false
base_url = "https://example.org/frames"

[files]
"GT/a.png" = "{SHA}"

[[archive]]
url = "https://example.org/frames.zip"
sha256 = "{SHA}"
bytes = 12

[made.3]
hr_from = 2
degradation = "matlab-bicubic"

[prepared]
originals = "frames.tsv"
pins = "frames.pixels"
take = "LR{{n}}"

[prepared.lr]
"LR{{n}}" = "pillow-bicubic"
"""
TSV = "name\tsha256\tbytes\tcategory\tlicense\trepo\tcommit\tpath\n"
AN_ARRAY = "expected an array of 2 whole numbers of at least 1, found"
A_SHA = "expected a SHA-256 of 64 lower-case hex digits, found"


def written(folder: Path, text: str = WHOLE) -> Path:
    (folder / "frames.tsv").write_text(f"{TSV}a.jpg\t{SHA}\t12\tphoto\tCC0-1.0\tlab/frames\tabc\ta.jpg\n")
    (folder / "frames.pixels").write_text(f"{SHA} - AAAA GT/a.png\n")
    (folder / "mine.toml").write_text(text)
    return folder / "mine.toml"


def test_every_key_is_read(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path), tmp_path, CATALOG_KEYS)
    assert (recipe.id, recipe.title, recipe.layout, recipe.license) == ("frames", "Frames", "gt-lr", "CC0-1.0")
    assert (recipe.scales, recipe.hr_size, recipe.names) == ((2, 3), Size(2160, 3840), ("Frames",))
    assert (recipe.cache, recipe.rendered) == ("data/Frames", False)
    assert recipe.base_url == "https://example.org/frames/"
    assert recipe.pins == {"GT/a.png": Pin(sha256=SHA)}
    assert recipe.archives == (Archive(url="https://example.org/frames.zip", sha256=SHA, bytes=12, license="CC0-1.0"),)
    assert recipe.made == {3: Made(hr_from=2, degradation="matlab-bicubic")}
    assert recipe.preparation is not None
    assert recipe.preparation.take == "LR{n}"
    assert [one.bytes for one in recipe.preparation.originals] == [12]
    assert list(recipe.preparation.pins) == ["GT/a.png"]


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    file = written(tmp_path, '[set]\nid = "frames"\ntitle = "Frames"\n')
    recipe = read_recipe(file, tmp_path, OWN_KEYS)
    assert (recipe.scales, recipe.layout, recipe.hr_size, recipe.names) == (SCALES, None, None, ())
    assert (recipe.license, recipe.base_url, recipe.cache, recipe.rendered) == ("", "", "", False)
    assert (dict(recipe.pins), dict(recipe.made), recipe.archives, recipe.preparation) == ({}, {}, (), None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "frames"', 'id = "My frames"', "[set] id: expected lower-case letters, digits, - and _, found the "),
        ('title = "Frames"', "", "[set] title: expected a line of text of at most 200 characters, found nothing; "),
        ('layout = "gt-lr"', 'layout = "gtlr"', "[set] layout: expected selfexsr or gt-lr or div2k or div2k-lsdir, "),
        ('license = "CC0-1.0"', "license = 3", "[set] license: expected a text, found the number 3; "),
        ("scales = [2, 3]", "scales = 2", "[set] scales: expected an array of whole numbers from 2 to 4, found the "),
        ("scales = [2, 3]", "scales = []", "[set] scales: expected an array of whole numbers from 2 to 4, found an "),
        ("scales = [2, 3]", "scales = [2.5]", "[set] scales: expected an array of whole numbers from 2 to 4, found "),
        ("[2160, 3840]", "[0, -40]", f"[set] hr_size: {AN_ARRAY} the number 0 in it; write hr_size = [2160, 3840]"),
        ("[2160, 3840]", "[2160]", f"[set] hr_size: {AN_ARRAY} 1 of them; write hr_size = [2160, 3840]"),
        ("hr_size = [2160, 3840]", "", "[set] hr_size: expected the size of the images that are prepared, found "),
        ('["Frames"]', '"toy"', "[set] names: expected an array of texts, found the text 'toy'; write "),
        ('["Frames"]', '["a", 5]', "[set] names: expected an array of texts, found the number 5 in it; "),
        ('"data/Frames"', '"../Frames"', "[set] cache: expected a path within the folder of fetched data, found the "),
        ("rendered = false", "rendered = 0", "[set] rendered: expected true or false, found the number 0; "),
        ('"https://example.org/frames"', '"example.org"', "[set] base_url: expected a URL with https, http or file, "),
        ("scales =", "scale =", "[set]: unknown key 'scale', did you mean \"scales\"? expected one of id, title, "),
        ("[files]", "[file]", "unknown key 'file', did you mean \"files\"? expected one of set, files, archive, "),
        (f'"GT/a.png" = "{SHA}"', '"GT/a.png" = "aa"', f"[files] GT/a.png: {A_SHA} the text 'aa'; "),
        (f'"GT/a.png" = "{SHA}"', f'"GT/../a" = "{SHA}"', "expected paths of files within the set's folder, found "),
        (f'"GT/a.png" = "{SHA}"', '"a\\nb" = 5', f"[files] a\\nb: {A_SHA} the number 5; "),
        ("[[archive]]", "[archive]", "expected tables headed [[archive]], with double brackets, found a table; "),
        ("bytes = 12", "bytes = -1", "[[archive]] 1 bytes: expected a whole number of at least 0, found the number "),
        ("bytes = 12", "bytes = true", "[[archive]] 1 bytes: expected a whole number of at least 0, found the "),
        ("bytes = 12", "byte = 12", "[[archive]] 1: unknown key 'byte', did you mean \"bytes\"? expected one of url, "),
        ("[made.3]", "[made.5]", "[made]: unknown key '5', expected one of 2, 3, 4; "),
        ("hr_from = 2", "hr_from = 2.5", "[made.3] hr_from: expected 2 or 3 or 4, found the number 2.5; "),
        ("hr_from = 2", "from = 2", "[made.3]: unknown key 'from', did you mean \"hr_from\"? expected one of "),
        ('take = "LR{n}"', 'take = "LR"', "[prepared] take: expected LR{n}, found the text 'LR'; write "),
        ('= "pillow-bicubic"', "= 1", "[prepared] lr LR{n}: expected a line of text of at most 1000 characters, "),
        ('"frames.tsv"', '"gone.tsv"', "[prepared] originals: expected a UTF-8 text file at "),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in WHOLE
    file = written(tmp_path, WHOLE.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        read_recipe(file, tmp_path, CATALOG_KEYS)
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("frames.tsv", "name\tsha256\n", "originals: frames.tsv, line 1: expected the headings name, sha256, bytes, "),
        ("frames.tsv", f"{TSV}a.jpg\tx\n", "originals: frames.tsv, line 2: expected 8 values between tabs, bytes a "),
        ("frames.pixels", "nonsense\n", "pins: frames.pixels, line 1: expected hashes of pixels and file, sample and "),
    ],
)
def test_a_mistake_in_a_file_beside_it_is_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = written(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as caught:
        read_recipe(file, tmp_path, CATALOG_KEYS)
    assert str(caught.value).startswith(f"{file}: [prepared] {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("keys", "refused"), [(OWN_KEYS, "names"), (PLUGIN_KEYS, "rendered")])
def test_keys_of_the_catalog_are_unknown_elsewhere(tmp_path: Path, keys: tuple[str, ...], refused: str) -> None:
    value = '["a"]' if refused == "names" else "true"
    file = written(tmp_path, f'[set]\nid = "frames"\ntitle = "Frames"\n{refused} = {value}\n')
    with pytest.raises(UserError, match=rf"mine\.toml: \[set\]: unknown key '{refused}'"):
        read_recipe(file, tmp_path, keys)


def test_tables_of_plug_ins_are_unknown_in_a_user_s_own_folder(tmp_path: Path) -> None:
    file = written(tmp_path, '[set]\nid = "frames"\ntitle = "Frames"\n[prepared]\ntake = "LR"\n')
    with pytest.raises(UserError, match=r"mine\.toml: unknown key 'prepared', expected one of set, files, archive; "):
        read_recipe(file, tmp_path, OWN_KEYS)
