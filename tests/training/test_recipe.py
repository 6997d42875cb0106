"""Recipes are read strictly: each mistake is one line that names the place and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.training.recipe import Recipe, read_recipe

SHIPPED = sorted((Path(__file__).parents[2] / "reference_models").glob("*/recipes/**/*.toml"))


def test_a_recipe_says_what_is_trained(recipe: Recipe) -> None:
    assert (recipe.name, recipe.entry, recipe.args, recipe.scale) == ("tiny", "tiny", {"scale": 2}, 2)
    assert recipe.arch.name == "arch.py"
    assert recipe.lr_crop == 12
    assert recipe.degradations == {"pillow-bicubic": 1.0, "pillow-bicubic+jpeg90": 3.0}
    assert recipe.shrink == (1,)
    assert (recipe.degraded, recipe.grow_from) == ("crops", None)
    assert (recipe.decay_share, recipe.clip, recipe.compile, recipe.bf16_share) == (1.0, 0.0, False, 0.0)


def test_another_text_is_another_training(recipe_file: Callable[..., Path], recipe: Recipe) -> None:
    assert read_recipe(recipe_file(seed="6")).digest != recipe.digest
    assert read_recipe(recipe_file()).digest == recipe.digest


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"version": "2"}, "version: expected 1, found the number 2"),
        ({"scale": "5"}, "scale: expected 2 or 3 or 4"),
        ({"hr_crop": "25"}, "hr_crop: expected a multiple of the scale, 2"),
        ({"hr_crop": "8"}, "hr_crop: expected a whole number from 16"),
        ({"batch": "true"}, "batch: expected a whole number"),
        ({"learning_rate": "-1"}, "learning_rate: expected a number"),
        ({"learning_rate": "nan"}, "write learning_rate = 0.001"),
        ({"high_frequency_weight": "-1"}, "write high_frequency_weight = 0"),
        ({"ema": "1.5"}, "write ema = 0.999"),
        ({"batch": '4\nmethod = "sgd"'}, "method: expected adam or soap or fused-adam, found "),
        ({"batch": '4\ndecay = "steps"'}, "decay: expected none or linear or cosine, found "),
        ({"batch": "4\ndecay_share = 0"}, "write decay_share = 1"),
        ({"batch": "4\nclip = -1"}, "write clip = 0"),
        ({"batch": "4\ncompile = 1"}, "compile: expected true or false, found the number 1; write compile = true"),
        ({"batch": "4\nbf16_share = 2"}, "bf16_share: expected a number from 0 to 1"),
        ({"candidates": '1\ndegraded = "images"'}, "degraded: expected crops or pictures"),
        ({"entry": '"tiny"\ngrow_from = 3'}, "grow_from: expected a line of text"),
        ({"degradations": "{}"}, "degradations: expected a table of names"),
        ({"degradations": '{ "blur" = 1 }'}, "degradation 'blur': expected one of"),
        ({"degradations": '{ "pillow-bicubic" = 0 }'}, "how often each is drawn"),
        ({"ema": "1.0"}, "ema: expected a number from 0 to"),
        ({"seed": "1.5"}, "seed: expected a whole number"),
        ({"name": '"../../esc"'}, "[recipe] name: expected ASCII letters, digits, ., _ and -"),
        ({"name": '"a/b"'}, "found the text 'a/b'; write name ="),
        ({"name": '".hidden"'}, "not starting with a dot"),
        ({"name": '"größe"'}, "expected ASCII letters"),
        ({"entry": "3"}, "entry: expected a line of text"),
        ({"candidates": "1\nbeauty = 3"}, "unknown key 'beauty'"),
        ({"candidates": "1\nshrink = [0]"}, "shrink: expected an array of whole numbers from 1 to 8, found "),
        ({"batch": "= 3"}, "expected TOML, found a mistake"),
    ],
)
def test_a_mistake_is_one_line(recipe_file: Callable[..., Path], replaced: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as caught:
        read_recipe(recipe_file(**replaced))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_recipe_or_code_is_reported(recipe_file: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a training recipe"):
        read_recipe(tmp_path / "none.toml")
    path = recipe_file()
    (tmp_path / "arch.py").unlink()
    with pytest.raises(UserError, match="arch: expected a Python file, found nothing"):
        read_recipe(path)


def test_a_recipe_without_a_name_takes_its_files_where_that_can_be_one(recipe_file: Callable[..., Path]) -> None:
    path = recipe_file()
    path.write_text(path.read_text().replace('name = "tiny"\n', ""))
    assert read_recipe(path).name == "tiny"
    with pytest.raises(UserError, match=r"name: .* found nothing, and a file called 'my tiny'; write name = \"s-x2\""):
        read_recipe(path.rename(path.with_name("my tiny.toml")))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_are_in_order(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert recipe.args["scale"] == recipe.scale
    if path.parent.name == "paper":
        assert recipe.method == "adam"
        assert 4 * recipe.halve_every < recipe.iterations <= 5 * recipe.halve_every + 4
