"""Checkpoints: everything that a training needs to resume bit-identically, written atomically."""

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
    """Replace the folder's checkpoint; HarnessError if writing fails, the old one is then kept."""
    try:
        with replacing(folder / FILE, durable=True) as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise HarnessError(f"{folder / FILE}: the checkpoint could not be written: {error}") from error


def load(folder: Path, *, same: dict[str, str], recipe: Recipe) -> dict[str, Any] | None:
    """The folder's checkpoint, None if there is none.

    `same` is what must not have changed (recipe, data, device); UserError if it has, or if the file is damaged. A
    recipe with another end is accepted as long as the steps so far are the same.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        kept = state["same"]
    except Exception as error:
        raise UserError(
            f"{path}: expected a checkpoint of this command, found an unreadable file "
            f"({type(error).__name__}); remove it or name another --out"
        ) from error
    if kept.get("recipe") != recipe.digest and _only_longer(state, recipe):
        kept = {**kept, "recipe": recipe.digest}
    for what, value in same.items():
        if kept.get(what) != value:
            raise UserError(
                f"{path}: expected a training of {what} {value}, found one of {kept.get(what, 'nothing')}; "
                "name another --out, or remove the file to start over"
            )
    assert isinstance(state, dict), "a checkpoint with `same` in it is a dictionary"
    return state


def _only_longer(state: dict[str, Any], recipe: Recipe) -> bool:
    """Whether the recipe differs only in its end, and in none of the steps so far."""
    if state.get("course") != recipe.course:
        return False
    return bool(state["step"] <= min(state["free_steps"], recipe.free_steps))
