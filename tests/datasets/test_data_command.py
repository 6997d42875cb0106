"""`rtsr-bench data`: what a person sees and what a script gets back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from small_images import PairFolder, draw

from rtsr_bench.datasets.audit import audit
from rtsr_bench.datasets.collect import collect
from rtsr_bench.datasets.recipes import SetRecipe
from rtsr_bench.errors import UserError


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
    assert "x2: 6 as they should be" in result.output
    assert "x4: 6 as they should be" in result.output


def test_verify_names_every_missing_damaged_and_foreign_file(root: Path) -> None:
    folder = root / "SelfExSR" / "data" / "Toy3" / "image_SRF_4"
    (folder / "img_001_SRF_4_LR.png").unlink()
    (folder / "img_003_SRF_4_LR.png").unlink()
    Image.new("RGB", (24, 12)).save(folder / "img_002_SRF_4_HR.png")
    draw(folder / "img_004_SRF_4_HR.png", 12, 24)
    draw(folder / "img_001_SRF_4_SRCNN.png", 12, 24)
    result = data("verify", "toy3", "--data-root", root)
    assert result.exit_code == 1
    assert "x2: 6 as they should be" in result.output
    assert "x4: 4 not as they should be" in result.output
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


def test_a_scale_that_is_not_there_is_said_and_is_no_damage(toy: SetRecipe, tmp_path: Path) -> None:
    collect(toy, scales=[2], root=tmp_path / "root")
    result = data("verify", "toy3", "--data-root", tmp_path / "root")
    assert result.exit_code == 0
    assert "x4: not at hand: no folder image_SRF_4" in result.output


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
    assert "found none for a.png" in data("verify", "mine", "--data-root", folder).output


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


def test_where_prints_every_folder(root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(tmp_path))
    result = data("where", "--data-root", root)
    assert result.exit_code == 0
    for folder in (root, cache, cache / "data", tmp_path):
        assert str(folder) in result.output


def test_fetch_shows_source_and_licence_before_it_fetches(toy: SetRecipe, cache: Path) -> None:
    result = data("fetch", "toy3", "--scale", 2)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "Toy3: 6 files, 0.0 MB"
    assert "drawn for these tests" in lines[1]
    assert "CC0-1.0" in lines[2]
    assert lines[3] == f"Toy3: whole and verified in {cache / 'data' / 'SelfExSR' / 'data' / 'Toy3'}"


def test_the_data_command_loads_nothing_heavy() -> None:
    code = "import sys, rtsr_bench.cli.data; print([m for m in ('torch', 'numpy', 'PIL', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
