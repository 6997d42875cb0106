"""A manifest under nearly the right name, or in the wrong place, is refused by name and never passed over."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.submissions import discover, survey

MANIFEST = '[submission]\nteam = "T"\ntitle = "N"\n\n[[model]]\nscale = 2\ncheckpoint = "net.pth"\n'
NEAR = [
    "Submission.toml",
    "SUBMISSION.TOML",
    "submission.TOML",
    "submission.toml.txt",
    "submission.toml.toml",
    "submission.txt.toml",
    "submission.yaml",
    "submission.yml",
    "submission.json",
    "submission.tml",
    "submissions.toml",
    "submision.toml",
    "sumbission.toml",
    "submission (1).toml",
    "submission - Copy.toml",
    "submission_2.toml",
    "submission.toml.bak",
    ".submission.toml",
    "submission toml",
    "submission.toml ",
]
BY_CONTENT = ["manifest.toml", "team.toml", "submission", "submission.txt", "model.txt"]
OTHERS = [
    "submission.py",
    "submission.pth",
    "submission.md",
    "submission.pdf",
    "submission.txt",
    "pyproject.toml",
    "config.toml",
    "config.yaml",
    "readme.txt",
    "commission.toml",
]


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        discover(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NEAR)
@pytest.mark.parametrize("with_code", [True, False])
def test_a_near_miss_is_refused_by_name(hand_in: Callable[..., Path], name: str, with_code: bool) -> None:
    folder = hand_in(manifest=None)
    (folder / name).write_text("anything")
    if not with_code:
        (folder / "arch.py").rename(folder / "net.py")
    said = refusal(folder)
    assert said.startswith(f"{folder}: expected the manifest to be called submission.toml, exactly so, found {name}; ")


@pytest.mark.parametrize("name", BY_CONTENT)
@pytest.mark.parametrize("text", [MANIFEST, " [[ model ]] # one\r\nscale = 2\r\n"])
def test_what_reads_like_a_manifest_is_refused_by_name(hand_in: Callable[..., Path], name: str, text: str) -> None:
    folder = hand_in(manifest=None)
    (folder / name).write_text(text)
    assert f"exactly so, found {name}; rename it" in refusal(folder)


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_lies_beside_is_none(hand_in: Callable[..., Path], name: str) -> None:
    folder = hand_in(manifest=None)
    (folder / name).write_text("[tool]\nsubmission = 'x'\n[models]\n")
    (submission,) = discover(folder)
    assert submission.models[0].scale is None


def test_beside_a_manifest_a_copy_of_it_is_no_matter(hand_in: Callable[..., Path]) -> None:
    folder = hand_in()
    (folder / "submission.toml.bak").write_text(MANIFEST)
    assert discover(folder)[0].team == "Team X"


@pytest.mark.parametrize("place", ["config", "team_x", "a/b"])
def test_a_manifest_in_a_subfolder_is_refused_with_its_place(hand_in: Callable[..., Path], place: str) -> None:
    folder = hand_in(manifest=None)
    (folder / place).mkdir(parents=True)
    (folder / place / "submission.toml").write_text(MANIFEST)
    assert f"expected the manifest at the top of the folder, found {place}/submission.toml; move it up" in refusal(
        folder
    )


@pytest.mark.parametrize("around", ["", "team/"])
def test_an_archive_with_a_near_miss_is_refused_by_name(tmp_path: Path, around: str) -> None:
    with zipfile.ZipFile(tmp_path / "team.zip", "w") as out:
        out.writestr(f"{around}net.py", "raise SystemExit\n")
        out.writestr(f"{around}Submission.toml", MANIFEST)
    assert "exactly so, found Submission.toml; rename it" in refusal(tmp_path / "team.zip")


def test_in_a_folder_of_submissions_it_is_refused_and_the_others_are_read(
    hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    hand_in("good", parent=tmp_path / "all")
    bad = hand_in("bad", manifest=None, parent=tmp_path / "all")
    (bad / "arch.py").rename(bad / "net.py")
    (bad / "Submission.toml").write_text(MANIFEST)
    (tmp_path / "all" / "submission.toml.example").write_text(MANIFEST)
    found = survey(tmp_path / "all")
    assert [one.id for one in found.submissions] == ["good"]
    (note,) = found.refused
    assert "found Submission.toml" in note.message


def test_a_manifest_that_is_a_broken_link_is_no_missing_one(hand_in: Callable[..., Path]) -> None:
    folder = hand_in(manifest=None)
    (folder / "submission.toml").symlink_to("gone.toml")
    assert "submission.toml: expected a regular file in the folder, found one which is no regular file" in refusal(
        folder
    )


@pytest.mark.parametrize("case", ["Submission_toml", "submission_toml_txt"])
def test_the_two_that_were_handed_in_are_refused(shared: Path, case: str) -> None:
    folder = shared / "cases" / "12_manifest_ignored" / case
    if not folder.is_dir():
        pytest.skip("needs the collection of cases beside the project")
    name = {"Submission_toml": "Submission.toml"}.get(case, "submission.toml.txt")
    assert f"exactly so, found {name}; rename it" in refusal(folder)
