"""Every model that ships with the project keeps the contract that every team's model has to keep."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from shipped import CASES, FOLDERS, ROOT, Case, manifest

PARAMS = {
    "bicubic/x2": 0,
    "bicubic/x3": 0,
    "bicubic/x4": 0,
    "rt4ksr/s-x2": 44_521,
    "rt4ksr/s-x3": 57_541,
    "imdn/x2": 694_404,
    "imdn/x3": 703_059,
    "imdn/x4": 715_176,
    "example_team/x2": 9_148,
    "example_team/x3": 11_323,
}
SIZES = [(24, 32), (25, 37), (7, 5)]


def folder_id(folder: Path) -> str:
    return getattr(folder, "name", str(folder))


@pytest.fixture
def model(case: Case) -> torch.nn.Module:
    return case.build()


def picture(height: int, width: int) -> torch.Tensor:
    """A smooth image in [0, 1]: noise says little about how a model treats pictures in half precision."""
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_folder_is_complete_and_stands_alone(folder: Path) -> None:
    assert (folder / "README.md").is_file()
    for source in folder.glob("*.py"):
        if source.name != "train.py":  # a training script may use the project it was written with
            assert "rtsr_bench" not in source.read_text(encoding="utf-8"), source.name


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_manifest_names_who_and_under_which_licence(folder: Path) -> None:
    about = manifest(folder)["submission"]
    assert about["id"] == folder.name
    assert about["team"]
    assert about["license"]
    if folder.parent.name == "reference_models":
        assert about["paper"].startswith("https://")


def test_discovery_finds_what_the_manifests_say() -> None:
    from rtsr_bench.submissions import discover

    found = (*discover(ROOT / "reference_models"), *discover(ROOT / "submissions" / "example_team"))
    assert {model.id for submission in found for model in submission.models} == {case.id for case in CASES}


def test_every_model_declares_its_parameters_here() -> None:
    assert {case.id for case in CASES} == set(PARAMS)


def test_parameters_are_as_declared(case: Case, model: torch.nn.Module) -> None:
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMS[case.id]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_output_is_scale_times_the_input_at_even_and_odd_sizes(
    case: Case, model: torch.nn.Module, height: int, width: int
) -> None:
    for batch in (1, 2):
        output = model(torch.rand(batch, 3, height, width))
        assert output.shape == (batch, 3, height * case.scale, width * case.scale)
        assert output.dtype == torch.float32
        assert output.isfinite().all()


def test_same_input_same_output_and_input_untouched(case: Case, model: torch.nn.Module) -> None:
    image = picture(25, 37)
    given = image.clone()
    first, second = model(image), case.build()(image)
    assert torch.equal(first, second)
    assert torch.equal(first, model(image))
    assert torch.equal(image, given)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_finite_and_near(case: Case, model: torch.nn.Module, dtype: torch.dtype) -> None:
    image = picture(25, 37)
    expected = model(image)
    output = case.build().to(dtype)(image.to(dtype))
    assert output.dtype == dtype
    loss = torch.mean((output.float() - expected) ** 2)
    assert output.isfinite().all()
    assert loss < 10 ** (-4 if dtype is torch.float16 else -3.3)  # 40 and 33 dB: bf16 has three bits less


def test_model_can_be_exported(model: torch.nn.Module) -> None:
    image = picture(24, 32)
    exported = torch.export.export(model, (image,)).module()
    torch.testing.assert_close(exported(image), model(image), rtol=0, atol=1e-6)


def test_model_can_be_scripted(model: torch.nn.Module) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch calls TorchScript itself deprecated
        scripted = torch.jit.script(model)
    for image in (picture(24, 32), picture(25, 37)):
        torch.testing.assert_close(scripted(image), model(image), rtol=0, atol=1e-6)
