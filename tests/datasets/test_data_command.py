"""`rtsr-bench data`: what a person sees and what a script gets back."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from small_images import PairFolder, draw

from rtsr_bench.datasets.audit import audit
from rtsr_bench.datasets.catalog import find_dataset
from rtsr_bench.datasets.collect import collect
from rtsr_bench.datasets.recipes import SetRecipe
from rtsr_bench.errors import UserError


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data(*arguments: object) -> Result:
    from rtsr_bench.cli.data import data_group

    return CliRunner().invoke(data_group, [str(argument) for argument in arguments])


@pytest.fixture
def root(tmp_path: Path, toy: SetRecipe) -> Path:
    """A root with a whole copy of Toy3."""
    collect(toy, root=tmp_path / "root")
    return tmp_path / "root"


def test_verify_passes_a_whole_set(root: Path) -> None:
    result = data("verify", "toy3", "--data-root", root)
    assert result.exit_code == 0
    assert "x2: 6 without faults" in result.output
    assert "x4: 6 without faults" in result.output


def test_verify_names_every_missing_damaged_and_foreign_file(root: Path) -> None:
    folder = root / "SelfExSR" / "data" / "Toy3" / "image_SRF_4"
    (folder / "img_001_SRF_4_LR.png").unlink()
    (folder / "img_003_SRF_4_LR.png").unlink()
    Image.new("RGB", (24, 12)).save(folder / "img_002_SRF_4_HR.png")
    draw(folder / "img_004_SRF_4_HR.png", 12, 24)
    draw(folder / "img_001_SRF_4_SRCNN.png", 12, 24)
    result = data("verify", "toy3", "--data-root", root)
    assert result.exit_code == 1
    assert "x2: 6 without faults" in result.output
    assert "x4: 4 faulty" in result.output
    for line in (
        "missing  img_001_SRF_4_LR.png",
        "missing  img_003_SRF_4_LR.png",
        "damaged  img_002_SRF_4_HR.png",
        "foreign  img_004_SRF_4_HR.png",
    ):
        assert line in result.output
    assert "SRCNN" not in result.output


def test_verify_reports_the_better_of_two_copies(root: Path, cache: Path, toy: SetRecipe) -> None:
    collect(toy)
    (root / "SelfExSR" / "data" / "Toy3" / "image_SRF_2" / "img_001_SRF_2_HR.png").unlink()
    parts = audit("toy3", [root])
    assert all(part.ok for part in parts)
    assert all(Path(part.where).is_relative_to(cache) for part in parts)


def test_absent_scale_is_reported_and_not_damaged(toy: SetRecipe, tmp_path: Path) -> None:
    collect(toy, scales=[2], root=tmp_path / "root")
    result = data("verify", "toy3", "--data-root", tmp_path / "root")
    assert result.exit_code == 0
    assert "x4: not available: no folder image_SRF_4" in result.output


def test_verify_of_a_set_that_is_not_there_fails(toy: SetRecipe, tmp_path: Path) -> None:
    result = data("verify", "toy3", "--data-root", tmp_path)
    assert result.exit_code == 1
    assert "data fetch toy3" in result.output


def test_verify_of_a_copy_in_another_layout_says_what_differs(
    toy: SetRecipe, tmp_path: Path, pair_folder: PairFolder
) -> None:
    pair_folder(tmp_path / "root" / "Toy3", "hr-bicubic", stems=("x", "y", "z"))
    result = data("verify", "toy3", "--data-root", tmp_path / "root")
    assert result.exit_code == 1
    assert "6 of 6 files are not the published ones" in result.output


def test_verify_reads_every_image_of_ones_own_set(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", hr=(120, 240))
    assert data("verify", "mine", "--data-root", folder).exit_code == 0
    file = folder / "LR2" / "a.png"
    file.write_bytes(file.read_bytes()[:-2000])
    result = data("verify", "mine", "--data-root", folder)
    assert result.exit_code == 1
    assert "a.png" in result.output
    (folder / "LR2" / "a.png").unlink()
    assert "missing  LR x2 of GT/a.png" in data("verify", "mine", "--data-root", folder).output


def test_verify_of_ones_own_set_names_every_fault_of_every_file(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", hr=(60, 72), stems=tuple("abcdefgh"))
    for stem in "abcd":
        file = folder / "LR2" / f"{stem}.png"
        file.write_bytes(file.read_bytes()[:-200])
    draw(folder / "LR2" / "e.png", 7, 9)
    (folder / "LR2" / "f.png").rename(folder / "LR2" / "renamed.png")
    draw(folder / "GT" / "g.jpg", 60, 72)
    draw(folder / "GT" / "h.png", 12, 14)
    draw(folder / "LR2" / "h.png", 6, 7)
    (part,) = (part for part in audit("mine", [folder]) if not part.absent)
    assert part.missing == ("LR x2 of GT/f.png",)
    assert part.foreign == ("LR2/renamed.png (no HR image of that name)",)
    for name in ("a.png", "b.png", "c.png", "d.png", "e.png", "h.png"):
        assert sum(name in line for line in part.damaged) == 1, name
    assert any("g.png: same name as g.jpg" in line for line in part.damaged)
    assert len(part.damaged) == 7


def test_verify_names_what_is_no_file_and_not_the_other_half_of_its_pair(
    tmp_path: Path, pair_folder: PairFolder
) -> None:
    folder = pair_folder(tmp_path / "mine", hr=(60, 72), stems=tuple("abcd"))
    for name in ("GT/a.png", "LR2/b.png", "GT/c.png"):
        (folder / name).unlink()
    (folder / "GT" / "a.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "LR2" / "b.png").mkdir()
    os.mkfifo(folder / "GT" / "c.png")
    (part,) = (part for part in audit("mine", [folder]) if not part.absent)
    assert [line.split(":")[0].rpartition("/")[2] for line in part.damaged] == ["a.png", "c.png", "b.png"]
    assert [line.partition("found ")[2].partition(":")[0] for line in part.damaged] == [
        "a broken link",
        "no file",
        "a folder",
    ]
    assert part.missing == part.foreign == ()
    with pytest.raises(UserError, match=r"GT/a\.png: expected an image file, found a broken link"):
        find_dataset("mine", scale=2, degradation="files", roots=[folder])


def test_verify_distinguishes_missing_from_damaged_files(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", hr=(60, 72), stems=tuple("abcde"))
    lines = [f'"{path.relative_to(folder)}" = "{sha256(path)}"' for path in sorted(folder.rglob("*.png"))]
    (folder / "dataset.toml").write_text(
        '[set]\nid = "mine"\ntitle = "Mine"\nscales = [2]\n[files]\n' + "\n".join(lines)
    )
    assert [part.faults for part in audit("mine", [folder])] == [0]
    for stem in "abcd":
        (folder / "LR2" / f"{stem}.png").unlink()
    draw(folder / "LR2" / "e.png", 30, 36).write_bytes((folder / "GT" / "e.png").read_bytes())
    (folder / "GT" / "a.png").rename(folder / "GT" / "z.png")
    (part,) = audit("mine", [folder])
    assert part.missing == ("GT/a.png", *(f"LR2/{stem}.png" for stem in "abcd"))
    assert len(part.damaged) == 1
    assert "LR2/e.png" in part.damaged[0]
    assert part.foreign == ("GT/z.png (not in the recipe)",)


def test_verify_names_images_that_no_track_could_measure(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", hr=(12, 25), stems=("a", "b"))
    result = data("verify", "mine", "--data-root", folder)
    assert result.exit_code == 1
    for stem in "ab":
        assert f"{folder / 'GT' / f'{stem}.png'}: expected at least 11x11 pixels" in result.output
    assert "found an image of 12x25" in result.output


def test_an_unknown_set_reaches_the_command_line_as_the_users_mistake() -> None:
    result = data("verify", "set6")
    assert isinstance(result.exception, UserError)


def test_list_says_what_is_at_hand_and_how_to_get_the_rest(root: Path, tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine", scale=4)
    result = data("list", "--data-root", root, "--data-root", folder)
    assert result.exit_code == 0
    assert result.output.splitlines()[1].split()[:8] == ["toy3", "Toy3", *["x2", "x3", "x4"] * 2]
    assert "LR made from HR by matlab-bicubic" in result.output
    assert any(
        line.split()[:7] == ["mine", "folder", "mine", "x2", "x3", "x4", "x4"] for line in result.output.splitlines()
    )
    assert "unverified: no hashes to compare with" in result.output
    bare = data("list")
    assert bare.output.splitlines()[1].split()[5] == "no"
    assert "data fetch toy3" in bare.output


def test_list_goes_on_past_broken_data(root: Path, tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = pair_folder(tmp_path / "mine")
    (folder / "LR2" / "a.png").unlink()
    result = data("list", "--data-root", root, "--data-root", folder)
    assert result.exit_code == 0
    assert "x2 broken:" in result.output
    assert "toy3" in result.output


def test_list_says_how_a_broken_published_set_is_made_whole(root: Path) -> None:
    next(root.rglob("img_002_SRF_2_LR.png")).unlink()
    result = data("list", "--data-root", root)
    assert "x2 broken:" in result.output
    assert "`rtsr-bench data fetch toy3` downloads what is missing" in result.output


def test_where_prints_every_folder(root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(tmp_path))
    result = data("where", "--data-root", root)
    assert result.exit_code == 0
    for folder in (root, cache, cache / "data", tmp_path):
        assert str(folder) in result.output


def test_where_prints_the_rest_where_one_folder_is_wrong(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSR_BENCH_MIRROR", "/nope")
    result = data("where")
    assert result.exit_code == 2
    assert "mirrors      RTSR_BENCH_MIRROR /nope: expected a folder, found nothing there" in result.output
    assert str(cache) in result.output


def test_fetch_shows_source_and_licence_before_it_fetches(toy: SetRecipe, cache: Path) -> None:
    result = data("fetch", "toy3", "--scale", 2)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "Toy3: 6 files, 0.0 MB"
    assert "drawn for these tests" in lines[1]
    assert "CC0-1.0" in lines[2]
    assert lines[3] == f"Toy3: complete and verified in {cache / 'data' / 'SelfExSR' / 'data' / 'Toy3'}"


def test_fetch_without_a_terminal_prints_plain_progress(
    toy: SetRecipe, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtsr_bench.cli.data.PLAIN_EVERY_S", -1.0)
    result = data("fetch", "toy3")
    assert result.exit_code == 0
    steps = [line for line in result.stderr.splitlines() if line.endswith(" of 12 steps")]
    assert steps == [f"{toy.title}: {done} of 12 steps" for done in range(1, 13)]
    assert re.search(r"^img_001_SRF_2_HR\.png: 0\.0 of 0\.0 MB$", result.stderr, re.MULTILINE)
    assert "\x1b" not in result.stderr


def test_the_data_command_loads_nothing_heavy() -> None:
    code = "import sys, rtsr_bench.cli.data; print([m for m in ('torch', 'numpy', 'PIL', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_set_is_found_whatever_the_case_of_its_name(root: Path) -> None:
    assert data("verify", "Toy3", "--data-root", root).exit_code == 0
