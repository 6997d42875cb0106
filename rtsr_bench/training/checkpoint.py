"""Checkpoints: everything that a training needs to go on to the bit, written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.writing import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.training.recipe import Recipe

FILE = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    """Replace the folder's checkpoint by this one; HarnessError where the disk refuses, the old one then stands."""
    try:
        with replacing(folder / FILE, durable=True) as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise HarnessError(f"{folder / FILE}: the checkpoint could not be written: {error}") from error


def load(folder: Path, *, same: dict[str, str], recipe: Recipe) -> dict[str, Any] | None:
    """The folder's checkpoint, None where there is none.

    `same` says what must be as it was (recipe, data, device); UserError where something is not, or where the file
    is broken. Another number of iterations is taken as long as the steps so far are the same with it.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        kept = state["same"]
    except Exception as error:
        raise UserError(
            f"{path}: expected a checkpoint of this command, found a file that can't be read "
            f"({type(error).__name__}); remove it or name another --out"
        ) from error
    if kept.get("recipe") != recipe.digest and _only_longer(state, recipe):
        kept = {**kept, "recipe": recipe.digest}
    for what, value in same.items():
        if kept.get(what) != value:
            raise UserError(
                f"{path}: expected a training of {what} {value}, found one of {kept.get(what, 'nothing')}; "
                "name another --out, or remove the file to begin again"
            )
    assert isinstance(state, dict), "a checkpoint with `same` in it is a dictionary"
    return state


def _only_longer(state: dict[str, Any], recipe: Recipe) -> bool:
    """Whether the recipe differs in its iterations alone, and in nothing that was done already."""
    if state.get("course") != recipe.course:
        return False
    return bool(state["step"] <= min(state["free_steps"], recipe.free_steps))
