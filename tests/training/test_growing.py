"""Growing: a deeper network computes the same as the one it comes from, and what can't be grown is said."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file

from rtsr_bench.errors import UserError
from rtsr_bench.training.loop import Plan, train
from rtsr_bench.training.network import build
from rtsr_bench.training.pictures import find_pictures, split
from rtsr_bench.training.recipe import read_recipe

FOLDER = Path(__file__).parents[2] / "reference_models/rt4ksr"

SHADES = (torch.linspace(0.1, 0.9, 40)[:, None] * torch.linspace(0.2, 1, 40)).double().expand(1, 3, 40, 40)


@pytest.fixture
def grow(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(FOLDER))
    sys.modules.pop("arch", None)
    spec = importlib.util.spec_from_file_location("grow", FOLDER / "grow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("arch", None)


def member(grow: ModuleType, size: str, *, scale: int = 2, seed: int = 0) -> torch.nn.Module:
    """One of the family with weights at random, and norms and `gamma` that do something."""
    torch.manual_seed(seed)
    model = grow.deployed(scale, size, "inject")
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "norm" in name or name == "gamma":
                value.add_(0.3 * torch.randn_like(value))
            elif name.startswith(("head", "body")):
                value.mul_(2)  # features as large as trained ones, beside which the norms' epsilon is nothing
    return model


@pytest.mark.parametrize(
    ("small", "large"),
    [("XXS", "S"), ("S", "L"), ("S", "XXL"), ("XXS", "XXL"), ("XS", "M"), ("XL", "XXXL"), ("S", "S")],
)
def test_a_deeper_network_computes_the_same(grow: ModuleType, small: str, large: str) -> None:
    known, grown = member(grow, small).double(), member(grow, large, seed=1).double()
    images = torch.rand(2, 3, 24, 32, dtype=torch.float64)
    grow.grow(grown, known.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(grown(images), known(images), rtol=0, atol=1e-5)


def test_so_it_does_with_weights_that_were_trained(grow: ModuleType) -> None:
    weights = load_file(FOLDER / "weights/xxs-x2.safetensors")
    known, grown = member(grow, "XXS").double(), member(grow, "L").double()
    known.load_state_dict(weights)
    grow.grow(grown, known.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(grown(SHADES), known(SHADES), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [3, 4])
def test_another_scale_begins_with_the_same_picture(grow: ModuleType, scale: int) -> None:
    weights = load_file(FOLDER / "weights/xxs-x2.safetensors")
    grown = member(grow, "S", scale=scale).double()
    grow.grow(grown, weights)
    expected = torch.nn.functional.interpolate(SHADES, scale_factor=scale, mode="bilinear", align_corners=False)
    with torch.inference_mode():
        difference = (grown(SHADES) - expected).abs()
    assert difference[:, :, 20:-20, 20:-20].max() < 0.03


def test_sub_pixels_in_between_are_interpolated(grow: ModuleType) -> None:
    plane = torch.arange(4.0)[:, None] + 10 * torch.arange(4.0)  # of a linear function every resampling is exact
    grown = grow._resampled(plane.expand(3, 4, 4).reshape(48), 6).reshape(3, 6, 6)
    places = (torch.arange(6.0) + 0.5) * 4 / 6 - 0.5
    torch.testing.assert_close(grown, (places[:, None] + 10 * places).expand(3, 6, 6))


@pytest.mark.parametrize(("small", "large"), [("S", "M"), ("L", "S"), ("M", "S")])
def test_networks_that_cannot_grow_are_reported(grow: ModuleType, small: str, large: str) -> None:
    with pytest.raises(ValueError, match="the width stays, and blocks only become more"):
        grow.grow(member(grow, large), member(grow, small).state_dict())


def test_only_a_deployed_form_grows(grow: ModuleType) -> None:
    with pytest.raises(ValueError, match="a deployed form"):
        grow.grow(sys.modules["arch"].training(2, "S"), member(grow, "S").state_dict())


def test_a_recipe_begins_with_the_weights_that_it_names_and_the_card_names_them(
    recipe_file: Callable[..., Path], pictures_folder: Path, tmp_path: Path
) -> None:
    pictures = split(find_pictures(pictures_folder)[0], 1)
    plain = read_recipe(recipe_file())
    weights = {name: value + 1 for name, value in build(plain).state_dict().items()}
    save_file(weights, tmp_path / "known.safetensors")
    recipe = read_recipe(recipe_file(entry='"tiny"\ngrow_from = "known.safetensors"', iterations="1"))
    begun = build(recipe).state_dict()
    assert all(torch.equal(begun[name], value) for name, value in weights.items())
    done = train(recipe, *pictures, Plan(out=tmp_path / "out"))
    assert done is not None
    card = json.loads(done.weights.with_suffix(".json").read_text())
    assert card["grown_from"]["file"] == "known.safetensors"
    save_file({name: value + 1 for name, value in weights.items()}, tmp_path / "known.safetensors")
    with pytest.raises(UserError, match="expected a training of weights grown from, sha256 "):
        train(recipe, *pictures, Plan(out=tmp_path / "out"))


def test_weights_that_are_not_there_or_not_the_networks_are_said(
    recipe_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = recipe_file(entry='"tiny"\ngrow_from = "known.safetensors"')
    with pytest.raises(UserError, match="grow_from: expected trained weights, found nothing at "):
        read_recipe(path)
    for content in (b"no weights", None):
        if content is None:
            save_file({"other": torch.zeros(1)}, tmp_path / "known.safetensors")
        else:
            (tmp_path / "known.safetensors").write_bytes(content)
        with pytest.raises(UserError, match="expected weights that this network can start from, found ") as caught:
            build(read_recipe(path))
        assert "\n" not in str(caught.value)
