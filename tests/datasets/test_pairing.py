"""Folders of image pairs: recognised in every layout, paired by name or refused in one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_images import PairFolder, draw

from rtsr_bench.datasets.catalog import find_dataset
from rtsr_bench.datasets.dataset import Dataset, Missing
from rtsr_bench.errors import UserError


def find(folder: Path, scale: int = 2, degradation: str = "files") -> Dataset:
    found = find_dataset(folder.name, scale=scale, degradation=degradation, roots=[folder])
    assert isinstance(found, Dataset)
    return found


def refusal(folder: Path, scale: int = 2) -> str:
    with pytest.raises(UserError) as caught:
        find_dataset(folder.name, scale=scale, degradation="files", roots=[folder])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("layout", ["gt-lr", "hr-bicubic", "basicsr", "div2k", "selfexsr"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_layout_gives_pairs_in_the_order_of_their_names(
    tmp_path: Path, pair_folder: PairFolder, layout: str, scale: int
) -> None:
    data = find(pair_folder(tmp_path / "mine", layout, scale=scale, stems=("b", "a", "c10")), scale)
    assert [pair.name[:1] for pair in data.pairs] == ["a", "b", "c"]
    for pair in data.pairs:
        hr, lr = pair.both()
        assert hr.shape == (12, 24, 3)
        assert lr.shape == (12 // scale, 24 // scale, 3)
        assert (pair.hr() == hr).all()
        assert (pair.lr() == lr).all()


def test_folder_names_count_whatever_their_case(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", "hr-bicubic")
    (folder / "HR").rename(folder / "hr")
    (folder / "LR_bicubic" / "X2").rename(folder / "LR_bicubic" / "x2")
    assert len(find(folder).pairs) == 2


def test_lr_may_have_another_extension_than_hr(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", stems=("a",))
    (folder / "LR2" / "a.png").unlink()
    draw(folder / "LR2" / "a.jpg", 6, 12)
    assert find(folder).pairs[0].lr().shape == (6, 12, 3)


def test_a_name_that_ends_like_a_scale_is_a_name(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", stems=("box", "boxx2"))
    assert [pair.lr_source.path.name for pair in find(folder).pairs if pair.lr_source] == ["box.png", "boxx2.png"]


def test_results_of_other_methods_beside_the_pairs_take_no_part(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", "selfexsr")
    draw(folder / "image_SRF_2" / "a_SRF_2_SRCNN.png", 12, 24)
    assert len(find(folder).pairs) == 2


def test_hr_is_cropped_to_a_multiple_of_the_scale(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", scale=3, hr=(14, 25))
    pair = find(folder, 3).pairs[0]
    hr, lr = pair.both()
    assert (pair.size.height, pair.size.width) == (12, 24)
    assert hr.shape == (12, 24, 3)
    assert lr.shape == (4, 8, 3)


def test_lr_is_made_from_hr_where_the_track_says_so(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    made, taken = find(folder, degradation="pillow-bicubic"), find(folder)
    assert made.pairs[0].lr().shape == (6, 12, 3)
    assert (made.pairs[0].lr() != taken.pairs[0].lr()).any()
    assert made.pairs[0].identity.endswith(",pillow-bicubic/x2")
    assert "LR made from HR by pillow-bicubic" in made.note


def test_hr_alone_will_do_where_lr_is_made_from_it(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    shutil.rmtree(folder / "LR2")
    assert find(folder, 3, degradation="pillow-bicubic").pairs[0].lr().shape == (4, 8, 3)
    assert isinstance(find_dataset("mine", scale=3, degradation="files", roots=[folder]), Missing)


def test_missing_lr_is_named(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", stems=("a", "b", "c"))
    (folder / "LR2" / "b.png").unlink()
    assert "found none for b.png" in refusal(folder)


def test_many_missing_lr_are_counted(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", stems=tuple("abcdef"))
    for stem in "abcde":
        (folder / "LR2" / f"{stem}.png").unlink()
    assert "a.png, b.png, c.png and 2 more" in refusal(folder)


def test_extra_lr_is_named(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    draw(folder / "LR2" / "stranger.png", 6, 12)
    assert "found none for stranger.png" in refusal(folder)


def test_two_files_of_one_name_are_named(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    draw(folder / "GT" / "a.bmp", 12, 24)
    message = refusal(folder)
    assert "a.bmp" in message
    assert "a.png" in message


def test_sizes_that_do_not_fit_are_found_before_anything_is_measured(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    draw(folder / "LR2" / "b.png", 6, 11)
    message = refusal(folder)
    assert "b.png" in message
    assert "expected 6x12" in message
    assert "found 6x11" in message


def test_an_image_smaller_than_one_lr_pixel_is_refused(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", stems=("a",))
    draw(folder / "GT" / "a.png", 1, 24)
    assert "at least one LR pixel" in refusal(folder)


def test_what_is_no_image_is_refused_before_anything_is_measured(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    (folder / "GT" / "a.png").write_bytes(b"not a picture")
    assert "a.png" in refusal(folder)


def test_a_truncated_image_is_refused_when_it_is_read(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", hr=(120, 240))
    file = folder / "LR2" / "a.png"
    file.write_bytes(file.read_bytes()[:-2000])
    data = find(folder)
    with pytest.raises(UserError, match=r"a\.png"):
        data.pairs[0].lr()


def test_a_file_that_changed_its_size_since_it_was_found_is_refused(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    data = find(folder)
    draw(folder / "GT" / "a.png", 10, 24)
    draw(folder / "LR2" / "b.png", 6, 10)
    with pytest.raises(UserError, match="found 10x24"):
        data.pairs[0].hr()
    with pytest.raises(UserError, match="expected 6x12"):
        data.pairs[1].lr()


def test_no_lr_at_this_scale_is_not_at_hand_rather_than_broken(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    found = find_dataset("mine", scale=4, degradation="files", roots=[folder])
    assert isinstance(found, Missing)
    assert found.reason
    assert found.way_out


def test_the_digest_follows_names_order_and_pixels(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", stems=("a", "b", "c"))
    data = find(folder)
    assert data.digest == find(folder).digest
    assert len(data.digest) == 16
    assert data.first(3).digest == data.digest
    assert data.first(2).digest != data.digest
    assert [pair.name for pair in data.first(2).pairs] == ["a.png", "b.png"]
    draw(folder / "LR2" / "a.bmp", 6, 12)
    (folder / "LR2" / "a.png").unlink()
    assert find(folder).digest != data.digest


def test_the_first_none_of_a_set_is_no_set(tmp_path: Path, pair_folder: PairFolder) -> None:
    with pytest.raises(ValueError, match="at least one"):
        find(pair_folder(tmp_path / "mine")).first(0)
