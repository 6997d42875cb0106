"""Recipes: name, layout, files and source of a data set.

A recipe is a TOML file. Those of published sets are in `catalog/`; a user's own is `dataset.toml` in the folder that it
describes. Hashes are in `[files]` (path = SHA-256) or, for long lists, in a text file next to it (`index`) with a line
`SHA-256 bytes path` for each file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtsr_bench import plugins
from rtsr_bench.datasets.layouts import LAYOUTS, entries
from rtsr_bench.datasets.originals import read_originals
from rtsr_bench.datasets.preparation import Preparation, read_pins
from rtsr_bench.errors import UserError
from rtsr_bench.files.fetch import Recipe
from rtsr_bench.files.toml import read_toml
from rtsr_bench.protocol import SCALES, Size
from rtsr_bench.text import ascii_safe, nearly_called

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable


OWN = "dataset.toml"
"""The name of the recipe file in a user's own folder of image pairs."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[a-z0-9_-]+")
_SHARED_KEYS = {"id", "title", "layout", "license", "source", "summary", "scales", "hr_size", "index", "base_url"}
_PLUGIN_KEYS = {"names", "cache", "hint"}
_CATALOG_KEYS = {*_PLUGIN_KEYS, "rendered", "refuse"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """The expected SHA-256 of a file, and its length if known."""

    sha256: str
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """LR that the source lacks at one scale, made from the HR files of another scale by a degradation."""

    hr_from: int
    degradation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A zip or tar file with files of a set; `inside` is the folder within it that becomes the set's folder."""

    url: str
    sha256: str
    bytes: int | None = None
    inside: str = ""
    license: str = ""

    @property
    def recipe(self) -> Recipe:
        """How it is fetched."""
        return Recipe(url=self.url, sha256=self.sha256, bytes=self.bytes, license=self.license)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetRecipe:
    """One data set: `names` are the folder names to look for, `pins` its files by path within such a folder.

    `base_url` is the base of the paths' URLs (empty: none), `archives` contain some of the files, `cache` is the folder
    for them below the cache. `refuse` maps file hashes and stems of other sets' images to those sets' titles,
    `preparation` says how images are made from originals, `folder` is that of a user's own set.
    """

    id: str
    title: str
    summary: str = ""
    source: str = ""
    license: str = ""
    hint: str = ""
    layout: str | None = None
    scales: tuple[int, ...] = SCALES
    rendered: bool = False
    names: tuple[str, ...] = ()
    hr_size: Size | None = None
    pins: Mapping[str, Pin] = field(default_factory=dict)
    made: Mapping[int, Made] = field(default_factory=dict)
    refuse: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    cache: str = ""
    folder: Path | None = None
    archives: tuple[Archive, ...] = ()
    preparation: Preparation | None = None
    plug_in: bool = False

    @property
    def own(self) -> bool:
        """Whether it is a user's and not this package's; its pins are then compared by path, not by content."""
        return self.plug_in or self.folder is not None


def published() -> dict[str, SetRecipe]:
    """The recipes of sets that are found by name, by id: those shipped in `catalog/`, then those of plug-ins.

    UserError for a plug-in's recipe that is invalid, or takes the name of another set.
    """
    return _published(plugins.toml_files("set"))


@cache
def _published(added: tuple[Path, ...]) -> dict[str, SetRecipe]:
    folder = resources.files(__package__) / "catalog"
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    shipped = [_load(file, folder, _SHARED_KEYS | _CATALOG_KEYS) for file in files]
    recipes = {recipe.id: recipe for recipe in sorted(shipped, key=lambda recipe: recipe.id)}
    for file in added:
        read = _load(file, file.parent, _SHARED_KEYS | _PLUGIN_KEYS)
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
    recipe = replace(_load(file, folder, _SHARED_KEYS), folder=folder)
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


def _load(file: Traversable | Path, folder: Traversable | Path, allowed: set[str]) -> SetRecipe:
    try:
        return _recipe(read_toml(file, what="a data set's recipe"), folder, allowed)
    except (KeyError, ValueError, TypeError, OSError, AttributeError) as error:
        reason = f"key {error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{file}: {reason}; see docs/data.md for the form of a data set's recipe") from error


