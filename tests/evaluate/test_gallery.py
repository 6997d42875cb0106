"""SR images on disk: every name that images have comes to a file of its own, and none costs a measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from rtsr_bench.evaluate import Gallery
from rtsr_bench.images.io import read_rgb

NOTHING = cast("Any", None)


def keep(gallery: Gallery, *names: str, data_set: str = "Set5") -> None:
    for index, name in enumerate(names):
        gallery.keep(index, data_set, name, np.full((4, 4, 3), index, np.uint8), NOTHING)


def kept(folder: Path) -> dict[str, int]:
    """The files below a folder, by path, and the value of their pixels."""
    files = [path for path in folder.rglob("*.png") if path.is_file()]
    return {path.relative_to(folder).as_posix(): int(read_rgb(path)[0, 0, 0]) for path in files}


def test_plain_names_are_kept_as_they_are(tmp_path: Path) -> None:
    keep(Gallery(tmp_path), "a.png", "caf\xe9 b.jpg", "\u8d85.png")
    assert kept(tmp_path) == {"set5/a.png": 0, "set5/caf\xe9 b.png": 1, "set5/\u8d85.png": 2}


@pytest.mark.parametrize("length", [240, 244, 251])
@pytest.mark.parametrize("ending", [".png", ".bmp"])
def test_a_name_as_long_as_may_be_is_written(tmp_path: Path, length: int, ending: str) -> None:
    gallery = Gallery(tmp_path)
    keep(gallery, "n" * length + ending)
    assert gallery.lost == []
    assert kept(tmp_path) == {f"set5/{'n' * length}.png": 0}


def test_names_that_are_too_long_are_cut_and_stay_apart(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    keep(gallery, "\u8d85" * 100 + "a", "\u8d85" * 100 + "b")
    assert gallery.lost == []
    names = kept(tmp_path)
    assert sorted(names.values()) == [0, 1]
    assert all(len(Path(name).name.encode()) <= 255 for name in names)


def test_names_that_fall_together_stay_apart(tmp_path: Path) -> None:
    names = (
        "a:b.png",
        "a?b.png",
        "a_b.png",
        "A_B.png",
        "caf\xe9.png",
        "cafe\u0301.png",
        "bo\udcff.png",
        "bo\u202e.png",
    )
    gallery = Gallery(tmp_path)
    keep(gallery, *names)
    assert gallery.lost == []
    found = kept(tmp_path)
    assert sorted(found.values()) == list(range(len(names)))
    assert "set5/a_b.png" in found
    for name in found:
        assert not set(name.removeprefix("set5/")) & set('<>:"/\\|?*\u202e')
    keep(Gallery(tmp_path), *names)
    assert kept(tmp_path) == found, "the same names each time"


def test_sets_whose_titles_fall_together_stay_apart(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    for title in ("folder (a)", "folder [Ä]", "\u65e5\u672c", "\ud55c\uad6d"):
        keep(gallery, "a.png", data_set=title)
    assert len(kept(tmp_path)) == 4
    assert {"folder-a/a.png", "set/a.png"} < set(kept(tmp_path))


def test_unwritable_image_is_reported_and_others_are_written(tmp_path: Path) -> None:
    (tmp_path / "set5").mkdir()
    (tmp_path / "set5" / "a.png").mkdir()
    gallery = Gallery(tmp_path)
    keep(gallery, "a.png", "b.png")
    (line,) = gallery.lost
    assert "set5/a.png: cannot be written" in line
    assert kept(tmp_path / "set5") == {"b.png": 1}
    (tmp_path / "file").write_text("")
    gallery = Gallery(tmp_path / "file" / "below")
    keep(gallery, "a.png")
    assert len(gallery.lost) == 1
