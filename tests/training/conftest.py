"""A tiny network, a few drawn pictures and a recipe that is done in a second."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from rtsr_bench.images.io import write_png
from rtsr_bench.training.recipe import Recipe, read_recipe

ARCH = """
import torch
from torch import nn


class Tiny(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.conv = nn.Conv2d(3, 3 * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x):
        return self.shuffle(self.conv(x))


def tiny(scale=2):
    return Tiny(scale)


def number():
    return 3


def broken():
    raise RuntimeError("no such layer")


def sized(size):
    return tiny({"S": 2}[size])


def silent():
    raise ValueError


def unlike():
    return nn.Conv2d(4, 12, 3)
"""

RECIPE = """
[recipe]
version = 1
name = "tiny"
entry = "tiny"
args = { scale = 2 }
scale = 2

[data]
hr_crop = 24
candidates = 2
degradations = { "pillow-bicubic" = 1, "pillow-bicubic+jpeg90" = 3 }
validation_pictures = 1
validation_crops = 4

[optimiser]
iterations = 12
batch = 4
learning_rate = 1e-3
halve_every = 4
high_frequency_weight = 0.1
ema = 0.9
seed = 5
"""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tensors this small are slower on more, and far slower where others use the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recipe_file(tmp_path: Path) -> Callable[..., Path]:
    """Write the recipe, with lines replaced, beside the network's code; returns its path."""

    def written(**replaced: str) -> Path:
        (tmp_path / "arch.py").write_text(ARCH)
        lines = []
        for line in RECIPE.splitlines():
            key = line.split(" =")[0]
            lines.append(f"{key} = {replaced[key]}" if key in replaced else line)
        path = tmp_path / "tiny.toml"
        path.write_text("\n".join(lines))
        return path

    return written


@pytest.fixture
def recipe(recipe_file: Callable[..., Path]) -> Recipe:
    return read_recipe(recipe_file())


@pytest.fixture
def pictures_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four pictures of 90 x 110 pixels with edges in them; the cache of decoded ones lies beside."""
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw = np.random.default_rng(1)
    for number in range(4):
        coarse = draw.integers(0, 256, size=(9, 11, 3), dtype=np.uint8)
        write_png(folder / f"picture{number}.png", np.ascontiguousarray(coarse.repeat(10, axis=0).repeat(10, axis=1)))
    return folder


@pytest.fixture
def rt4ksr_arch() -> ModuleType:
    """The reference model's code, loaded from its file."""
    path = Path(__file__).parents[2] / "reference_models/rt4ksr/arch.py"
    spec = importlib.util.spec_from_file_location("arch", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
