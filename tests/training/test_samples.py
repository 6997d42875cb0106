"""Pictures and samples: tested images are never trained on, LR lies over HR, a number is a sample."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rtsr_bench.errors import UserError
from rtsr_bench.images.degrade import degrade
from rtsr_bench.images.io import read_rgb, write_png
from rtsr_bench.training import pictures as pictures_module
from rtsr_bench.training.pictures import find_pictures, pixels, split
from rtsr_bench.training.recipe import Recipe
from rtsr_bench.training.samples import samples_of, validation_crops
from rtsr_bench.training.tested import KnownImages


def test_pictures_come_in_the_order_of_their_hashes(pictures_folder: Path) -> None:
    found, left_out = find_pictures(pictures_folder)
    assert [picture.sha256 for picture in found] == sorted(picture.sha256 for picture in found)
    assert len(found) == 4
    assert left_out == ()
    (pictures_folder / "again.png").write_bytes(found[0].path.read_bytes())
    assert len(find_pictures(pictures_folder)[0]) == 4, "one file under two names is one picture"


def test_an_image_of_a_test_set_is_left_out_whatever_its_name(
    pictures_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = find_pictures(pictures_folder)[0][1]
    known = KnownImages(files=frozenset({tested.sha256}), pixels=frozenset(), sizes=frozenset())
    monkeypatch.setattr(pictures_module, "what_is_tested", lambda: known)
    found, left_out = find_pictures(pictures_folder)
    assert left_out == (tested.name,)
    assert tested not in found


@pytest.mark.shared
@pytest.mark.slow
def test_open4k_is_split_as_its_list_says(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path))
    found, left_out = find_pictures(shared / "data/open4k")
    assert (len(found), len(left_out)) == (18, 30)


@pytest.mark.shared
def test_the_classic_sets_are_never_trained_on(shared: Path) -> None:
    folder = next((shared / "data/SelfExSR").rglob("*HR*.png")).parent
    with pytest.raises(UserError, match=r"only \d+ images of test sets"):
        find_pictures(folder)


def test_what_is_no_picture_of_a_known_kind_is_passed_over(pictures_folder: Path) -> None:
    Image.fromarray(np.zeros((90, 110, 3), np.uint8)).save(pictures_folder / "scan.tif")
    (pictures_folder / "notes.txt").write_text("no picture")
    assert len(find_pictures(pictures_folder)[0]) == 4


def test_unreadable_picture_is_reported_before_training(pictures_folder: Path) -> None:
    (pictures_folder / "broken.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"broken\.png: expected the picture as PNG"):
        find_pictures(pictures_folder)


def test_folder_without_pictures_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="found none"):
        find_pictures(tmp_path)
    with pytest.raises(UserError, match="nothing there"):
        find_pictures(tmp_path / "none")


def test_decoded_pictures_are_the_files(pictures_folder: Path) -> None:
    picture = find_pictures(pictures_folder)[0][0]
    assert np.array_equal(pixels(picture, 1), read_rgb(picture.path))
    assert pixels(picture, 2).shape == (45, 55, 3)
    assert np.array_equal(pixels(picture, 2), pixels(picture, 2))


def test_validation_keeps_pictures_for_itself(pictures_folder: Path) -> None:
    found, _ = find_pictures(pictures_folder)
    train, validation = split(found, 1)
    assert (*train, *validation) == found
    with pytest.raises(UserError, match="expected more pictures"):
        split(found, 4)


def test_a_number_is_a_sample(recipe: Recipe, pictures_folder: Path) -> None:
    found, _ = find_pictures(pictures_folder)
    first, again = samples_of(recipe, found), samples_of(recipe, found)
    for number in (0, 3, 47):
        for one, other in zip(first[number], again[number], strict=True):
            assert torch.equal(one, other)
    assert len(first) == 48
    assert not torch.equal(first[0][1], first[1][1])
    low, high = first[0]
    assert (low.shape, high.shape, low.dtype) == ((3, 12, 12), (3, 24, 24), torch.uint8)


def test_lr_lies_over_hr_in_every_turn(recipe: Recipe, pictures_folder: Path) -> None:
    clean = dataclasses.replace(recipe, degradations={"pillow-bicubic": 1.0})
    samples = samples_of(clean, find_pictures(pictures_folder)[0])
    for number in range(24):
        low, high = samples[number]
        small = degrade(high.permute(1, 2, 0).numpy().copy(), 2, "pillow-bicubic").astype(int)
        inner = (slice(2, -2), slice(2, -2))  # beside the crop the sample saw what the crop alone doesn't show
        difference = np.abs(small[inner] - low.permute(1, 2, 0).numpy()[inner])
        assert difference.mean() < 0.5  # Pillow rounds between its two passes, whose order a transposition swaps


def test_all_degradations_are_drawn_as_often_as_said(recipe: Recipe, pictures_folder: Path) -> None:
    found, _ = find_pictures(pictures_folder)
    clean = samples_of(dataclasses.replace(recipe, degradations={"pillow-bicubic": 1.0}), found)
    mixed = samples_of(dataclasses.replace(recipe, iterations=100), found)
    same = sum(torch.equal(clean[number][0], mixed[number][0]) for number in range(400))
    assert 70 <= same <= 130  # a quarter of 400, within 3.5 standard deviations


def test_a_picture_too_small_for_the_crops_is_named(recipe: Recipe, pictures_folder: Path) -> None:
    write_png(pictures_folder / "small.png", np.zeros((40, 90, 3), np.uint8))
    with pytest.raises(UserError, match=r"small\.png: expected at least 56 pixels per side .* found 40x90"):
        samples_of(recipe, find_pictures(pictures_folder)[0])


def test_pictures_degraded_whole_give_what_lies_in_them(recipe: Recipe, pictures_folder: Path) -> None:
    found, _ = find_pictures(pictures_folder)
    whole = dataclasses.replace(recipe, degraded="pictures", candidates=1)
    samples = samples_of(whole, found)
    known = {
        name: [degrade(pixels(picture, 1), 2, name).transpose(2, 0, 1) for picture in found]
        for name in recipe.degradations
    }
    for number in range(12):
        low, high = (part.numpy() for part in samples[number])
        assert (low.shape, high.shape) == ((3, 12, 12), (3, 24, 24))
        images = [image for images in known.values() for image in images]
        assert any(lies_in(turned, image) for image in images for turned in turns(low))
        assert any(
            lies_in(turned, pixels(picture, 1).transpose(2, 0, 1)) for picture in found for turned in turns(high)
        )
    assert all(torch.equal(one, other) for one, other in zip(samples[5], samples_of(whole, found)[5], strict=True))


def turns(image: np.ndarray) -> list[np.ndarray]:
    """All flips and rotations of a C x H x W image."""
    flipped = [image, image[:, ::-1], image[:, :, ::-1], image[:, ::-1, ::-1]]
    return flipped + [one.transpose(0, 2, 1) for one in flipped]


def lies_in(crop: np.ndarray, image: np.ndarray) -> bool:
    """Whether the crop is somewhere in the image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, crop.shape)[0]
    return bool((windows == crop).all(axis=(-3, -2, -1)).any())


