"""A file that is a submission by itself: weights that name their architecture, or a graph."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.submissions import checkpoint_sha256, discover, load_request, resolve_checkpoint, survey


@pytest.mark.parametrize(
    ("name", "form"), [("4x Real-ESRGAN.PTH", "spandrel"), ("a.safetensors", "spandrel"), ("b.onnx", "onnx")]
)
def test_a_file_is_a_model_whose_scale_is_found_later(name: str, form: str, tmp_path: Path, cache: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"weights")
    (tmp_path / "secret.txt").write_text("not to be seen by a model")
    (submission,) = discover(file)
    (model,) = submission.models
    assert (submission.title, submission.source, model.format, model.scale) == (name, file, form, None)
    assert submission.folder.is_relative_to(cache)
    assert [path.name for path in submission.folder.iterdir()] == [name]
    assert resolve_checkpoint(model, submission) == submission.folder / name
    request = load_request(model, submission, submission.folder / name)
    assert (request.format, request.checkpoint) == (form, submission.folder / name)
    assert len(checkpoint_sha256(model, submission)) == 64
    file.write_bytes(b"other weights")
    assert discover(file)[0].digest != submission.digest
    assert submission.id == {"4x Real-ESRGAN.PTH": "4x-real-esrgan", "a.safetensors": "a", "b.onnx": "b"}[name]


def test_the_weights_beside_a_graph_come_along(tmp_path: Path) -> None:
    for name in ("net.onnx", "net.onnx.data", "other.onnx.data"):
        (tmp_path / name).write_bytes(b"x")
    (submission,) = discover(tmp_path / "net.onnx")
    assert sorted(path.name for path in submission.folder.iterdir()) == ["net.onnx", "net.onnx.data"]


def test_a_damaged_copy_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"weights")
    (submission,) = discover(tmp_path / "a.pth")
    (submission.folder / "a.pth").write_bytes(b"weighty")
    assert discover(tmp_path / "a.pth")[0].digest == submission.digest


def test_a_file_in_a_folder_of_submissions_is_one_as_when_it_is_named(hand_in, tmp_path: Path) -> None:
    hand_in()
    (tmp_path / "a.pth").write_bytes(b"weights")
    assert [one.id for one in survey(tmp_path).submissions] == ["a", "team_x"]
    assert [one.id for one in survey(*sorted(tmp_path.iterdir())).submissions] == ["a", "team_x"]


def test_a_name_that_gives_no_id_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "....pth").write_bytes(b"weights")
    with pytest.raises(UserError, match="expected a name that gives an id"):
        discover(tmp_path / "....pth")
