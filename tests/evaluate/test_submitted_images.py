"""SR images that a team submitted: compared where they can be, a line where not, and nobody harmed by reading them."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rtsr_bench.datasets import Dataset
from rtsr_bench.evaluate.submitted_images import Comparison
from rtsr_bench.record import SubmittedImages
from rtsr_bench.submissions import discover

NOTHING = cast("Any", None)
OURS = {
    name: np.random.default_rng(seed).integers(0, 256, (16, 24, 3), dtype=np.uint8) for seed, name in enumerate("ab")
}


@pytest.fixture
def team(tmp_path: Path) -> Path:
    folder = tmp_path / "team"
    (folder / "results").mkdir(parents=True)
    (folder / "arch.py").write_text("def srmodel(): ...\n")
    (folder / "submission.toml").write_text('[submission]\nteam = "T"\ntitle = "N"\n[[model]]\nscale = 2\n')
    return folder


def compared(team: Path) -> SubmittedImages | None:
    (submission,) = discover(team)
    data = [cast("Dataset", SimpleNamespace(pairs=[SimpleNamespace(name=f"{name}.png") for name in OURS]))]
    comparison = Comparison.of(submission, submission.models[0], data)
    if comparison is None:
        return None
    for index, (name, pixels) in enumerate(OURS.items()):
        comparison.keep(index, "a set", f"{name}.png", pixels, NOTHING)
    return comparison.outcome()


def save(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(pixels).save(path)


def test_the_same_images_are_identical(team: Path) -> None:
    for name, pixels in OURS.items():
        save(team / "results" / f"{name}.png", pixels)
    found = compared(team)
    assert found is not None
    assert not found.differs
    assert found.words == "results/: 2 of 2 images compared with ours, all identical"


def test_names_are_compared_whatever_the_form_of_their_accents(team: Path) -> None:
    save(team / "results" / "cafe\u0301.png", OURS["a"])
    (submission,) = discover(team)
    data = [cast("Dataset", SimpleNamespace(pairs=[SimpleNamespace(name="caf\xe9.png")]))]
    comparison = Comparison.of(submission, submission.models[0], data)
    assert comparison is not None
    comparison.keep(0, "a set", "caf\xe9.png", OURS["a"], NOTHING)
    assert comparison.outcome().words == "results/: 1 of 1 images compared with ours, all identical"


def test_difference_is_reported_with_its_size(team: Path) -> None:
    changed = OURS["b"].copy()
    changed[0, 0, 0] ^= 8
    save(team / "results" / "a.png", OURS["a"])
    save(team / "results" / "b.png", changed)
    save(team / "results" / "c\x1b[31m.png", changed)
    found = compared(team)
    assert found is not None
    assert [(one.image, one.largest) for one in found.images] == [("a.png", 0), ("b.png", 8)]
    assert found.images[1].mse == pytest.approx(64 / (16 * 24 * 3))
    assert "1 identical, worst b.png: 60.7 dB apart, by 8 at most" in found.words
    assert "1 not in this track (c\\x1b[31m)" in found.words
    assert "\x1b" not in found.words


def test_what_is_not_there_is_named(team: Path) -> None:
    assert compared(team) is None, "no images were submitted: nothing to say"
    save(team / "results" / "b.png", OURS["b"])
    found = compared(team)
    assert found is not None
    assert (found.missing, found.missing_names, found.extra) == (1, ("a",), 0)
    assert "1 of 2 images" in found.words


def test_images_of_another_track_are_ignored(team: Path) -> None:
    save(team / "results" / "0001.png", OURS["a"])
    found = compared(team)
    assert found is not None
    assert not found.differs
    assert "none of 1 images could be compared" in found.words


def test_a_folder_of_the_models_own_name_goes_first(team: Path) -> None:
    save(team / "results" / "a.png", OURS["b"])
    save(team / "results" / "x2" / "a.png", OURS["a"])
    digest = discover(team)[0].digest
    found = compared(team)
    assert found is not None
    assert (found.folder, found.differs) == ("results/x2", False)
    (team / "results" / "x2" / "a.png").unlink()
    assert discover(team)[0].digest == digest, "what a model made elsewhere is not the model"


def bomb(path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b""))
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in chunks:
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def sixteen_bits(path: Path) -> None:
    Image.fromarray(np.zeros((16, 24), dtype=np.uint16)).save(path)


def cut_short(path: Path) -> None:
    save(path, OURS["a"])
    path.write_bytes(path.read_bytes()[:600])


def padded(path: Path) -> None:
    save(path, OURS["a"])
    with path.open("ab") as file:
        file.truncate(1 << 26)


def transparent(path: Path) -> None:
    Image.fromarray(np.zeros((16, 24, 4), dtype=np.uint8)).save(path)


def jpeg(path: Path) -> None:
    Image.fromarray(OURS["a"]).save(path, format="JPEG")


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(OURS["a"]).save(path, exif=exif)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "bomb": (bomb, "expected 16x24, found 60000x60000"),
    "another size": (lambda path: save(path, OURS["a"][:8]), "expected 16x24, found 8x24"),
    "16 bit": (sixteen_bits, "expected 8 bits per channel, found 16"),
    "truncated": (cut_short, "truncated"),
    "far too long": (padded, "found 67,108,864 bytes"),
    "transparent": (transparent, "opaque"),
    "turned by EXIF": (turned, "EXIF orientation 3"),
    "a JPEG": (jpeg, "expected a PNG"),
    "empty": (lambda path: path.touch(), "expected a PNG"),
    "a link": (lambda path: path.symlink_to("/etc/passwd"), "cannot be read"),
    "a pipe": (os.mkfifo, "expected a plain file"),
    "a folder": (lambda path: path.mkdir(), "expected a plain file"),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_a_bad_png_is_one_line_and_no_failure(what: str, team: Path) -> None:
    make, words = REFUSED[what]
    save(team / "results" / "b.png", OURS["b"])
    (submission,) = discover(team)
    make(team / "results" / "a.png")
    data = [cast("Dataset", SimpleNamespace(pairs=[SimpleNamespace(name="a.png"), SimpleNamespace(name="b.png")]))]
    comparison = Comparison.of(submission, submission.models[0], data)
    assert comparison is not None
    for index, (name, pixels) in enumerate(OURS.items()):
        comparison.keep(index, "a set", f"{name}.png", pixels, NOTHING)
    found = comparison.outcome()
    assert (found.refused_files, len(found.images)) == (1, 1)
    (line,) = found.refused
    assert line.startswith("a.png: ")
    assert words in line
    assert "\n" not in line
    assert str(team) not in line
    assert words in found.words


def test_a_link_as_folder_of_results_is_not_followed(team: Path, tmp_path: Path) -> None:
    (submission,) = discover(team)
    (team / "results").rmdir()
    save(tmp_path / "hr" / "a.png", OURS["a"])
    (team / "results").symlink_to(tmp_path / "hr")
    data = [cast("Dataset", SimpleNamespace(pairs=[SimpleNamespace(name="a.png")]))]
    assert Comparison.of(submission, submission.models[0], data) is None
