"""What may go wrong on the way is somebody's, in one line, and leaves what was good as it was."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.training import loop, steps
from rtsr_bench.training.checkpoint import FILE
from rtsr_bench.training.loop import Plan, Trained, train
from rtsr_bench.training.pictures import Picture, find_pictures, split
from rtsr_bench.training.recipe import Recipe
from rtsr_bench.training.shipping import ship
from rtsr_bench.training.steps import State

Pictures = tuple[tuple[Picture, ...], tuple[Picture, ...]]


@pytest.fixture
def pictures(pictures_folder: Path) -> Pictures:
    return split(find_pictures(pictures_folder)[0], 1)


def said_by(caught: pytest.ExceptionInfo[Exception]) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_loss_that_is_not_finite_ends_it_at_once_and_the_last_good_checkpoint_stays(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def loss_of(*given: object) -> torch.Tensor:
        calls.append(1)
        return torch.tensor(math.nan if len(calls) == 6 else 1.0) * loss(*given)

    loss = steps.loss_of
    monkeypatch.setattr(steps, "loss_of", loss_of)
    with pytest.raises(UserError) as caught:
        train(recipe, *pictures, Plan(out=tmp_path / "out", save_every=0.0))
    said = said_by(caught)
    assert "tiny.toml: expected a loss that stays finite, found nan at step 6 with a learning rate of 0.0005;" in said
    assert "lower learning_rate" in said
    assert len(calls) == 6
    kept = torch.load(tmp_path / "out" / FILE, weights_only=True)
    assert kept["step"] == 5
    assert all(torch.isfinite(value).all() for value in kept["model"].values())


@pytest.mark.parametrize("at", [5, 12])
def test_weights_that_a_step_spoils_are_neither_kept_nor_shipped(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    step = loop.take_step

    def spoiling(state: State, *rest: object) -> None:
        step(state, *rest)
        if state.step == at:
            with torch.no_grad():
                next(state.model.parameters()).fill_(math.inf)

    monkeypatch.setattr(loop, "take_step", spoiling)
    with pytest.raises(UserError, match=f"found weights that are not at step {at}"):
        train(recipe, *pictures, Plan(out=tmp_path / "out", looks=1, save_every=0.0))
    assert torch.load(tmp_path / "out" / FILE, weights_only=True)["step"] == at - 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == [FILE]


def test_excessive_learning_rate_is_reported_and_writes_no_weights(
    recipe: Recipe, pictures: Pictures, tmp_path: Path
) -> None:
    wild = dataclasses.replace(recipe, iterations=40, learning_rate=2e37)
    with pytest.raises(UserError, match="expected a loss that stays finite"):
        train(wild, *pictures, Plan(out=tmp_path / "out"))
    assert not list((tmp_path / "out").glob("tiny.*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_within_a_step_waits_for_its_end(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    whole = train(recipe, *pictures, Plan(out=tmp_path / "whole"))
    assert isinstance(whole, Trained)
    step = torch.optim.Adam.step

    def interrupted(optimizer: torch.optim.Adam, *given: object) -> object:
        if optimizer.state and int(next(iter(optimizer.state.values()))["step"]) == 4:
            signal.raise_signal(number)
        return step(optimizer, *given)

    def raising(_: int, __: object) -> None:
        raise KeyboardInterrupt

    before = {one: signal.signal(one, raising) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with monkeypatch.context() as patched:
            patched.setattr(torch.optim.Adam, "step", interrupted)
            with pytest.raises(KeyboardInterrupt):
                train(recipe, *pictures, Plan(out=tmp_path / "parts"))
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert torch.load(tmp_path / "parts" / FILE, weights_only=True)["step"] == 5
    done = train(recipe, *pictures, Plan(out=tmp_path / "parts"))
    assert done is not None
    for name, value in load_file(whole.weights).items():
        assert torch.equal(load_file(done.weights)[name], value)


def test_a_checkpoint_of_another_network_is_refused_like_one_of_another_recipe(
    recipe: Recipe, pictures: Pictures, tmp_path: Path
) -> None:
    train(recipe, *pictures, Plan(out=tmp_path / "out", max_hours=0))
    arch = recipe.arch.read_text()
    for edited in (arch.replace(", 3, padding=1)", ", 5, padding=2)"), arch.replace("self.conv", "self.first")):
        recipe.arch.write_text(edited)
        with pytest.raises(UserError) as caught:
            train(recipe, *pictures, Plan(out=tmp_path / "out"))
        assert f"{FILE}: expected a training of the network that {recipe.arch} builds, found another" in said_by(caught)
        assert "name another --out, or remove the file" in said_by(caught)


def test_a_full_disk_at_the_end_is_the_harness_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, weights = torch.nn.Linear(2, 2), tmp_path / "tiny.safetensors"

    def described(data: bytes) -> dict[str, object]:
        return {"weights_sha256": hashlib.sha256(data).hexdigest()}

    ship(model, weights, described=described)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"tiny.safetensors", "tiny.json"}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    torch.nn.init.zeros_(model.weight)
    with pytest.raises(HarnessError) as caught:
        ship(model, weights, described=described)
    assert "tiny.safetensors: the weights could not be written: " in said_by(caught)
    assert "No space left" in said_by(caught)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("replaced", [1, 2])
def test_weights_never_lie_there_without_their_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: int
) -> None:
    replace, calls = Path.replace, []

    def killed(path: Path, target: Path) -> Path:
        calls.append(1)
        if len(calls) == replaced:
            raise SystemError("as sudden as a kill")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(SystemError):
        ship(torch.nn.Linear(2, 2), tmp_path / "tiny.safetensors", described=lambda data: {"bytes": len(data)})
    assert not (tmp_path / "tiny.safetensors").exists()


def test_a_card_that_cannot_be_made_leaves_no_weights(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        ship(torch.nn.Linear(2, 2), tmp_path / "tiny.safetensors", described=lambda _: {"loss": math.nan})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mask", [0o022, 0o027])
def test_weights_are_files_like_any_other(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        ship(torch.nn.Linear(2, 2), tmp_path / "tiny.safetensors", described=lambda data: {"bytes": len(data)})
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {0o666 & ~mask}
    assert json.loads((tmp_path / "tiny.json").read_text())["bytes"] == (tmp_path / "tiny.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (lambda folder: folder / "file", "found a file"),
        (lambda folder: folder / "file" / "below", "Not a directory"),
        (lambda _: Path("/proc/x"), "one that cannot be written"),
    ],
)
def test_a_place_that_is_no_folder_is_the_users(
    recipe: Recipe, pictures: Pictures, tmp_path: Path, place: Callable[[Path], Path], found: str
) -> None:
    (tmp_path / "file").write_text("mine")
    out = place(tmp_path)
    with pytest.raises(UserError) as caught:
        train(recipe, *pictures, Plan(out=out))
    assert f"--out {out}: expected a folder, found" in said_by(caught)
    assert found in said_by(caught)
    with contextlib.suppress(OSError):
        assert (tmp_path / "file").read_text() == "mine"
