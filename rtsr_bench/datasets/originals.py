"""Originals: published files that a data set is prepared from, each with its source, licence and category."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from rtsr_bench.files.fetch import Recipe

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

_COLUMNS = ("name", "sha256", "bytes", "category", "license", "repo", "commit", "path")


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """One published image file; `name` is its name here, `path` its path in `repo` at `commit`."""

    name: str
    sha256: str
    bytes: int
    category: str
    license: str
    repo: str
    commit: str
    path: str

    @property
    def stem(self) -> str:
        """The name of the images prepared from it, without a suffix."""
        return PurePosixPath(self.name).stem

    @property
    def recipe(self) -> Recipe:
        """How it is fetched."""
        return Recipe(
            url=f"https://raw.githubusercontent.com/{self.repo}/{self.commit}/{quote(self.path)}",
            sha256=self.sha256,
            name=self.name,
            license=self.license,
            bytes=self.bytes,
        )


@cache
def training_originals() -> tuple[Original, ...]:
    """The 18 further originals of Open4K's sources for training; none of them is a test image."""
    return read_originals(resources.files(__package__) / "catalog" / "open4k.train.tsv")


def read_originals(file: Traversable | Path) -> tuple[Original, ...]:
    """Read a list of originals: tab-separated, with a line of headings; ValueError if it is invalid."""
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    if tuple(rows.fieldnames or ()) != _COLUMNS:
        raise ValueError(f"{file.name}: expected the headings {', '.join(_COLUMNS)}, found {rows.fieldnames}")
    return tuple(
        Original(
            name=row["name"],
            sha256=row["sha256"],
            bytes=int(row["bytes"]),
            category=row["category"],
            license=row["license"],
            repo=row["repo"],
            commit=row["commit"],
            path=row["path"],
        )
        for row in rows
    )
