"""How a training is carried out: learning rate and precision by the step, compiled, paused, with its end moved."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch._dynamo.exc import TorchDynamoException

from rtsr_bench.errors import UserError
from rtsr_bench.training import clock, steps
from rtsr_bench.training.checkpoint import FILE
from rtsr_bench.training.loop import Look, Plan, train
from rtsr_bench.training.pictures import Picture, find_pictures, split
from rtsr_bench.training.recipe import Recipe, read_recipe
from rtsr_bench.training.steps import autocast

Pictures = tuple[tuple[Picture, ...], tuple[Picture, ...]]
CPU = torch.device("cpu")


@pytest.fixture
def pictures(pictures_folder: Path) -> Pictures:
    return split(find_pictures(pictures_folder)[0], 1)


def rates(recipe: Recipe) -> list[float]:
    return [steps._learning_rate(recipe, step) / recipe.learning_rate for step in range(recipe.iterations)]


def same(one: Path, other: Path) -> bool:
    first, second = load_file(one), load_file(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_the_learning_rate_falls_over_the_last_share_of_the_iterations(recipe: Recipe) -> None:
    plain = dataclasses.replace(recipe, iterations=10, halve_every=10)
    assert rates(plain) == [1.0] * 10
    whole = rates(dataclasses.replace(plain, decay="linear"))
    assert whole == pytest.approx([1 - step / 10 for step in range(10)])
    tail = rates(dataclasses.replace(plain, decay="linear", decay_share=0.4))
    assert tail == pytest.approx([1, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    cosine = rates(dataclasses.replace(plain, decay="cosine"))
    assert (cosine[0], cosine[5]) == (1.0, pytest.approx(0.5))
    assert cosine == sorted(cosine, reverse=True)


def test_bf16_is_for_the_first_share_of_the_iterations(recipe: Recipe) -> None:
    mixed = dataclasses.replace(recipe, bf16_share=0.5)
    seen = []
    for step in range(mixed.iterations):
        with autocast(mixed, step, CPU):
            seen.append(torch.nn.functional.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1)).dtype)
    assert seen == [torch.bfloat16] * 6 + [torch.float32] * 6


def test_gradients_are_clipped_by_the_norm_of_all_of_them(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clipped, clip = [], torch.nn.utils.clip_grad_norm_

    def seen(parameters: object, most: float) -> torch.Tensor:
        clipped.append(most)
        return clip(list(parameters), most)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", seen)
    train(recipe, *pictures, Plan(out=tmp_path / "not"))
    assert clipped == []
    train(dataclasses.replace(recipe, clip=0.25), *pictures, Plan(out=tmp_path / "clipped"))
    assert clipped == [0.25] * recipe.iterations
    assert not same(tmp_path / "not" / "tiny.safetensors", tmp_path / "clipped" / "tiny.safetensors")


def test_compiled_is_the_same_network_stepped_through_what_torch_compiles(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def compiled(model: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda x: (calls.append(x.shape[0]), model(x))[1]

    monkeypatch.setattr(torch, "compile", compiled)
    train(recipe, *pictures, Plan(out=tmp_path / "eager"))
    assert calls == []
    train(dataclasses.replace(recipe, compile=True), *pictures, Plan(out=tmp_path / "compiled"))
    assert calls == [recipe.batch] * recipe.iterations
    assert same(tmp_path / "eager" / "tiny.safetensors", tmp_path / "compiled" / "tiny.safetensors")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what torch imports to compile
def test_compiled_for_real_goes_on_to_the_bit(recipe: Recipe, pictures: Pictures, tmp_path: Path) -> None:
    compiled = dataclasses.replace(recipe, compile=True, iterations=4, method="soap")
    whole = train(compiled, *pictures, Plan(out=tmp_path / "whole"))
    while (done := train(compiled, *pictures, Plan(out=tmp_path / "parts", max_hours=0))) is None:
        torch.compiler.reset()  # as in another process
    assert whole is not None
    assert same(whole.weights, done.weights)
    eager = train(dataclasses.replace(compiled, compile=False), *pictures, Plan(out=tmp_path / "eager"))
    assert eager is not None
    for name, value in load_file(eager.weights).items():
        torch.testing.assert_close(load_file(whole.weights)[name], value, rtol=1e-3, atol=1e-4)


def test_missing_compiler_is_reported_with_a_solution(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        def forward(_: torch.Tensor) -> torch.Tensor:
            raise TorchDynamoException("no C++ compiler:\nnone")

        return forward

    monkeypatch.setattr(torch, "compile", failing)
    with pytest.raises(
        UserError, match=r"expected torch.compile to work here, found .*; write compile = false"
    ) as caught:
        train(dataclasses.replace(recipe, compile=True), *pictures, Plan(out=tmp_path / "out"))
    assert "\n" not in str(caught.value)


def test_it_waits_while_the_pause_file_exists_and_does_not_count_that(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train(recipe, *pictures, Plan(out=tmp_path / "whole"))
    pause, waits = tmp_path / "pause", []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            pause.unlink()
        threading.Event().wait(0.2)

    monkeypatch.setattr(clock.time, "sleep", sleep)

    def look(seen: Look) -> None:
        if seen.step == 5:
            pause.touch()

    done = train(recipe, *pictures, Plan(out=tmp_path / "paused", pause_file=pause), look=look)
    assert len(waits) == 3
    assert expected is not None
    assert done is not None
    assert same(expected.weights, done.weights)
    kept = torch.load(tmp_path / "paused" / FILE, weights_only=True)
    assert kept["seconds"] < 0.5 * 0.6 + torch.load(tmp_path / "whole" / FILE, weights_only=True)["seconds"] * 5


def test_an_interrupt_ends_a_pause(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = tmp_path / "pause"
    pause.touch()

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(clock.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, *pictures, Plan(out=tmp_path / "out", pause_file=pause))
    assert torch.load(tmp_path / "out" / FILE, weights_only=True)["step"] == 0


@pytest.fixture
def course(recipe_file: Callable[..., Path]) -> Callable[[int], Recipe]:
    """The recipe with as many iterations as said, and a tail of half of them."""

    def made(iterations: int, ema: str = "0.9", share: float = 0.5) -> Recipe:
        tail = f"4\nhalve_every = 100\ndecay = 'linear'\ndecay_share = {share}"
        path = recipe_file(iterations=str(iterations), batch=tail, ema=ema)
        path.write_text(path.read_text().replace("halve_every = 4\n", ""))
        return read_recipe(path)

    return made


def stopped_after(recipe: Recipe, pictures: Pictures, out: Path, step: int) -> None:
    with contextlib.suppress(StopIteration):
        for _ in range(step):
            assert train(recipe, *pictures, Plan(out=out, max_hours=0)) is None


def test_the_end_of_a_training_may_be_moved_until_its_tail_begins(
    course: Callable[..., Recipe], pictures: Pictures, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stopped_after(course(20), pictures, out, 4)
    sooner = course(8, share=0.4)
    moved = train(sooner, *pictures, Plan(out=out))
    expected = train(sooner, *pictures, Plan(out=tmp_path / "expected"))
    assert moved is not None
    assert expected is not None
    assert same(moved.weights, expected.weights)


@pytest.mark.parametrize(("first", "steps", "then"), [(8, 5, 20), (20, 5, 8)])
def test_it_may_not_once_the_tail_has_begun(
    course: Callable[..., Recipe], pictures: Pictures, tmp_path: Path, first: int, steps: int, then: int
) -> None:
    stopped_after(course(first), pictures, tmp_path / "out", steps)
    with pytest.raises(UserError, match="expected a training of recipe"):
        train(course(then), *pictures, Plan(out=tmp_path / "out"))


def test_nothing_else_may_differ(course: Callable[..., Recipe], pictures: Pictures, tmp_path: Path) -> None:
    stopped_after(course(20), pictures, tmp_path / "out", 2)
    with pytest.raises(UserError, match="expected a training of recipe"):
        train(course(20, ema="0.8"), *pictures, Plan(out=tmp_path / "out"))