def test_the_lr_of_a_picture_lies_over_its_hr(recipe: Recipe, pictures_folder: Path) -> None:
    whole = dataclasses.replace(recipe, degraded="pictures", degradations={"pillow-bicubic": 1.0})
    samples = samples_of(whole, find_pictures(pictures_folder)[0])
    for number in range(24):
        low, high = samples[number]
        small = degrade(high.permute(1, 2, 0).numpy().copy(), 2, "pillow-bicubic").astype(int)
        inner = (slice(2, -2), slice(2, -2))
        assert np.abs(small[inner] - low.permute(1, 2, 0).numpy()[inner]).mean() < 0.5


def test_the_most_detailed_of_the_windows_is_taken(recipe: Recipe, pictures_folder: Path) -> None:
    for path in pictures_folder.iterdir():
        path.unlink()
    flat = np.full((160, 160, 3), 90, np.uint8)
    flat[:80, 96:] = np.random.default_rng(3).integers(0, 256, size=(80, 64, 3), dtype=np.uint8)
    write_png(pictures_folder / "corner.png", flat)
    whole = dataclasses.replace(recipe, degraded="pictures", degradations={"pillow-bicubic": 1.0})
    found = find_pictures(pictures_folder)[0]

    def detailed(candidates: int) -> int:
        samples = samples_of(dataclasses.replace(whole, candidates=candidates), found)
        return sum(len(samples[number][1].unique()) > 1 for number in range(40))

    assert detailed(32) == 40
    assert detailed(1) < 30


def test_of_a_picture_that_is_small_when_shrunk_the_sizes_with_room_are_taken(
    recipe: Recipe, pictures_folder: Path
) -> None:
    whole = dataclasses.replace(recipe, degraded="pictures", shrink=(1, 2, 4))
    assert samples_of(whole, find_pictures(pictures_folder)[0])[0][1].shape == (3, 24, 24)
    write_png(pictures_folder / "small.png", np.zeros((25, 90, 3), np.uint8))
    with pytest.raises(UserError, match=r"small\.png: expected at least 26 pixels per side .* found 25x90; remove"):
        samples_of(whole, find_pictures(pictures_folder)[0])


def test_pictures_come_from_several_folders(pictures_folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    write_png(more / "fifth.png", np.zeros((90, 110, 3), np.uint8))
    (more / "again.png").write_bytes((pictures_folder / "picture0.png").read_bytes())
    found, _ = find_pictures(pictures_folder, more)
    assert [picture.sha256 for picture in found] == sorted(picture.sha256 for picture in found)
    assert {picture.name for picture in found} == {f"picture{number}.png" for number in range(4)} | {"fifth.png"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"--data .*empty: expected pictures to train on, found none"):
        find_pictures(pictures_folder, tmp_path / "empty")


def test_validation_crops_are_always_the_same(recipe: Recipe, pictures_folder: Path) -> None:
    found, _ = find_pictures(pictures_folder)
    low, high = validation_crops(recipe, found[-1:], "pillow-bicubic+jpeg90")
    assert (low.shape, high.shape) == ((4, 3, 24, 24), (4, 3, 48, 48))
    assert torch.equal(high, validation_crops(recipe, found[-1:], "pillow-bicubic")[1])
