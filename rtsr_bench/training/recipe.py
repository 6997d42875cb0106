"""Recipes: model, data and schedule of a training, as a TOML file whose digest is in the weights' card."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import Table, shown
from rtsr_bench.files.toml import parse_toml, read_toml
from rtsr_bench.images.degrade import parse_degradation
from rtsr_bench.protocol import SCALES

VERSION = 1
"""Version of the recipe format; increased when the same file would train something else."""

METHODS = ("adam", "soap", "fused-adam")
"""Optimisers: torch's Adam, `rtsr_bench.training.soap`, and torch's fused Adam."""
DECAYS = ("none", "linear", "cosine")
"""Decays of the learning rate, in addition to its halving."""
DEGRADED = ("crops", "pictures")
"""Unit of degradation: each crop when it is drawn, or each whole picture once, cached."""

_OF_THE_END = ("iterations", "decay", "decay_share", "bf16_share")
"""Keys that matter from `Recipe.free_steps` on."""
_FORM = "docs/training.md"
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A complete training; `docs/training.md` explains each key.

    Lengths are in HR pixels; `learning_rate` is that of `method`, reached linearly over `warm_up` iterations, halved
    every `halve_every`, and with `decay` reduced to zero over the last `decay_share` of the iterations; `degradations`
    maps a name (see `rtsr_bench.images.degrade`) to its relative frequency.
    """

    file: Path
    text: str
    name: str
    arch: Path
    entry: str
    args: dict[str, Any]
    scale: int
    grow_from: Path | None
    hr_crop: int
    shrink: tuple[int, ...]
    candidates: int
    degradations: dict[str, float]
    degraded: str
    validation_pictures: int
    validation_crops: int
    iterations: int
    batch: int
    method: str
    learning_rate: float
    warm_up: int
    halve_every: int
    decay: str
    decay_share: float
    clip: float
    compile: bool
    bf16_share: float
    high_frequency_weight: float
    ema: float
    seed: int

    @property
    def digest(self) -> str:
        """The first 16 hex digits of the SHA-256 of the file's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def course(self) -> str:
        """16 hex digits over everything except the keys of the end; equal for recipes whose first steps are equal."""
        content = parse_toml(self.text.encode(), str(self.file))
        content["optimiser"] = {key: value for key, value in content["optimiser"].items() if key not in _OF_THE_END}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def free_steps(self) -> int:
        """Number of steps that are the same for every recipe of this course whose end starts no earlier."""
        shares = [1.0]
        if self.decay != "none":
            shares.append(1 - self.decay_share)
        if self.bf16_share:
            shares.append(self.bf16_share)
        return int(min(shares) * self.iterations)

    @property
    def lr_crop(self) -> int:
        """Side of the LR crops in pixels."""
        return self.hr_crop // self.scale


def read_recipe(file: Path) -> Recipe:
    """Read a recipe; UserError, one line, if it is invalid."""
    root = Table(read_toml(file, what="a training recipe"), str(file))
    text = file.read_text(encoding="utf-8")
    root.only(_KEYS)
    recipe = _recipe(file, text, **{name: root.section(name, keys, form=_FORM) for name, keys in _KEYS.items()})
    if not recipe.arch.is_file():
        raise UserError(
            f"{file}: [recipe] arch: expected a Python file, found nothing at {recipe.arch}; check the path"
        )
    return recipe


_KEYS = {
    "recipe": ("version", "name", "arch", "entry", "args", "scale", "grow_from"),
    "data": ("hr_crop", "shrink", "candidates", "degradations", "degraded", "validation_pictures", "validation_crops"),
    "optimiser": (
        "iterations",
        "batch",
        "method",
        "learning_rate",
        "warm_up",
        "halve_every",
        "decay",
        "decay_share",
        "clip",
        "compile",
        "bf16_share",
        "high_frequency_weight",
        "ema",
        "seed",
    ),
}


def _recipe(file: Path, text: str, *, recipe: Table, data: Table, optimiser: Table) -> Recipe:
    recipe.choice("version", (VERSION,), example=str(VERSION))
    scale = int(recipe.choice("scale", SCALES, example="2"))
    iterations = optimiser.whole("iterations", 1, 100_000_000)
    hr_crop = data.whole("hr_crop", 8 * scale, 4096)
    if hr_crop % scale:
        raise data.mistake("hr_crop", expected=f"a multiple of the scale, {scale}", hint="round it down to one")
    return Recipe(
        file=file,
        text=text,
        name=_file_name(recipe, file.stem),
        arch=(file.parent / recipe.text("arch", limit=300, default="arch.py", example='"../arch.py"')).resolve(),
        entry=recipe.text("entry", limit=100, example='"training"'),
        args=recipe.table("args"),
        scale=scale,
        grow_from=_grow_from(file, recipe),
        hr_crop=hr_crop,
        shrink=data.wholes("shrink", 1, 8, default=(1,), example="[1]"),
        candidates=data.whole("candidates", 1, 64, default=1),
        degradations=_degradations(data),
        degraded=data.option("degraded", DEGRADED, default=DEGRADED[0]),
        validation_pictures=data.whole("validation_pictures", 1, 1000, default=1),
        validation_crops=data.whole("validation_crops", 1, 4096, default=32),
        iterations=iterations,
        batch=optimiser.whole("batch", 1, 65_536),
        method=optimiser.option("method", METHODS, default=METHODS[0]),
        learning_rate=optimiser.number("learning_rate", 1e-9, 1.0, example=1e-3),
        warm_up=optimiser.whole("warm_up", 0, 100_000_000, default=0),
        halve_every=optimiser.whole("halve_every", 1, 100_000_000, default=iterations),
        decay=optimiser.option("decay", DECAYS, default=DECAYS[0]),
        decay_share=optimiser.number("decay_share", 0.001, 1.0, default=1.0),
        clip=optimiser.number("clip", 0.0, 1e9, default=0.0),
        compile=optimiser.flag("compile"),
        bf16_share=optimiser.number("bf16_share", 0.0, 1.0, default=0.0),
        high_frequency_weight=optimiser.number("high_frequency_weight", 0.0, 1000.0, default=0.0),
        ema=optimiser.number("ema", 0.0, 0.999999, default=0.999),
        seed=optimiser.whole("seed", 0, 2**31, default=0),
    )


def _grow_from(file: Path, table: Table) -> Path | None:
    if not table.has("grow_from"):
        return None
    path = (file.parent / table.text("grow_from", limit=300, example='"../weights/s-x2.safetensors"')).resolve()
    if not path.is_file():
        raise UserError(f"{table.where} grow_from: expected trained weights, found nothing at {path}; check the path")
    return path


def _file_name(table: Table, stem: str) -> str:
    """The file name of weights and card: not a path and not hidden."""
    name = table.text("name", limit=100, default=stem, example='"s-x2"')
    if not _FILE_NAME.fullmatch(name):
        found = f"the text {shown(name)}" if table.has("name") else f"nothing, and a file called {shown(stem)}"
        raise UserError(
            f"{table.where} name: expected ASCII letters, digits, ., _ and -, not starting with a dot, found "
            f'{found}; write name = "s-x2"'
        )
    return name


def _degradations(table: Table) -> dict[str, float]:
    value = table.value("degradations")
    weights = value.values() if isinstance(value, dict) else ()
    if not weights or not all(isinstance(w, (int, float)) and not isinstance(w, bool) and 0 < w < 1e6 for w in weights):
        raise table.mistake(
            "degradations",
            expected="a table of names and how often each is drawn",
            hint='write degradations = { "pillow-bicubic" = 1 }',
        )
    assert isinstance(value, dict)
    for name in value:
        parse_degradation(name)
    return {name: float(weight) for name, weight in value.items()}