def _recipe(table: Mapping[str, Any], folder: Traversable | Path, allowed: set[str]) -> SetRecipe:
    tables = {"set", "files", "archive"}
    _only(table, tables | {"made", "prepared"} if "cache" in allowed else tables, "the file")
    head = dict(table["set"])
    _only(head, allowed, "[set]")
    if not _ID.fullmatch(str(head["id"])):
        raise ValueError(f"id: expected lower-case letters, digits, - and _, found {head['id']!r}")
    layout = head.get("layout")
    if layout not in (None, *LAYOUTS):
        raise ValueError(f"layout: expected one of {', '.join(LAYOUTS)}, found {layout!r}")
    _check_types(table, head)
    scales = tuple(head.get("scales", SCALES))
    pins = {path: Pin(sha256=_sha256(value, path)) for path, value in table.get("files", {}).items()}
    if "index" in head:
        pins |= _index((folder / head["index"]).read_text(encoding="utf-8"))
    if stray := [path for path in pins if path.startswith("/") or {"", ".", ".."} & set(path.split("/"))]:
        raise ValueError(f"{stray[0]}: expected a path within the set's folder")
    if head.get("base_url") and not pins:
        raise ValueError("base_url: expected [files] or index with the SHA-256 of its files, found none")
    return SetRecipe(
        id=head["id"],
        title=str(head["title"]),
        summary=head.get("summary", ""),
        source=head.get("source", ""),
        license=head.get("license", ""),
        hint=head.get("hint", ""),
        layout=layout,
        scales=scales,
        rendered=bool(head.get("rendered", False)),
        names=tuple(head.get("names", ())),
        hr_size=Size(*map(int, head["hr_size"])) if "hr_size" in head else None,
        pins=pins,
        made={int(scale): Made(**rule) for scale, rule in table.get("made", {}).items()},
        refuse=_refused((folder / head["refuse"]).read_text(encoding="utf-8")) if "refuse" in head else {},
        base_url=head["base_url"].rstrip("/") + "/" if "base_url" in head else "",
        cache=head.get("cache", ""),
        archives=tuple(_archive(archive, str(head.get("license", ""))) for archive in table.get("archive", ())),
        preparation=_preparation(table["prepared"], folder) if "prepared" in table else None,
    )


def _check_types(table: Mapping[str, Any], head: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError, with one line, for the first value of the wrong type."""
    for key in ("title", "license", "source", "summary", "index", "base_url", "cache", "hint"):
        if not isinstance(head.get(key, ""), str):
            raise TypeError(f"{key}: expected a text, found {head[key]!r}")
    _check_names(head)
    if "prepared" in table and "hr_size" not in head:
        raise ValueError("hr_size: expected the size of the images that are prepared, found none")
    scales = head.get("scales", list(SCALES))
    if not isinstance(scales, list) or not scales or not all(type(n) is int and n in SCALES for n in scales):
        raise ValueError(f"scales: expected some of {SCALES} in a list, found {scales!r}")
    size = head.get("hr_size", [1, 1])
    if not isinstance(size, list) or len(size) != 2 or not all(type(n) is int and n > 0 for n in size):
        raise ValueError(f"hr_size: expected height and width as two whole numbers above 0, found {size!r}")
    if "base_url" in head and not re.match(r"(https?://[^/]|file://)", head["base_url"]):
        raise ValueError(f"base_url: expected a URL with https, http or file, found {head['base_url']!r}")
    archives = table.get("archive", [])
    if not isinstance(archives, list) or not all(isinstance(one, dict) for one in archives):
        raise TypeError("archive: expected tables headed [[archive]], with double brackets")
    if not isinstance(table.get("files", {}), dict):
        raise TypeError("files: expected a table [files] of path = SHA-256")


def _check_names(head: Mapping[str, Any]) -> None:
    names = head.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"names: expected texts in a list, found {names!r}")
    if {"", ".", ".."} & set(head.get("cache", "x").split("/")):
        raise ValueError(f"cache: expected a path within the folder of fetched data, found {head['cache']!r}")


def _archive(table: Mapping[str, Any], license_: str) -> Archive:
    _only(table, {"url", "sha256", "bytes", "inside"}, "[[archive]]")
    for key, kind, words in (("url", str, "a text"), ("inside", str, "a text"), ("bytes", int, "a whole number")):
        value = table.get(key, kind())
        if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and value < 0):
            raise ValueError(f"{key} of [[archive]]: expected {words}, found {value!r}")
    return Archive(**{**table, "sha256": _sha256(table["sha256"], table["url"]), "license": license_})


def _preparation(table: Mapping[str, Any], folder: Traversable | Path) -> Preparation:
    _only(table, {"originals", "pins", "take", "lr"}, "[prepared]")
    return Preparation(
        originals=read_originals(folder / table["originals"]),
        pins=read_pins((folder / table["pins"]).read_text(encoding="utf-8")),
        degradations=dict(table["lr"]),
        take=table["take"],
    )


def _index(text: str) -> dict[str, Pin]:
    pins = {}
    for number, line in enumerate(text.splitlines(), 1):
        sha256, count, path = (*line.split(" ", 2), "", "")[:3]
        if not path or not count.isdecimal():
            raise ValueError(f"index, line {number}: expected SHA-256, bytes and path, found {line!r}")
        pins[path] = Pin(sha256=_sha256(sha256, path), bytes=int(count))
    return pins


def _refused(text: str) -> dict[str, str]:
    known = {}
    for line in text.splitlines():
        title, sha256, stem = line.split(" ", 2)
        known[_sha256(sha256, stem)] = title
        known[stem.lower()] = title
    return known


def _sha256(value: object, path: str) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(f"{path}: expected a SHA-256 of 64 lower-case hex digits, found {value!r}")
    return value


def _only(table: Mapping[str, Any], allowed: set[str], where: str) -> None:
    if unknown := sorted(set(table) - allowed):
        raise ValueError(f"unknown key {unknown[0]!r} in {where}; expected {', '.join(sorted(allowed))}")
