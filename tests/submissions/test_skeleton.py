"""`rtsr-bench new`: what it writes runs as it is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.submissions import create_skeleton, discover, load_request, resolve_checkpoint
from rtsr_bench.submissions.skeleton import skeletons

TEXTS = {".md", ".py", ".toml"}


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_skeleton_is_a_submission(scale: int, tmp_path: Path) -> None:
    written = create_skeleton(tmp_path / "work" / "My Team", scale=scale)
    assert sorted(path.name for path in written) == ["README.md", "arch.py", "submission.toml"]
    assert all("$" not in path.read_text(encoding="utf-8") for path in written)
    (submission,) = discover(tmp_path / "work" / "My Team")
    assert submission.id == "my-team"
    (model,) = submission.models
    assert (model.id, model.scale) == (f"my-team/x{scale}", scale)


@pytest.mark.parametrize("name", ["a\x7fb", 'a"b', "a\\b", "a\nb", "模型"])
@pytest.mark.parametrize("form", ["python", "reference"])
def test_a_folder_of_any_name_has_a_manifest_that_can_be_read(name: str, form: str, tmp_path: Path) -> None:
    create_skeleton(tmp_path / name, form=form)
    assert discover(tmp_path / name)[0].id in {"a-b", "my_team"}


@pytest.mark.parametrize("scale", [2, 3])
def test_its_model_keeps_the_contract_untrained(scale: int, tmp_path: Path) -> None:
    import torch

    create_skeleton(tmp_path / "team", scale=scale)
    (submission,) = discover(tmp_path / "team")
    spec = importlib.util.spec_from_file_location("skeleton_arch", tmp_path / "team" / "arch.py")
    assert spec is not None
    assert spec.loader is not None
    arch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(arch)
    model = arch.srmodel(**submission.models[0].args).eval()
    image = torch.rand(1, 3, 17, 24)
    with torch.inference_mode():
        enlarged = model(image)
    assert torch.equal(enlarged, torch.nn.functional.interpolate(image, scale_factor=scale, mode="nearest"))
    # One step of training must move it: a network that starts at zero everywhere would never learn.
    model(image).square().mean().backward()
    assert model.tail.weight.grad.abs().sum() > 0
    assert arch.srmodel()(image).shape == enlarged.shape, "the layout without a manifest calls it without arguments"


def test_its_checkpoint_line_works_once_the_file_is_there(tmp_path: Path) -> None:
    create_skeleton(tmp_path / "team")
    manifest = tmp_path / "team" / "submission.toml"
    manifest.write_text(manifest.read_text().replace("# checkpoint", "checkpoint"))
    with pytest.raises(UserError, match=r"'checkpoint\.pth', which is not there"):
        discover(tmp_path / "team")
    (tmp_path / "team" / "checkpoint.pth").write_bytes(b"weights")
    assert discover(tmp_path / "team")[0].models[0].checkpoint is not None


def test_every_optional_line_of_its_manifest_is_valid(tmp_path: Path) -> None:
    create_skeleton(tmp_path / "team")
    manifest = tmp_path / "team" / "submission.toml"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join(line.removeprefix("# ") if " = " in line else line for line in lines))
    (tmp_path / "team" / "checkpoint.pth").write_bytes(b"weights")
    (submission,) = discover(tmp_path / "team")
    assert submission.authors == "A. One, B. Two"
    assert submission.models[0].id == "team/s-x2"


def test_a_folder_whose_name_gives_no_id(tmp_path: Path) -> None:
    create_skeleton(tmp_path / "模型")
    assert discover(tmp_path / "模型")[0].id == "my_team"


@pytest.mark.parametrize(("form", "scale"), [(form, 2 + number % 3) for number, form in enumerate(skeletons())])
def test_a_skeleton_of_every_form_loads_and_enlarges(
    form: str, scale: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from rtsr_bench.execution import EAGER_FP32
    from rtsr_bench.measuring.loading import load

    if form == "onnx":
        pytest.importorskip("onnx", reason="needs the extra onnx")
        pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "arch", raising=False)
    written = create_skeleton(tmp_path / "team", scale=scale, form=form)
    assert all(
        "$" not in path.read_text(encoding="utf-8") for path in written if path.suffix in {".md", ".py", ".toml"}
    )
    (submission,) = discover(tmp_path / "team")
    (model,) = submission.models
    assert (model.format, model.scale) == (form, scale)
    request = load_request(model, submission, resolve_checkpoint(model, submission))
    network = load(request, torch.device("cpu")).model(EAGER_FP32)
    for height, width in ((17, 24), (8, 9)):
        with torch.inference_mode():
            assert network(torch.rand(1, 3, height, width)).shape == (1, 3, height * scale, width * scale)
    monkeypatch.delitem(sys.modules, "arch", raising=False)


def test_a_form_that_is_none(tmp_path: Path) -> None:
    assert "--format: expected onnx, python, reference, torch-export, torchscript, found" in refusal(
        tmp_path / "x", form="coreml"
    )
    assert not (tmp_path / "x").exists()


def test_a_package_that_a_form_needs_and_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'onnx'\" >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    line = refusal(tmp_path / "team", form="onnx")
    assert "No module named 'onnx'" in line
    assert "pip install 'rtsr-bench[onnx]'" in line


def test_the_reference_form_says_what_it_needs_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtsr_bench.formats.reference._folder", lambda: tmp_path / "site-packages")
    line = refusal(tmp_path / "team", form="reference")
    assert "expected the folder reference_models beside the package" in line
    assert "a checkout of the project, installed with `pip install -e .`" in line
    assert not (tmp_path / "team").exists()


def refusal(folder: Path, scale: int = 2, form: str = "python") -> str:
    with pytest.raises(UserError) as caught:
        create_skeleton(folder, scale=scale, form=form)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "arch.py").write_text("mine")
    assert "found files in it" in refusal(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["arch.py"]
    assert (tmp_path / "arch.py").read_text() == "mine"


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "found a file" in refusal(tmp_path / "file")
    assert "expected a folder that can be written" in refusal(tmp_path / "file" / "below")


def test_a_scale_that_is_none(tmp_path: Path) -> None:
    assert "expected 2, 3 or 4, found 5" in refusal(tmp_path / "x", scale=5)
    assert not (tmp_path / "x").exists()
