"""Where data sets are found, and under which name they go."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from PIL import Image
from small_images import PairFolder

from rtsr_bench.datasets import Dataset, Missing, data_roots, find_dataset, known_sets, own_sets
from rtsr_bench.datasets.recipes import SetRecipe
from rtsr_bench.errors import UserError


def find(set_id: str, *roots: Path, scale: int = 2) -> Dataset:
    found = find_dataset(set_id, scale=scale, degradation="files", roots=roots)
    assert isinstance(found, Dataset)
    return found


@pytest.fixture
def copy(tmp_path: Path, toy: SetRecipe) -> Path:
    """A root with a whole copy of Toy3."""
    root = tmp_path / "root"
    shutil.copytree(tmp_path / "origin", root / "Toy3")
    return root


@pytest.mark.parametrize(
    "place", ["Toy3", "toy3", "data/Toy3", "SelfExSR/data/Toy3", "selfexsr/Data/TOY3", "classic/Toy3", "benchmark/toy3"]
)
def test_a_set_is_found_in_the_places_people_keep_it(copy: Path, place: str) -> None:
    target = copy / place
    target.parent.mkdir(parents=True, exist_ok=True)
    (copy / "Toy3").rename(copy / "moved")
    (copy / "moved").rename(target)
    data = find("toy3", copy)
    assert data.verified
    assert data.title == "Toy3"
    assert data.note == ""
    assert data.folder is not None
    assert data.folder.samefile(target)


def test_a_root_may_be_the_set_itself(copy: Path) -> None:
    assert find("toy3", copy / "Toy3").verified


def test_nothing_is_searched_deeper_than_the_known_places(copy: Path) -> None:
    (copy / "some" / "where").mkdir(parents=True)
    (copy / "Toy3").rename(copy / "some" / "where" / "Toy3")
    assert isinstance(find_dataset("toy3", scale=2, degradation="files", roots=[copy]), Missing)


def test_roots_come_from_the_environment_too(copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("RTSR_BENCH_DATA_ROOT", f"{tmp_path / 'empty'}:{copy}")
    assert find("toy3").verified
    assert data_roots([copy]) == (copy, tmp_path / "empty")


def test_a_root_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing there"):
        find_dataset("set5", scale=2, degradation="files", roots=[tmp_path / "nowhere"])


def test_a_set_at_hand_nowhere_says_how_to_get_it(tmp_path: Path, toy: SetRecipe) -> None:
    found = find_dataset("toy3", scale=2, degradation="files", roots=[tmp_path])
    assert isinstance(found, Missing)
    assert "data fetch toy3" in found.hint


def test_an_unknown_set_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no data set 'set6'.*set14, set5, urban100"):
        find_dataset("set6", scale=2, degradation="files", roots=[])


def test_a_copy_with_another_file_does_not_bear_the_plain_name(copy: Path) -> None:
    file = copy / "Toy3" / "image_SRF_2" / "img_002_SRF_2_LR.png"
    Image.new("RGB", (12, 6), (1, 2, 3)).save(file)
    data = find("toy3", copy)
    assert not data.verified
    assert data.title == "Toy3 (unverified copy)"
    assert "1 of 6 files are not the published ones (img_002_SRF_2_LR.png)" in data.note


def test_a_copy_with_an_image_less_does_not_bear_the_plain_name(copy: Path) -> None:
    for role in ("HR", "LR"):
        (copy / "Toy3" / "image_SRF_2" / f"img_003_SRF_2_{role}.png").unlink()
    data = find("toy3", copy)
    assert data.title == "Toy3 (unverified copy)"
    assert "2 image pairs, not 3" in data.note


def test_published_files_paired_otherwise_do_not_bear_the_plain_name(copy: Path) -> None:
    folder = copy / "Toy3" / "image_SRF_2"
    first, second = folder / "img_001_SRF_2_LR.png", folder / "img_002_SRF_2_LR.png"
    first.rename(folder / "kept.png")
    second.rename(first)
    (folder / "kept.png").rename(second)
    data = find("toy3", copy)
    assert not data.verified
    assert "paired differently" in data.note


def test_the_same_bytes_under_other_names_are_the_same_set(copy: Path) -> None:
    source, target = copy / "Toy3" / "image_SRF_2", copy / "other" / "Toy3"
    for number in (1, 2, 3):
        for role, folder in (("HR", "HR"), ("LR", "LR_bicubic/X2")):
            (target / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(source / f"img_00{number}_SRF_2_{role}.png", target / folder / f"{number}.png")
    assert find("toy3", copy / "other").verified


def test_a_verified_copy_goes_before_one_that_is_not(copy: Path, tmp_path: Path, pair_folder: PairFolder) -> None:
    pair_folder(tmp_path / "first" / "Toy3", "hr-bicubic", stems=("x", "y", "z"))
    data = find("toy3", tmp_path / "first", copy)
    assert data.verified
    assert data.folder == copy / "Toy3"


def test_a_broken_copy_is_no_reason_to_pass_over_a_verified_one(
    copy: Path, tmp_path: Path, pair_folder: PairFolder
) -> None:
    broken = pair_folder(tmp_path / "first" / "Toy3", "hr-bicubic")
    (broken / "HR" / "a.png").unlink()
    assert find("toy3", tmp_path / "first", copy).verified
    with pytest.raises(UserError, match=r"found none for ax2\.png"):
        find("toy3", tmp_path / "first")


def test_lr_that_the_source_lacks_is_made_from_verified_hr_and_says_so(copy: Path) -> None:
    data = find("toy3", copy, scale=3)
    assert data.verified
    assert data.title == "Toy3"
    assert data.note == "LR made from HR by matlab-bicubic; the published set has no x3"
    assert data.pairs[0].lr().shape == (4, 8, 3)


def test_a_changed_file_is_hashed_anew(copy: Path) -> None:
    before = find("toy3", copy).digest
    Image.new("RGB", (12, 6), (9, 9, 9)).save(copy / "Toy3" / "image_SRF_2" / "img_001_SRF_2_LR.png")
    assert find("toy3", copy).digest != before


def test_the_shipped_recipes_pin_every_pair_of_the_classic_sets() -> None:
    pairs = {"set5": 5, "set14": 14, "bsd100": 100, "urban100": 100}
    for recipe in known_sets():
        count = pairs.get(recipe.id)
        if count is None:
            assert not recipe.pins
            continue
        scales = (2, 4) if recipe.id == "urban100" else (2, 3, 4)
        assert len(recipe.pins) == 2 * count * len(scales)
        for scale in scales:
            for number in range(1, count + 1):
                for role in ("HR", "LR"):
                    path = f"image_SRF_{scale}/img_{number:03d}_SRF_{scale}_{role}.png"
                    assert recipe.pins[path].bytes


def test_the_images_of_efficient_sr_are_found_where_their_owners_keep_them(
    tmp_path: Path, pair_folder: PairFolder
) -> None:
    pair_folder(tmp_path / "DIV2K_LSDIR", "div2k-lsdir", scale=4, stems=("000001", "000002"))
    found = find("div2k-lsdir-valid", tmp_path, scale=4)
    assert [pair.name for pair in found.pairs] == ["000001.png", "000002.png"]
    assert not found.verified
    missing = find_dataset("div2k-lsdir-valid", scale=4, degradation="files", roots=[])
    assert isinstance(missing, Missing)
    assert "without them, classic-x4 measures the same models" in missing.hint


# The challenge's own set, which was never released.


def official(root: Path, *, name: str = "0001", scale: int = 2, extension: str = "jpg") -> Path:
    folder = root / "testsets" / "NTIRE234K"
    for part, size, suffix in (("GT", (3840, 2160), "png"), (f"LR{scale}", (3840 // scale, 2160 // scale), extension)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (40, 90, 160)).save(folder / part / f"{name}.{suffix}", compress_level=1)
    return folder


@pytest.mark.parametrize(("scale", "extension"), [(2, "jpg"), (3, "png")])
def test_who_holds_the_official_set_can_use_it(tmp_path: Path, scale: int, extension: str) -> None:
    official(tmp_path, scale=scale, extension=extension)
    data = find("rtsr2023", tmp_path, scale=scale)
    assert not data.verified
    assert data.note == "no published hashes to compare with"
    assert data.pairs[0].name == "0001.png"


def test_official_set_is_reported_as_unavailable(tmp_path: Path) -> None:
    found = find_dataset("rtsr2023", scale=2, degradation="files", roots=[tmp_path])
    assert isinstance(found, Missing)
    assert "no substitute is accepted" in found.hint
    assert "NTIRE234K/GT" in found.hint


def test_images_of_another_size_do_not_pass_for_the_official_set(tmp_path: Path, pair_folder: PairFolder) -> None:
    pair_folder(tmp_path / "NTIRE234K")
    with pytest.raises(UserError, match=r"expected HR of 2160x3840.*no substitute is accepted"):
        find("rtsr2023", tmp_path)


def test_images_of_another_set_do_not_pass_for_the_official_set(tmp_path: Path) -> None:
    official(tmp_path, name="pop-os__original_nasa-53884")
    with pytest.raises(UserError, match=r"never released, found one of Open4K.*no substitute is accepted"):
        find("rtsr2023", tmp_path)


def test_a_folder_of_the_official_form_under_another_name_is_ones_own_set(
    tmp_path: Path, pair_folder: PairFolder
) -> None:
    folder = pair_folder(tmp_path / "val")
    assert isinstance(find_dataset("rtsr2023", scale=2, degradation="files", roots=[folder]), Missing)
    assert [recipe.id for recipe in own_sets([folder])] == ["val"]


# One's own sets.


def test_a_folder_of_pairs_is_a_set_named_after_the_folder(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "My Frames")
    data = find("my-frames", folder)
    assert data.title == "folder My Frames"
    assert not data.verified
    assert data.note == "no hashes to compare with"


def write_recipe(folder: Path, head: str, files: dict[str, str] | None = None) -> None:
    lines = [f'"{path}" = "{sha256}"' for path, sha256 in (files or {}).items()]
    (folder / "dataset.toml").write_text(f"[set]\n{head}\n[files]\n" + "\n".join(lines))


def test_a_recipe_names_ones_own_set_and_makes_it_verifiable(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "root" / "anything")
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.png")
    }
    write_recipe(folder, 'id = "frames"\ntitle = "Frames"\nlicense = "CC0-1.0"', hashes)
    data = find("frames", tmp_path / "root")
    assert (data.title, data.license, data.verified) == ("Frames", "CC0-1.0", True)
    Image.new("RGB", (24, 12)).save(folder / "GT" / "a.png")
    data = find("frames", tmp_path / "root")
    assert not data.verified
    assert data.note == "1 of 4 files differ from their hash (GT/a.png)"


def test_files_without_a_hash_and_hashes_without_a_file_are_said(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    write_recipe(folder, 'id = "mine"\ntitle = "Mine"', {"GT/gone.png": "0" * 64})
    note = find("mine", folder).note
    assert "4 of 4 files have no hash" in note
    assert "1 listed files are missing (GT/gone.png)" in note


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ('id = "set5"\ntitle = "Mine"', "is the name of a published data set"),
        ('id = "mine"\ntitle = "Set5"', "is the name of a published data set"),
        ('id = "Mine!"\ntitle = "Mine"', "lower-case letters"),
        ('title = "Mine"', "id: expected a line of text of at most 100 characters, found nothing"),
        ('id = "mine"\ntitle = "Mine"\nlayuot = "gt-lr"', "unknown key 'layuot', did you mean \"layout\"?"),
        ('id = "mine"\ntitle = "Mine"\nlayout = "zip"', "layout: expected selfexsr or gt-lr or div2k or "),
        ('id = "mine"\ntitle = "Mine"\nscales = [8]', "whole numbers from 2 to 4, found the number 8 in it"),
        ('id = "mine"\ntitle = "Mine"\nbase_url = "https://example.org"', "base_url: expected [files] or index"),
        ('id = "mine"\ntitle = "Mine"\nnames = ["Set5"]', "unknown key 'names'"),
        ("id = ", "dataset.toml"),
    ],
)
def test_a_recipe_that_breaks_the_form_is_refused_in_one_line(
    tmp_path: Path, pair_folder: PairFolder, head: str, said: str
) -> None:
    folder = pair_folder(tmp_path / "mine")
    write_recipe(folder, head)
    with pytest.raises(UserError) as caught:
        own_sets([folder])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hash_that_is_none_is_refused(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    write_recipe(folder, 'id = "mine"\ntitle = "Mine"', {"GT/a.png": "abc"})
    with pytest.raises(UserError, match="expected a SHA-256"):
        own_sets([folder])


def test_two_sets_of_one_name_are_chosen_by_the_user(tmp_path: Path, pair_folder: PairFolder) -> None:
    first, second = pair_folder(tmp_path / "a" / "val"), pair_folder(tmp_path / "b" / "val")
    with pytest.raises(UserError, match="expected unique ids of data sets, found 'val' in both"):
        own_sets([first, second])
    assert len(own_sets([first, first / ".." / "val"])) == 1


# The files that people really have.


@pytest.mark.shared
@pytest.mark.parametrize(("set_id", "title", "count"), [("set5", "Set5", 5), ("set14", "Set14", 14)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_real_classic_sets_are_verified(shared: Path, set_id: str, title: str, count: int, scale: int) -> None:
    data = find(set_id, shared / "data", scale=scale)
    assert (data.title, data.verified, data.note, len(data.pairs)) == (title, True, "", count)
    assert data.pairs[0].name == f"img_001_SRF_{scale}_HR.png"
    for pair in data.pairs:
        hr, lr = pair.both()
        assert hr.shape == (lr.shape[0] * scale, lr.shape[1] * scale, 3)


@pytest.mark.shared
def test_another_source_of_set5_is_not_called_set5(shared: Path) -> None:
    data = find("set5", shared / "data" / "canonical", scale=3)
    assert data.title == "Set5 (unverified copy)"
    assert not data.verified
    assert [pair.name for pair in data.pairs] == ["baby.png", "bird.png", "butterfly.png", "head.png", "woman.png"]
    assert data.pairs[0].hr().shape == (510, 510, 3)


@pytest.mark.parametrize("below", ["DIV2K", "datasets/div2k"])
def test_div2k_is_found_by_its_name_below_a_root(tmp_path: Path, pair_folder: PairFolder, below: str) -> None:
    folder = pair_folder(tmp_path / "root" / below, layout="div2k")
    for roots in ([tmp_path / "root"], [folder], [tmp_path / "root", folder]):
        assert [recipe.id for recipe in own_sets(roots)] == ["div2k"]
        found = find_dataset("div2k", scale=2, degradation="files", roots=roots)
        assert isinstance(found, Dataset)
        assert found.folder == folder
