"""Folders of image pairs: recognised in every layout, paired by name or refused in one line."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_images import PairFolder, draw

from rtsr_bench.datasets.audit import audit
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


@pytest.mark.parametrize("layout", ["gt-lr", "hr-bicubic", "basicsr", "div2k", "selfexsr", "div2k-lsdir", "lsdir"])
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


def test_scales_in_one_folder_are_distinguished_by_names(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", "div2k-lsdir", scale=4, stems=("000001", "000002"))
    pair_folder(tmp_path / "mine", "div2k-lsdir", scale=2, stems=("000001", "000002"))
    for scale in (2, 4):
        pairs = find(folder, scale).pairs
        assert [pair.lr_source.path.name for pair in pairs if pair.lr_source] == [
            f"000001x{scale}.png",
            f"000002x{scale}.png",
        ]
    (folder / "DIV2K_LSDIR_valid_LR" / "000002x4.png").unlink()
    assert "found none for 000002.png" in refusal(folder, 4)
    draw(folder / "DIV2K_LSDIR_valid_LR" / "000003x2.png", 6, 12)
    assert "found none for 000003x2.png" in refusal(folder, 2)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("gt-lr", "gt-lr in {}: 2 HR images, no LR for x3 (expected a folder LR3, LRx3"),
        ("div2k", "div2k in {}: 2 HR images, no LR for x3 (expected DIV2K_valid_LR_bicubic/X3)"),
        ("div2k-lsdir", "div2k-lsdir in {}: 2 HR images, no LR for x3 (expected DIV2K_LSDIR_valid_LR/...x3.png"),
    ],
)
def test_a_layout_that_lacks_a_scale_is_recognised_and_says_what_is_missing(
    tmp_path: Path, pair_folder: PairFolder, layout: str, said: str
) -> None:
    folder = pair_folder(tmp_path / "mine", layout, scale=2)
    found = find_dataset("mine", scale=3, degradation="files", roots=[folder])
    assert isinstance(found, Missing)
    assert said.format(folder) in found.reason


def test_lr_without_any_hr_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    draw(folder / "LR2" / "a.png", 6, 12)
    (folder / "dataset.toml").write_text('[set]\nid = "mine"\ntitle = "Mine"\n')
    found = find_dataset("mine", scale=2, degradation="files", roots=[folder])
    assert isinstance(found, Missing)
    assert "found LR2, but no HR (expected one of gt, hr, gtmod12)" in found.reason


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


@pytest.mark.parametrize("suffix", ["x2", "_x2", "X2"])
def test_names_that_end_like_a_scale_are_paired_with_suffixed_lr(tmp_path: Path, suffix: str) -> None:
    stems = ("box2", "boxx2", "boxx2x2", "lens2x2", "matrix2")
    for stem in stems:
        draw(tmp_path / "mine" / "GT" / f"{stem}.png", 12, 24)
        draw(tmp_path / "mine" / "LR2" / f"{stem}{suffix}.png", 6, 12)
    pairs = find(tmp_path / "mine").pairs
    assert [(pair.name, pair.lr_source.path.name) for pair in pairs if pair.lr_source] == [
        (f"{stem}.png", f"{stem}{suffix}.png") for stem in stems
    ]


@pytest.mark.parametrize(
    ("hr", "lr", "said"),
    [
        (("a_x2", "b_x2"), ("a_x2_LR", "b_x2_LR"), "the LR image of GT/a_x2.png seems to be LR2/a_x2_LR.png"),
        (("a", "b"), ("a_LR", "b_LR"), "seems to be LR2/a_LR.png, expected the stem a, ax2 or a_x2: rename the LR im"),
        (("a", "b"), ("a-x2", "b-x2"), "seems to be LR2/a-x2.png, expected the stem a, ax2 or a_x2"),
        (("a", "b"), ("ax3", "bx3"), "seems to be LR2/ax3.png"),
        (("a_HR", "b_HR"), ("a_LR", "b_LR"), "rename the LR images or the HR images"),
        (("a_GT", "b_GT"), ("a", "b"), "seems to be LR2/a.png"),
        (("A", "b"), ("a", "b"), "GT/A.png and LR2/a.png differ in upper and lower case"),
        (
            ("caf\xe9",),
            ("cafe\u0301",),
            "GT/caf\xe9.png (NFC) and LR2/cafe\u0301.png (NFD) are one name in two Unicode f",
        ),
        (("cafe\u0301", "b"), ("caf\xe9_x2", "b_x2"), "(NFD) and LR2/caf\xe9_x2.png (NFC) are one name"),
    ],
)
def test_names_that_look_alike_and_make_no_pair_say_why(
    tmp_path: Path, hr: tuple[str, ...], lr: tuple[str, ...], said: str
) -> None:
    for folder, stems in (("GT", hr), ("LR2", lr)):
        for stem in stems:
            draw(tmp_path / "mine" / folder / f"{stem}.png", *((12, 24) if folder == "GT" else (6, 12)))
    assert said in refusal(tmp_path / "mine")
    (part,) = [part for part in audit("mine", [tmp_path / "mine"]) if part.part == "x2"]
    assert said in part.note
    assert not part.ok


def test_names_that_only_share_a_beginning_are_not_taken_for_pairs(tmp_path: Path) -> None:
    for folder, stem, size in (("GT", "img_1", (12, 24)), ("LR2", "img_2", (6, 12))):
        draw(tmp_path / "mine" / folder / f"{stem}.png", *size)
    assert "found none for img_1.png: add the LR images" in refusal(tmp_path / "mine")


@pytest.mark.parametrize("deeper", ["sub", "sub/again"])
def test_images_that_lie_too_deep_are_found_and_named(tmp_path: Path, pair_folder: PairFolder, deeper: str) -> None:
    pair_folder(tmp_path / "flat")
    for place in ("GT", "LR2"):
        shutil.copytree(tmp_path / "flat" / place, tmp_path / "mine" / place / deeper)
    said = f"GT holds no images, 2 are deeper in GT/{deeper} (a.png, b.png): move them up into GT"
    assert said in refusal(tmp_path / "mine")
    (tmp_path / "mine" / "dataset.toml").write_text('[set]\nid = "mine"\ntitle = "Mine"\n')
    found = find_dataset("mine", scale=2, degradation="files", roots=[tmp_path / "mine"])
    assert isinstance(found, Missing)
    assert said in found.reason
    assert "\n" not in found.reason
    (part,) = [part for part in audit("mine", [tmp_path / "mine"]) if part.part == "x2"]
    assert said in part.absent


def test_lr_that_lies_too_deep_is_found_and_named(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    (folder / "LR2").rename(folder / "inner")
    (folder / "LR2").mkdir()
    (folder / "inner").rename(folder / "LR2" / "inner")
    said = "LR2 holds no images, 2 are deeper in LR2/inner"
    assert said in refusal(folder)
    (part,) = [part for part in audit("mine", [folder]) if part.part == "x2"]
    assert said in part.note


def test_a_place_without_any_image_is_named_as_such(tmp_path: Path) -> None:
    for place in ("GT", "LR2"):
        (tmp_path / "mine" / place).mkdir(parents=True)
    (tmp_path / "mine" / "dataset.toml").write_text('[set]\nid = "mine"\ntitle = "Mine"\n')
    found = find_dataset("mine", scale=2, degradation="files", roots=[tmp_path / "mine"])
    assert isinstance(found, Missing)
    assert found.reason.endswith("mine: GT and LR2 hold no images")


def test_a_set_one_folder_deeper_than_the_root_is_pointed_at(tmp_path: Path, pair_folder: PairFolder) -> None:
    pair_folder(tmp_path / "mine" / "unzipped")
    said = refusal(tmp_path / "mine")
    assert f"give its own folder with --data-root {tmp_path / 'mine' / 'unzipped'}, or put" in said


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("names_ending_x2", ""),
        ("nested", "GT holds no images, 2 are deeper in GT/sub"),
        ("nfc_hr_nfd_lr", "one name in two Unicode forms"),
        ("exif_180_hr_upright_lr", "GT/a.jpg: expected the HR image to be stored upright, found EXIF orient"),
        ("with_a_black_frame", ""),
    ],
)
def test_submitted_folders_are_paired_or_reported(shared: Path, case: str, said: str) -> None:
    folder = shared / "cases" / "10_data" / case
    if not folder.is_dir():
        pytest.skip("needs the collection of cases beside the project")
    if case == "nested":
        assert said in refusal(folder)
        return
    (part,) = [part for part in audit(case, [folder]) if part.part == "x2"]
    assert part.ok == (not said)
    assert said in " ".join((part.note, *part.damaged))


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


def test_missing_lr_is_unavailable_rather_than_broken(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    found = find_dataset("mine", scale=4, degradation="files", roots=[folder])
    assert isinstance(found, Missing)
    assert found.reason
    assert found.hint


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


# Images that people really submit, as HR and as LR: each has its one line, from the set down to `data verify`.


def spoil(path: Path, how: str) -> None:
    image = Image.open(path)
    image.load()
    size = image.size
    if how == "16-bit":
        Image.fromarray(np.zeros((size[1], size[0]), np.uint16)).save(path)
    elif how == "CMYK":
        Image.new("CMYK", size).save(path, format="JPEG")
    elif how == "transparent palette":
        palette = image.convert("P")
        palette.info["transparency"] = palette.getpixel((0, 0))
        palette.save(path, transparency=palette.getpixel((0, 0)))
    elif how == "animated":
        image.save(path, save_all=True, append_images=[Image.new("RGB", size, (1, 2, 3))])
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif how == "bomb":
        header = path.read_bytes()[:16] + (60000).to_bytes(4, "big") * 2 + path.read_bytes()[24:29]
        path.write_bytes(header + zlib.crc32(header[12:29]).to_bytes(4, "big") + path.read_bytes()[33:])
    else:
        path.write_bytes(b"")


@pytest.mark.parametrize("place", ["GT", "LR2"])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("16-bit", "16 bits per channel"),
        ("CMYK", "mode CMYK"),
        ("transparent palette", "transparent pixels"),
        ("animated", "2 frames"),
        ("truncated", "truncated"),
        ("bomb", "at most 67108864 pixels"),
        ("empty", "is empty (0 bytes)"),
    ],
)
def test_an_image_that_is_no_plain_one_is_named_in_one_line(
    tmp_path: Path, pair_folder: PairFolder, place: str, how: str, said: str
) -> None:
    folder = pair_folder(tmp_path / "mine", hr=(60, 72))
    spoil(folder / place / "b.png", how)
    parts = [part for part in audit("mine", [folder]) if not part.absent]
    (line,) = [line for part in parts for line in part.damaged]
    assert said in line
    assert str(folder / place / "b.png") in line
    assert "\n" not in line


def test_an_opaque_palette_is_an_image_like_any_other(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    for place in ("GT", "LR2"):
        file = folder / place / "b.png"
        Image.open(file).quantize(16).save(file)
    assert find(folder).pairs[1].hr().shape == (12, 24, 3)
