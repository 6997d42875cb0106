"""The loop: to the bit the same over kills, and weights that are what the card says."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rtsr_bench.errors import UserError
from rtsr_bench.training import loop
from rtsr_bench.training.checkpoint import FILE
from rtsr_bench.training.loop import Look, Plan, train
from rtsr_bench.training.network import Average, build, high_frequencies, loss_of, mean_psnr
from rtsr_bench.training.pictures import Picture, find_pictures, split
from rtsr_bench.training.recipe import Recipe, read_recipe
from rtsr_bench.training.steps import State

Pictures = tuple[tuple[Picture, ...], tuple[Picture, ...]]


@pytest.fixture
def pictures(pictures_folder: Path) -> Pictures:
    return split(find_pictures(pictures_folder)[0], 1)


def trained(recipe: Recipe, pictures: Pictures, out: Path, **plan: object) -> dict[str, torch.Tensor]:
    done = train(recipe, *pictures, Plan(out=out, **plan))
    assert done is not None
    return load_file(done.weights)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("method", ["adam", "soap"])
def test_a_training_that_was_stopped_at_every_step_ends_the_same(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, method: str
) -> None:
    recipe = dataclasses.replace(recipe, method=method, decay="linear")
    expected = trained(recipe, pictures, tmp_path / "whole")
    stops = 0
    while (done := train(recipe, *pictures, Plan(out=tmp_path / "parts", max_hours=0))) is None:
        stops += 1
    assert stops == recipe.iterations - 1
    assert same(load_file(done.weights), expected)


def test_an_interruption_keeps_what_was_reached(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    expected = trained(recipe, pictures, tmp_path / "whole")

    def interrupt(look: Look) -> None:
        if look.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, *pictures, Plan(out=tmp_path / "parts"), look=interrupt)
    assert torch.load(tmp_path / "parts" / FILE, weights_only=True)["step"] == 7
    assert same(trained(recipe, pictures, tmp_path / "parts"), expected)


def test_a_kill_loses_what_came_after_the_last_checkpoint_and_no_more(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = trained(recipe, pictures, tmp_path / "whole")
    step = loop.take_step

    def killed(state: State, *rest: object) -> None:
        if state.step == 9:
            raise SystemError("as sudden as a kill: nothing is written on what to do")
        step(state, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "take_step", killed)
        with pytest.raises(SystemError):
            train(recipe, *pictures, Plan(out=tmp_path / "parts", save_every=0.0))
    (tmp_path / "parts" / f".{FILE}.77.part").write_bytes(b"half a checkpoint")
    assert same(trained(recipe, pictures, tmp_path / "parts"), expected)


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # more workers than processors
def test_workers_change_nothing(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    short = dataclasses.replace(recipe, iterations=3)
    expected = trained(short, pictures, tmp_path / "none")
    assert same(trained(short, pictures, tmp_path / "two", workers=2), expected)


def test_a_seed_changes_everything(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    one = trained(recipe, pictures, tmp_path / "one")
    other = trained(dataclasses.replace(recipe, seed=6), pictures, tmp_path / "other")
    assert not same(one, other)


def test_a_checkpoint_of_another_training_is_refused(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    train(recipe, *pictures, Plan(out=tmp_path / "out", max_hours=0))
    other = dataclasses.replace(recipe, text=recipe.text.replace("seed = 5", "seed = 6"))
    with pytest.raises(UserError, match="expected a training of recipe"):
        train(other, *pictures, Plan(out=tmp_path / "out"))
    fewer = (pictures[0][1:], pictures[1])
    with pytest.raises(UserError, match="expected a training of data"):
        train(recipe, *fewer, Plan(out=tmp_path / "out"))
    (tmp_path / "out" / FILE).write_bytes(b"no checkpoint")
    with pytest.raises(UserError, match="found an unreadable file"):
        train(recipe, *pictures, Plan(out=tmp_path / "out"))


def test_the_card_says_what_the_weights_are(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    done = train(recipe, *pictures, Plan(out=tmp_path, looks=3))
    assert done is not None
    weights = done.weights
    card = json.loads(weights.with_suffix(".json").read_text())
    assert card["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert card["params"] == 12 * 3 * 9 + 12
    assert card["samples"] == 48
    assert [look["step"] for look in card["curve"]] == [4, 8, 12]
    assert card["bicubic"] == done.bicubic_db
    assert set(card["bicubic"]) == set(recipe.degradations)
    assert {entry["sha256"]: entry["role"] for entry in card["data"]} == {
        **{picture.sha256: "train" for picture in pictures[0]},
        **{picture.sha256: "validation" for picture in pictures[1]},
    }
    assert card["recipe_text"] == recipe.text
    assert len(card["code_digests"]) == 1
    again = train(recipe, *pictures, Plan(out=tmp_path))
    assert again == done, "what is done is not done again"


def test_training_lowers_the_loss(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    looks: list[Look] = []
    longer = dataclasses.replace(recipe, iterations=150, halve_every=150, learning_rate=1e-2)
    train(longer, *pictures, Plan(out=tmp_path, looks=3), look=looks.append)
    assert looks[-1].loss < looks[0].loss
    assert looks[-1].psnr_db["pillow-bicubic"] > looks[0].psnr_db["pillow-bicubic"]


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"entry": '"broken"', "args": "{}"}, "found RuntimeError: no such layer"),
        ({"entry": '"nothing"'}, "found AttributeError"),
        ({"entry": '"number"', "args": "{}"}, "found int"),
        ({"args": "{ scale = 3 }"}, "expected x2 of 12x12"),
        ({"entry": '"sized"', "args": '{ size = "XYZ" }'}, "found KeyError: 'XYZ'; correct"),
        ({"entry": '"silent"', "args": "{}"}, "found ValueError; correct"),
        ({"entry": '"unlike"', "args": "{}"}, "expected a network that takes 3x12x12, found RuntimeError: "),
    ],
)
def test_code_without_a_network_is_reported(
    recipe_file: Callable[..., Path], replaced: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        build(read_recipe(recipe_file(**replaced)))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_average_forgets_its_start() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 0.0)
    average = Average(model, 0.9)
    torch.nn.init.constant_(model.weight, 1.0)
    average.take(model, 1)
    assert average.values["weight"].item() == pytest.approx(9 / 11)
    for step in range(100, 200):
        average.take(model, step)
    assert average.values["weight"].item() == pytest.approx(1 - (2 / 11) * 0.9**100)


def test_high_frequencies_are_those_of_the_paper(rt4ksr_arch: object) -> None:
    images = torch.rand(2, 3, 12, 15, dtype=torch.float64)
    expected = (images - rt4ksr_arch.gaussian_blur_by_shifts(images))[..., 2:-2, 2:-2]
    torch.testing.assert_close(high_frequencies(images), expected, rtol=0, atol=1e-12)


def test_the_auxiliary_loss_is_added_by_its_weight() -> None:
    sr, hr = torch.rand(1, 3, 9, 9), torch.rand(1, 3, 9, 9)
    plain = torch.nn.functional.l1_loss(sr, hr)
    extra = torch.nn.functional.l1_loss(high_frequencies(sr), high_frequencies(hr))
    assert loss_of(sr, hr, 0.0) == plain
    torch.testing.assert_close(loss_of(sr, hr, 0.5), plain + 0.5 * extra)


def test_mean_psnr_is_of_rounded_pixels() -> None:
    hr = torch.full((2, 3, 4, 4), 100, dtype=torch.uint8)
    sr = torch.full((2, 3, 4, 4), 101.4 / 255)
    assert mean_psnr(sr, hr) == pytest.approx(48.1308, abs=1e-4)  # one grey level off everywhere


@pytest.mark.gpu
def test_the_same_recipe_trains_on_cuda(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    expected = trained(recipe, pictures, tmp_path / "cpu")
    found = trained(recipe, pictures, tmp_path / "cuda", device="cuda", workers=2)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0.02)
