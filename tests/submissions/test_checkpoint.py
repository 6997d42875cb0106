"""Where a model's weights come from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.files.fetch import Recipe
from rtsr_bench.submissions import Submission, checkpoint_sha256, discover, resolve_checkpoint, weights_available
from rtsr_bench.submissions.checkpoint import FETCH_S

WEIGHTS = b"weights of a model"
SHA = hashlib.sha256(WEIGHTS).hexdigest()
ABOUT = '[submission]\nteam = "Team X"\ntitle = "XNet"\n[[model]]\nscale = 2\n'
RECIPE = f'checkpoint = {{ url = "https://example.org/models/x2.pth", sha256 = "{SHA}" }}'


def submission_with(hand_in, line: str, *, files: dict[str, bytes] | None = None) -> Submission:
    folder = hand_in()
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "submission.toml").write_text(ABOUT + line)
    (submission,) = discover(folder)
    return submission


def test_no_weights(hand_in) -> None:
    submission = submission_with(hand_in, "")
    assert resolve_checkpoint(submission.models[0], submission) is None
    assert checkpoint_sha256(submission.models[0], submission) == ""


def test_weights_in_the_folder(hand_in, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = submission_with(hand_in, 'checkpoint = "zoo/x2.pth"', files={"zoo/x2.pth": WEIGHTS})
    path = resolve_checkpoint(submission.models[0], submission)
    assert path == submission.folder / "zoo" / "x2.pth"
    assert checkpoint_sha256(submission.models[0], submission) == SHA
    assert submission.models[0].facts(SHA).checkpoint == "zoo/x2.pth"
    monkeypatch.chdir(submission.folder)
    (here,) = discover(Path())
    assert resolve_checkpoint(here.models[0], here) == path, "a path that the child can open from anywhere"


def test_weights_by_recipe_from_a_mirror_folder(hand_in, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "x2.pth").write_bytes(WEIGHTS)
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(mirror))
    submission = submission_with(hand_in, RECIPE)
    assert checkpoint_sha256(submission.models[0], submission) == SHA
    path = resolve_checkpoint(submission.models[0], submission)
    assert path is not None
    assert path.is_absolute()
    assert path.read_bytes() == WEIGHTS


def test_unavailable_weights(hand_in, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(recipe: Recipe, *, within_s: float) -> Path:
        asked.append((recipe.url, recipe.sha256, recipe.name, within_s))
        raise UserError("x2.pth: not to be had")

    monkeypatch.setattr("rtsr_bench.files.fetch.obtain", refuse)
    submission = submission_with(hand_in, RECIPE)
    with pytest.raises(UserError, match="not to be had"):
        resolve_checkpoint(submission.models[0], submission)
    assert asked == [("https://example.org/models/x2.pth", SHA, "x2.pth", FETCH_S)]


def test_other_weights_by_recipe_are_another_submission(hand_in) -> None:
    submission = submission_with(hand_in, RECIPE)
    (submission.folder / "submission.toml").write_text(ABOUT + RECIPE.replace(SHA, "0" * 64))
    assert discover(submission.folder)[0].digest != submission.digest


def test_availability_of_weights_is_known_without_fetching(
    hand_in, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model,) = submission_with(hand_in, RECIPE).models
    assert not weights_available(model)
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(tmp_path / "no such folder"))
    assert not weights_available(model)
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "x2.pth").write_bytes(WEIGHTS)
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(tmp_path / "mirror"))
    assert weights_available(model)
    monkeypatch.delenv("RTSR_BENCH_MIRROR")
    (cache / "files" / SHA).mkdir(parents=True)
    (cache / "files" / SHA / "x2.pth").write_bytes(WEIGHTS)
    assert weights_available(model)


def test_weights_in_the_folder_or_none_are_available(hand_in, tmp_path: Path) -> None:
    for number, line in enumerate(("", 'checkpoint = "arch.py"')):
        folder = hand_in(f"team{number}", ABOUT + line)
        assert weights_available(discover(folder)[0].models[0])
