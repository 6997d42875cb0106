"""Recipes of data sets, by where they are found: shipped in `catalog/`, from a plug-in, or in a user's own folder.

A user's own is `dataset.toml` in the folder that it describes. `rtsr_bench.datasets.recipe` reads the files.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench import plugins
from rtsr_bench.datasets.layouts import entries
from rtsr_bench.datasets.recipe import CATALOG_KEYS, OWN_KEYS, PLUGIN_KEYS, Archive, Made, Pin, SetRecipe, read_recipe
from rtsr_bench.errors import UserError
from rtsr_bench.text import ascii_safe, nearly_called

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWN", "Archive", "Made", "Pin", "SetRecipe", "own_recipe", "published"]

OWN = "dataset.toml"
"""The name of the recipe file in a user's own folder of image pairs."""


def published() -> dict[str, SetRecipe]:
    """The recipes of sets that are found by name, by id: those shipped in `catalog/`, then those of plug-ins.

    UserError for a plug-in's recipe that is invalid, or takes the name of another set.
    """
    return _published(plugins.toml_files("set"))


@cache
def _published(added: tuple[Path, ...]) -> dict[str, SetRecipe]:
    folder = resources.files(__package__) / "catalog"
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    shipped = [read_recipe(file, folder, CATALOG_KEYS) for file in files]
    recipes = {recipe.id: recipe for recipe in sorted(shipped, key=lambda recipe: recipe.id)}
    for file in added:
        read = read_recipe(file, file.parent, PLUGIN_KEYS)
        recipe = _with_defaults(read)
        _refuse_taken(file, recipe, recipes)
        recipes[recipe.id] = recipe
    return recipes


def _with_defaults(read: SetRecipe) -> SetRecipe:
    """A plug-in's recipe with defaults: folder names to look for, folder in the cache, and how to get it."""
    names = read.names or (read.id,)
    fetched = read.base_url or read.archives or read.preparation
    hint = f"rtsr-bench data fetch {read.id}" if fetched else f"put {names[0]}/ into a folder given with --data-root"
    return replace(read, plug_in=True, names=names, cache=read.cache or read.id, hint=read.hint or hint)


def own_recipe(folder: Path) -> SetRecipe | None:
    """The recipe of a user's own folder: its `dataset.toml`; None if there is none.

    UserError if the file is invalid, or takes the name of a published set.
    """
    file = folder / OWN
    if not file.is_file():
        _refuse_nearly_called(folder)
        return None
    recipe = replace(read_recipe(file, folder, OWN_KEYS), folder=folder)
    _refuse_taken(file, recipe, published())
    return recipe


def _refuse_taken(file: Path, recipe: SetRecipe, others: Mapping[str, SetRecipe]) -> None:
    """Raise UserError if a recipe takes a name of a known set."""
    taken = {name.lower() for known in others.values() for name in (known.id, known.title, *known.names)}
    for name in (recipe.id, recipe.title, *recipe.names):
        if name.lower() in taken:
            raise UserError(f"{file}: {name!r} is the name of a published data set: choose another name")


def _refuse_nearly_called(folder: Path) -> None:
    """Raise UserError if a folder holds a recipe under nearly the right name, which would be ignored."""
    for path in sorted(entries(folder)):
        if nearly_called(path.name, OWN, likeness=1) and path.is_file():
            raise UserError(
                f"{path}: expected a data set's recipe to be called {OWN}, exactly so, found {ascii_safe(path.name)}; "
                "rename it (some systems hide the suffix of a name) or remove it"
            )
