"""Originals: published files that a data set is prepared from, each with its source, licence and category."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from urllib.parse import quote

from rtsr_bench.files.fetch import Recipe
from rtsr_bench.files.table import shown

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
    return read_originals((resources.files(__package__) / "catalog" / "open4k.train.tsv").read_text(encoding="utf-8"))


def read_originals(text: str) -> tuple[Original, ...]:
    """Read a list of originals: tab-separated, with a line of headings; ValueError if it is invalid."""
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    if tuple(rows.fieldnames or ()) != _COLUMNS:
        raise ValueError(f"line 1: expected the headings {', '.join(_COLUMNS)}, found {shown(rows.fieldnames)}")
    return tuple(_original(row, rows.line_num) for row in rows)


def _original(row: dict[str, str], number: int) -> Original:
    if set(row) != set(_COLUMNS) or None in row.values() or not row["bytes"].isdecimal():
        expected = f"{len(_COLUMNS)} values between tabs, bytes a whole number"
        raise ValueError(f"line {number}: expected {expected}, found {shown(list(row.values()))}")
    return Original(
        name=row["name"],
        sha256=row["sha256"],
        bytes=int(row["bytes"]),
        category=row["category"],
        license=row["license"],
        repo=row["repo"],
        commit=row["commit"],
        path=row["path"],
    )
