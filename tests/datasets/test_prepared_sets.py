"""Sets prepared from originals: made once, known by their pixels, and honest about what differs."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import multiprocessing
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from rtsr_bench.datasets import Dataset, Missing, find_dataset
from rtsr_bench.datasets.catalog import find_recipe, known_sets
from rtsr_bench.datasets.collect import collect
from rtsr_bench.datasets.originals import Original, training_originals
from rtsr_bench.datasets.preparation import PixelPin, Preparation
from rtsr_bench.datasets.prepared import sampled
from rtsr_bench.datasets.preparing import ground_truth
from rtsr_bench.datasets.recipes import SetRecipe
from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.fetch import Recipe
from rtsr_bench.files.writing import aside
from rtsr_bench.protocol import Size

HR = Size(36, 48)
DEGRADATIONS = {"LR{n}": "pillow-bicubic+jpeg90", "LR{n}_clean": "pillow-bicubic"}


class LocalOriginal(Original):
    """An original whose source is a file on this machine: its `repo` is the folder's address."""

    __slots__ = ()

    @property
    def recipe(self) -> Recipe:
        return Recipe(url=f"{self.repo}/{self.path}", sha256=self.sha256, name=self.name, bytes=self.bytes)


def draw_original(path: Path, size: Size, *, mode: str = "RGB") -> None:
    rng = np.random.default_rng(len(path.name) + size.width)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    image = coarse.resize((size.width, size.height), Image.Resampling.BICUBIC)
    if mode == "RGBA":
        image.putalpha(Image.new("L", image.size, 90))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.fixture
def publisher(tmp_path: Path) -> Path:
    """Three originals: of the very size, larger with another shape, and larger with transparency."""
    folder = tmp_path / "publisher"
    draw_original(folder / "exact.png", HR)
    draw_original(folder / "larger.jpg", Size(90, 100))
    draw_original(folder / "clear.png", Size(73, 97), mode="RGBA")
    return folder


@pytest.fixture
def small4k(publisher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetRecipe:
    """Two published sets of one preparation, pinned to what this machine makes of the originals."""
    originals = tuple(
        LocalOriginal(
            name=f"pub__{file.name}",
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            bytes=file.stat().st_size,
            category="photography",
            license="CC0-1.0",
            repo=publisher.as_uri(),
            commit="",
            path=file.name,
        )
        for file in sorted(publisher.iterdir())
    )
    preparation = Preparation(originals=originals, pins={}, degradations=DEGRADATIONS, take="LR{n}")
    recipe = SetRecipe(
        id="small4k",
        title="Small4K",
        scales=(2, 3),
        names=("Small4K",),
        hr_size=HR,
        cache="Small4K",
        hint="rtsr-bench data fetch small4k",
        preparation=preparation,
    )
    made = collect(recipe, root=tmp_path / "made once")
    pins = {}
    for file in sorted(file for part in ("GT", "LR*") for file in made.glob(f"{part}/*")):
        pixels = np.array(Image.open(file).convert("RGB"))
        pins[file.relative_to(made).as_posix()] = PixelPin(
            pixels=hashlib.sha256(pixels.tobytes()).hexdigest(),
            sample=base64.b64encode(sampled(pixels)).decode(),
            file=hashlib.sha256(file.read_bytes()).hexdigest() if file.suffix == ".jpg" else None,
        )
    recipe = replace(recipe, preparation=replace(preparation, pins=pins))
    clean = replace(
        recipe, id="small4k-clean", title="Small4K clean", preparation=replace(recipe.preparation, take="LR{n}_clean")
    )
    sets = {"small4k": recipe, "small4k-clean": clean}
    monkeypatch.setattr("rtsr_bench.datasets.catalog.published", lambda: sets)
    monkeypatch.setattr("rtsr_bench.datasets.recipes.published", lambda: sets)
    return recipe


def find(set_id: str = "small4k", scale: int = 2, degradation: str = "files") -> Dataset:
    found = find_dataset(set_id, scale=scale, degradation=degradation)
    assert isinstance(found, Dataset), found
    return found


def missing(scale: int = 2) -> Missing:
    found = find_dataset("small4k", scale=scale, degradation="files")
    assert isinstance(found, Missing)
    return found


def data(*arguments: object) -> Result:
    from rtsr_bench.cli.data import data_group

    return CliRunner().invoke(data_group, [str(argument) for argument in arguments])


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(file): (file.stat().st_mtime_ns, file.stat().st_ino)
        for file in folder.rglob("*")
        if file.is_file() and file.name != "prepared.json"
    }


