"""Weights of our own: each is what its card says, of a recipe that ships, and ahead of bicubic on unseen pictures."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from shipped import ROOT, load_arch

from rtsr_bench.datasets.recipes import published
from rtsr_bench.images.degrade import degrade
from rtsr_bench.images.resize import torch_bicubic
from rtsr_bench.training.recipe import read_recipe

FOLDER = ROOT / "reference_models" / "rt4ksr"
WEIGHTS = sorted((FOLDER / "weights").glob("*.safetensors"))


def _card(weights: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(weights.with_suffix(".json").read_text())
    return content


def test_the_weights_that_have_to_be_there_are_there_and_in_the_manifest() -> None:
    names = {path.name for path in WEIGHTS}
    assert names >= {"s-x2.safetensors", "s-x3.safetensors", "xxs-x2.safetensors"}
    models = tomllib.loads((FOLDER / "submission.toml").read_text())["model"]
    assert {f"weights/{name}" for name in names} == {
        model["checkpoint"] for model in models if isinstance(model.get("checkpoint"), str)
    }


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda path: path.stem)
def test_weights_are_those_of_their_card_and_the_card_is_of_a_recipe_that_ships(weights: Path) -> None:
    card = _card(weights)
    assert card["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    recipe = read_recipe(FOLDER / "recipes" / f"{weights.stem}.toml")
    assert card["recipe_text"] == recipe.text
    assert card["recipe_digest"] == recipe.digest
    assert card["iterations"] == recipe.iterations
    assert card["curve"][-1]["step"] == recipe.iterations
    assert sum(value.numel() for value in load_file(weights).values()) == card["params"]


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda path: path.stem)
def test_nothing_that_is_tested_with_was_trained_on(weights: Path) -> None:
    preparation = published()["open4k"].preparation
    assert preparation is not None
    tested = {original.sha256 for original in preparation.originals}
    tested |= {pin.sha256 for recipe in published().values() for pin in recipe.pins.values()}
    trained = {picture["sha256"] for picture in _card(weights)["data"]}
    assert trained
    assert not trained & tested


@pytest.mark.parametrize("degradation", ["pillow-bicubic", "pillow-bicubic+jpeg90"])
@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda path: path.stem)
def test_they_are_ahead_of_bicubic_on_pictures_that_they_never_saw(weights: Path, degradation: str) -> None:
    from rtsr_bench.datasets.builtin import builtin_images
    from rtsr_bench.datasets.dataset import RenderedImage

    recipe = read_recipe(FOLDER / "recipes" / f"{weights.stem}.toml")
    model = load_arch(FOLDER).deployed(recipe.scale, recipe.args["size"], recipe.args["fusion"])
    model.load_state_dict(load_file(weights), strict=True)
    gains = []
    for image in builtin_images()[:1]:
        hr = RenderedImage(image=image).read()[:384, :384]
        lr = degrade(hr, recipe.scale, degradation)
        with torch.inference_mode():
            sr = model.eval()(torch.from_numpy(lr).permute(2, 0, 1)[None].float() / 255)[0]
        ours = sr.clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy()
        gains.append(_mse_db(torch_bicubic(lr, recipe.scale), hr) - _mse_db(ours, hr))
    assert np.mean(gains) > 0


def _mse_db(sr: np.ndarray, hr: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((sr.astype(np.float64) - hr) ** 2)))
