"""What is tested with is known by its pixels, whatever the file; the list of them is made as it says."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtsr_bench.datasets.builtin import builtin_images
from rtsr_bench.datasets.dataset import RenderedImage
from rtsr_bench.errors import UserError
from rtsr_bench.images.io import read_rgb, write_png
from rtsr_bench.protocol import Size
from rtsr_bench.training.pictures import find_pictures
from rtsr_bench.training.tested import LIST, pixels_sha256, what_is_tested

MULTIPLE = 12
"""The field's copies called GTmod12 are HR cropped to a multiple of it, at the right and at the bottom."""


@pytest.fixture(autouse=True)
def _decoded_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path / "cache"))


def listed(data: Path) -> Iterator[str]:
    """Every line of the list, made again: images under a new hash in the order of their paths."""
    seen = set()
    files = [*(data / "SelfExSR/data").glob("Set*/*/*.png"), *(data / "canonical/Set5").rglob("*.png")]
    for path in sorted(files, key=lambda path: path.relative_to(data).as_posix()):
        name = path.relative_to(data).as_posix().replace("SelfExSR/data/", "SelfExSR/")
        picture = read_rgb(path)
        height, width = (side - side % MULTIPLE for side in picture.shape[:2])
        cropped = [(f"{name}, cropped to a multiple of {MULTIPLE}", picture[:height, :width])] if "HR" in name else []
        for said, part in [(name, picture), *cropped]:
            line = f"{pixels_sha256(part)} {part.shape[0]}x{part.shape[1]}"
            if line not in seen:
                seen.add(line)
                yield f"{line} {said}"


@pytest.mark.shared
def test_the_list_of_the_classic_sets_is_made_as_its_head_says(shared: Path) -> None:
    text = (resources.files("rtsr_bench.training") / LIST).read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if not line.startswith("#")] == list(listed(shared / "data"))


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["canonical/Set5/HR", "canonical/Set5/LR_bicubic/X3"])
def test_another_copy_of_a_classic_set_is_not_trained_on(shared: Path, folder: str) -> None:
    with pytest.raises(UserError, match="found only 5 images of test sets"):
        find_pictures(shared / "data" / folder)


@pytest.mark.shared
@pytest.mark.parametrize("suffix", ["bmp", "webp"])
def test_a_classic_image_saved_anew_is_not_trained_on(shared: Path, pictures_folder: Path, suffix: str) -> None:
    picture = read_rgb(shared / "data/SelfExSR/data/Set14/image_SRF_2/img_005_SRF_2_HR.png")
    Image.fromarray(picture).save(pictures_folder / f"anew.{suffix}", lossless=True)
    whole = np.pad(picture, ((0, 1), (0, 0), (0, 0)), mode="edge")  # the set crops 361 rows to a multiple of two
    write_png(pictures_folder / "whole.png", whole)
    write_png(pictures_folder / "mod12.png", np.ascontiguousarray(picture[:360, :240]))
    found, left_out = find_pictures(pictures_folder)
    assert len(found) == 4
    assert set(left_out) == {f"anew.{suffix}", "mod12.png", "whole.png"}


def test_an_image_of_the_built_in_set_is_not_trained_on(pictures_folder: Path) -> None:
    image = next(one for one in builtin_images() if one.name == "photo-chelsea.png")
    write_png(pictures_folder / "my_cat.png", RenderedImage(image=image).read())
    found, left_out = find_pictures(pictures_folder)
    assert left_out == ("my_cat.png",)
    assert len(found) == 4


@pytest.mark.shared
@pytest.mark.slow
def test_an_original_of_open4k_is_known_by_the_ground_truth_that_comes_of_it(
    shared: Path, pictures_folder: Path
) -> None:
    source = shared / "data/open4k/KDE__Altai_contents_images_5120x2880.png"
    picture = read_rgb(source, drop_alpha=True)
    write_png(pictures_folder / "anew.png", picture)
    assert find_pictures(pictures_folder)[1] == ("anew.png",)


def test_only_pictures_of_a_size_that_is_tested_with_are_looked_at() -> None:
    known = what_is_tested()
    assert known.may_hold(Size(2160, 3840))
    assert known.may_hold(Size(540, 960))
    assert known.may_hold(Size(361, 251))
    assert not known.may_hold(Size(90, 110))