# What is made.


def test_one_fetch_makes_both_sets_at_every_scale(small4k: SetRecipe) -> None:
    told: list[tuple[int, int]] = []
    folder = collect(small4k, progress=lambda *at: told.append(at))
    assert told[-1] == (6, 6)
    assert [path.name for path in folder.rglob(".*")] == []
    for set_id in ("small4k", "small4k-clean"):
        for scale in (2, 3):
            found = find(set_id, scale)
            assert (found.verified, found.note) == (True, "")
            assert [pair.name for pair in found.pairs] == ["pub__clear.png", "pub__exact.png", "pub__larger.png"]
            hr, lr = found.pairs[0].both()
            assert hr.shape == (36, 48, 3)
            assert lr.shape == (36 // scale, 48 // scale, 3)
    assert find("small4k").digest != find("small4k-clean").digest
    assert find("small4k").pairs[0].hr_source == find("small4k-clean").pairs[0].hr_source


def test_a_digest_is_of_the_pixels_however_the_files_are_compressed(small4k: SetRecipe) -> None:
    folder = collect(small4k)
    before = find().digest
    image = Image.open(folder / "GT" / "pub__exact.png")
    image.load()
    image.save(folder / "GT" / "pub__exact.png", compress_level=9)
    assert find().digest == before
    assert find().verified


def test_gt_is_the_centre_of_what_covers_the_size() -> None:
    wide = np.zeros((36, 52, 3), np.uint8)
    wide[:, 2:50] = 200
    assert (ground_truth(wide, HR) == 200).all()
    assert ground_truth(np.full((90, 100, 3), 7, np.uint8), HR).shape == (36, 48, 3)
    exact = np.random.default_rng(0).integers(0, 256, (36, 48, 3), dtype=np.uint8)
    assert (ground_truth(exact, HR) == exact).all()
    with pytest.raises(ValueError, match="at least 36x48"):
        ground_truth(np.zeros((36, 47, 3), np.uint8), HR)


def test_only_a_scale_that_is_asked_for_is_made_and_the_rest_later(small4k: SetRecipe) -> None:
    folder = collect(small4k, scales=[2])
    before = snapshot(folder)
    assert not (folder / "LR3").exists()
    assert "3 of 6 prepared images are missing" in missing(3).reason
    assert "data fetch small4k" in missing(3).hint
    collect(small4k)
    assert find(scale=3).verified
    assert before.items() <= snapshot(folder).items()


def test_lr_is_made_from_gt_for_a_track_that_says_so(small4k: SetRecipe) -> None:
    collect(small4k)
    found = find(degradation="pillow-bicubic")
    assert found.verified
    assert "LR made from HR" in found.note
    assert (found.pairs[0].lr() == find("small4k-clean").pairs[0].lr()).all()


# Interruptions, damage, other people's hands.


def test_a_preparation_that_was_killed_goes_on(small4k: SetRecipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(original: object, size: Size) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("rtsr_bench.datasets.preparing.ground_truth", killed)
        with pytest.raises(KeyboardInterrupt):
            collect(small4k)
    assert "no prepared images" in missing().reason
    assert "no prepared images" in data("list").output
    folder = collect(small4k)
    with aside(folder / "GT" / "pub__exact.png") as left:
        pass
    left.write_bytes(b"half")  # as a process that was killed leaves it
    (folder / "GT" / "pub__exact.png").unlink()
    before = snapshot(folder / "LR2")
    collect(small4k)
    assert find().verified
    assert not left.exists()
    assert snapshot(folder / "LR2") == before


def test_a_damaged_image_is_named_and_made_anew(small4k: SetRecipe) -> None:
    folder = collect(small4k)
    broken = folder / "GT" / "pub__larger.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"pub__larger\.png.*truncated"):
        find()
    assert "damaged" in data("verify", "small4k").output
    collect(small4k)
    assert find().verified


def test_another_picture_under_the_name_is_not_passed_off_as_the_set(small4k: SetRecipe) -> None:
    folder = collect(small4k)
    Image.new("RGB", (48, 36), (255, 255, 255)).save(folder / "GT" / "pub__exact.png")
    found = find()
    assert found.title == "Small4K (unverified copy)"
    assert "GT was changed on 1 of 3 images (pub__exact.png): max 2" in found.note
    result = data("verify", "small4k")
    assert result.exit_code == 1
    assert "damaged  pub__exact.png: other pixels than prepared" in result.output


def test_an_image_of_another_size_is_refused(small4k: SetRecipe) -> None:
    folder = collect(small4k)
    Image.new("RGB", (24, 17)).save(folder / "LR2" / "pub__exact.jpg")
    with pytest.raises(UserError, match="expected 18x24, found 17x24"):
        find()


def test_pixels_that_change_after_they_were_found_are_not_measured_on(small4k: SetRecipe) -> None:
    folder = collect(small4k)
    pair = find().pairs[1]
    Image.new("RGB", (48, 36)).save(folder / "GT" / "pub__exact.png")
    with pytest.raises(UserError, match="it has changed since it was found"):
        pair.hr()


def test_verify_names_what_is_missing_renamed_and_foreign(small4k: SetRecipe) -> None:
    folder = collect(small4k)
    assert data("verify", "small4k").exit_code == 0
    (folder / "LR3" / "pub__exact.jpg").rename(folder / "LR3" / "renamed.jpg")
    (folder / "originals" / "pub__clear.png").write_bytes(b"no image")
    result = data("verify", "small4k")
    assert result.exit_code == 1
    for line in ("missing  pub__exact.jpg", "foreign  renamed.jpg", "damaged  pub__clear.png"):
        assert line in result.output
    assert "1 of 6 prepared images are missing" in missing(3).reason


def test_a_set_that_was_never_fetched_says_so(small4k: SetRecipe) -> None:
    assert "not fetched" in missing().reason
    assert data("verify", "small4k").exit_code == 1


def test_a_full_disk_is_the_harness_s_trouble_and_loses_nothing(
    small4k: SetRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(target: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("rtsr_bench.datasets.preparing.write_whole", full)
        with pytest.raises(HarnessError, match=r"No space left on device.*free space") as caught:
            collect(small4k)
    assert "\n" not in str(caught.value)
    assert isinstance(missing(), Missing)
    folder = collect(small4k)
    assert find().verified
    assert [path.name for path in folder.rglob(".*")] == []


def test_an_original_that_is_no_plain_image_is_named(small4k: SetRecipe, publisher: Path) -> None:
    Image.new("CMYK", (60, 60)).save(publisher / "larger.jpg")
    assert small4k.preparation is not None
    other = tuple(
        replace(
            one,
            sha256=hashlib.sha256((publisher / one.path).read_bytes()).hexdigest(),
            bytes=(publisher / one.path).stat().st_size,
        )
        for one in small4k.preparation.originals
    )
    with pytest.raises(UserError, match=r"pub__larger\.jpg.*CMYK"):
        collect(replace(small4k, preparation=replace(small4k.preparation, originals=other)))


def _collect(pickled: bytes, start: multiprocessing.synchronize.Barrier) -> None:
    recipe = pickle.loads(pickled)
    start.wait()
    collect(recipe)


def test_processes_that_prepare_the_same_set_do_not_trip_over_each_other(small4k: SetRecipe, cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    start = context.Barrier(2)
    pickled = pickle.dumps(small4k)
    workers = [context.Process(target=_collect, args=(pickled, start)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert find().verified
    assert find("small4k-clean", 3).verified
    assert [path.name for path in cache.rglob(".*")] == []
    notes = json.loads((cache / "data" / "Small4K" / "prepared.json").read_text())["files"]
    assert len(notes) == 3 * 5


# Decoders that differ.


def test_a_decoder_that_differs_is_named_with_how_much(small4k: SetRecipe, monkeypatch: pytest.MonkeyPatch) -> None:
    from rtsr_bench.images import io

    folder = collect(small4k)
    real = io.read_rgb

    def other(path: Path, **more: object) -> np.ndarray:
        pixels = real(path, **more)
        return pixels ^ np.uint8(1) if path.suffix == ".jpg" else pixels

    monkeypatch.setattr(io, "read_rgb", other)
    monkeypatch.setattr("rtsr_bench.datasets.prepared.decoder", lambda: "Pillow 99")
    found = find()
    assert not found.verified
    assert found.title == "Small4K (unverified copy)"
    assert found.note.startswith("LR2 decodes to pixels other than pinned on 3 of 3 images (")
    assert found.note.endswith("max 1, mean 1 at 96 sampled positions each, with Pillow 99")
    assert (found.pairs[0].lr() == other(folder / "LR2" / "pub__clear.jpg")).all()
    assert find("small4k-clean").verified
    result = data("verify", "small4k")
    assert result.exit_code == 0, "the files are whole: it is the decoder that differs, and that is said"
    assert "with Pillow 99" in result.output


def test_fetch_warns_of_pixels_other_than_pinned(small4k: SetRecipe, monkeypatch: pytest.MonkeyPatch) -> None:
    result = data("fetch", "small4k")
    assert result.exit_code == 0
    assert "3 of file" in result.output
    assert "complete and verified in" in result.output
    assert small4k.preparation is not None
    pins = {
        path: replace(pin, pixels="0" * 64) if path == "GT/pub__exact.png" else pin
        for path, pin in small4k.preparation.pins.items()
    }
    changed = replace(small4k, preparation=replace(small4k.preparation, pins=pins))
    monkeypatch.setattr("rtsr_bench.datasets.catalog.published", lambda: {"small4k": changed})
    warned = data("fetch", "small4k").output
    assert "warning: GT differs from the pinned pixels on 1 of 3 images (pub__exact.png): only between the 96" in warned


def test_a_damaged_image_names_the_command_of_its_own_set(small4k: SetRecipe) -> None:
    image = collect(small4k) / "GT" / "pub__exact.png"
    image.write_bytes(image.read_bytes()[:-20])
    result = data("verify", "small4k")
    assert result.exit_code == 1
    assert "pub__exact.png: the HR image is truncated" in result.output
    assert "`rtsr-bench data fetch small4k` makes it again" in result.output
    assert result.output.splitlines()[-1].startswith("`rtsr-bench data fetch small4k` downloads what is missing")


# Open4K itself.


def test_open4k_pins_every_image_and_tests_with_none_that_is_trained_on() -> None:
    recipe, clean = find_recipe("open4k"), find_recipe("open4k-clean")
    assert recipe.preparation is not None
    assert clean.preparation is not None
    assert clean.preparation == replace(recipe.preparation, take="LR{n}_clean")
    test, train = recipe.preparation.originals, training_originals()
    assert (len(test), len(train)) == (30, 18)
    for key in ("name", "sha256", "stem"):
        assert len({getattr(one, key) for one in (*test, *train)}) == 48
    assert not {(one.repo, one.path) for one in test} & {(one.repo, one.path) for one in train}
    for scale in (2, 3, 4):
        for one in (recipe, clean):
            assert one.preparation is not None
            for hr, lr in one.preparation.paths(scale):
                assert {hr, lr} <= recipe.preparation.pins.keys()
    assert len(recipe.preparation.pins) == 30 * 7
    for original in (*test, *train):
        assert original.license
        assert original.recipe.url.startswith(f"https://raw.githubusercontent.com/{original.repo}/{original.commit}/")
        assert " " not in original.recipe.url


def test_no_set_offers_the_training_images_for_testing() -> None:
    trained_on = {one.sha256 for one in training_originals()}
    for recipe in known_sets():
        assert not trained_on & {pin.sha256 for pin in recipe.pins.values()}
        if recipe.preparation:
            assert not trained_on & {one.sha256 for one in recipe.preparation.originals}


@pytest.mark.shared
def test_open4k_is_pinned_as_published(shared: Path) -> None:
    recipe = find_recipe("open4k")
    assert recipe.preparation is not None
    manifest = json.loads((shared / "data" / "open4k" / "manifest.json").read_text())
    keys = ("sha256", "bytes", "category", "license", "repo", "commit", "path")
    for role, listed in (("test", recipe.preparation.originals), ("train", training_originals())):
        published = {one["file"]: one for one in manifest if one["role"] == role}
        assert {one.name: [getattr(one, key) for key in keys] for one in listed} == {
            name: [one[key] for key in keys] for name, one in published.items()
        }
    for image in json.loads((shared / "golden" / "open4k.json").read_text())["images"]:
        stem = Path(image["file"]).stem
        assert recipe.preparation.pins[f"GT/{stem}.png"].pixels == image["gt_sha256"]
        for scale in (2, 3):
            jpeg, clean = (
                recipe.preparation.pins[path] for path in (f"LR{scale}/{stem}.jpg", f"LR{scale}_clean/{stem}.png")
            )
            assert clean.pixels == image[f"lr{scale}_sha256"]
            assert jpeg.pixels == image[f"lr{scale}_jpeg90_sha256"]
            assert jpeg.file == image[f"lr{scale}_jpeg90_file_sha256"]
