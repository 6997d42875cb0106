"""Which two models are compared, on which track."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtsr_bench.compare.pair import candidates, choose, split_model
from rtsr_bench.compare.sessions import SideFailedError
from rtsr_bench.errors import UserError
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.submissions import ModelSpec, Submission
from rtsr_bench.tracks import find_track

MODEL = '[[model]]\nscale = {scale}\nvariant = "{variant}"\n\n'


def submission(folder: Path, *models: tuple[str, int], name: str = "team") -> Path:
    place = folder / name
    place.mkdir()
    (place / "arch.py").write_text("def srmodel():\n    raise NotImplementedError\n")
    body = "".join(MODEL.format(scale=scale, variant=variant) for variant, scale in models)
    (place / "submission.toml").write_text(f'[submission]\nteam = "T"\ntitle = "N"\n\n{body}')
    return place


def declared(submission: Submission, model: ModelSpec) -> int | Failure:
    raise AssertionError(f"the scale of {model.id} is declared")


def ids(text: str, *patterns: str) -> list[str]:
    return [model.id for _, model in candidates(text, patterns, lambda line: None)]


def test_a_model_behind_the_mark_is_split_off(tmp_path: Path) -> None:
    (tmp_path / "with#mark").mkdir()
    assert split_model("teams/x#s-x2") == (Path("teams/x"), "s-x2")
    assert split_model("teams/x") == (Path("teams/x"), "")
    assert split_model(str(tmp_path / "with#mark")) == (tmp_path / "with#mark", "")
    assert split_model("gh:o/n@abc#folder/in/it") == (Path("gh:o/n@abc#folder/in/it"), "")
    assert split_model("gh:o/n@abc#folder#s-x2") == (Path("gh:o/n@abc#folder"), "s-x2")


def test_a_model_is_named_with_or_without_its_submission_or_by_a_pattern(tmp_path: Path) -> None:
    place = submission(tmp_path, ("s", 2), ("l", 2), ("s", 3))
    assert ids(f"{place}#s-x2") == ids(f"{place}#team/s-x2") == ["team/s-x2"]
    assert ids(str(place), "*/s-*") == ["team/s-x2", "team/s-x3"]
    assert len(ids(str(place))) == 3
    with pytest.raises(
        UserError, match=r"team#m-x2: expected the id of a model submitted, such as team/s-x2, .*found none"
    ):
        ids(f"{place}#m-x2")


def test_the_scale_that_both_have_chooses_the_model(tmp_path: Path) -> None:
    one, several = submission(tmp_path, ("s", 3)), submission(tmp_path, ("a", 2), ("a", 3), name="other")
    sides = [candidates(str(path), (), lambda line: None) for path in (one, several)]
    assert [model.id for _, model in choose(sides, None, declared)] == ["team/s-x3", "other/a-x3"]


def test_several_models_or_other_scales_are_one_line(tmp_path: Path) -> None:
    two = candidates(str(submission(tmp_path, ("s", 2), ("l", 2))), (), lambda line: None)
    three = candidates(str(submission(tmp_path, ("s", 3), name="three")), (), lambda line: None)
    with pytest.raises(
        UserError, match=r"A: expected one model, found 2: team/s-x2, team/l-x2; name .* PATH#team/s-x2"
    ):
        choose([two, two], None, declared)
    with pytest.raises(UserError, match="two models of one scale, found none: A has x2, B has x3"):
        choose([two[:1], three], None, declared)
    with pytest.raises(UserError, match="scale 4, that of classic-x4, found none"):
        choose([two[:1], two[:1]], find_track("classic-x4"), declared)


def test_a_scale_that_is_not_declared_is_found_by_running_the_model(tmp_path: Path) -> None:
    one = submission(tmp_path, ("s", 2))
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "arch.py").write_text("def srmodel():\n    raise NotImplementedError\n")
    sides = [candidates(str(path), (), lambda line: None) for path in (one, tmp_path / "bare")]
    assert [model.scale for _, model in choose(sides, None, lambda submission, model: 2)] == [2, 2]
    boom = Failure(stage=Stage.LOAD, kind=FailureKind.EXCEPTION, message="boom")
    with pytest.raises(SideFailedError) as caught:
        choose(sides, None, lambda submission, model: boom)
    assert (caught.value.side, caught.value.failure) == (1, boom)
