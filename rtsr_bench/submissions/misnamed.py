"""Manifests under nearly the right name: people take them for one, programs pass over them without a word."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.submissions.folder import read_bounded
from rtsr_bench.submissions.manifest import MANIFEST, MAX_BYTES
from rtsr_bench.text import ascii_safe, nearly_called

_TABLES = re.compile(rb"^\s*(\[submission\]|\[\[\s*model\s*\]\])\s*(#.*)?$", re.MULTILINE)
_TEXTS = frozenset({".toml", ".tml", ".txt", ""})
_DEPTH, _WIDTH = 2, 200
"""Levels and entries of each that are looked at: it is a hint, not a search."""

_PASSED_OVER = frozenset({"__MACOSX", "__pycache__", "results"})


def misnamed(folder: Path) -> str | None:
    """Name the file at the top of a folder that seems meant as its manifest and is not called so; None for none."""
    for path in _entries(folder):
        if path.name == MANIFEST or not path.is_file():
            continue
        if nearly_called(path.name, MANIFEST) or _reads_like(folder, path):
            return ascii_safe(path.name)
    return None


def refuse_misnamed(folder: Path, label: str) -> None:
    """UserError where a folder without a manifest holds what seems meant as one, by its name, content or place."""
    name = misnamed(folder)
    if name is not None:
        raise UserError(
            f"{label}: expected the manifest to be called {MANIFEST}, exactly so, found {name}; rename it (some "
            "systems hide the last ending of a name) or remove it"
        )
    level = [folder]
    for _ in range(_DEPTH):
        level = [child for parent in level for child in _entries(parent) if _is_folder(child)][:_WIDTH]
        for inner in level:
            if (inner / MANIFEST).is_file():
                place = ascii_safe((inner / MANIFEST).relative_to(folder).as_posix())
                raise UserError(
                    f"{label}: expected the manifest at the top of the folder, found {place}; move it up, "
                    "submit that folder by itself, or remove it"
                )


def _reads_like(folder: Path, path: Path) -> bool:
    """Whether a small text holds a table that only a manifest has."""
    if path.suffix.lower() not in _TEXTS:
        return False
    try:
        return _TABLES.search(read_bounded(folder, path.name, limit=MAX_BYTES, label="")) is not None
    except UserError:
        return False


def _entries(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names alone, of a stranger's folder
    except OSError:
        return iter(())
    return (folder / name for name in names[:_WIDTH])


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith(".") and path.name not in _PASSED_OVER
