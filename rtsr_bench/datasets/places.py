"""Where data sets are looked for: roots given by the user, the cache of `data fetch`, a few known folders below each.

The search is not recursive: each root, and each of a few known folders below it, is listed once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.datasets.layouts import subfolder
from rtsr_bench.files.cache import cache_folder, folders_of, must_be_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

ROOTS_VARIABLE = "RTSR_BENCH_DATA_ROOT"

PARENTS = (
    "",
    "data",
    "datasets",
    "testsets",
    "benchmark",
    "classic",
    "canonical",
    "SelfExSR/data",
    "SelfExSR-master/data",
    "data/SelfExSR/data",
)
"""Folders below a root in which a data set may be; the names that SR repositories use."""


def data_folder() -> Path:
    """The folder of data sets downloaded by `rtsr-bench data fetch`."""
    return cache_folder() / "data"


def data_roots(given: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The data roots in order: those given on the command line, then those of RTSR_BENCH_DATA_ROOT.

    UserError if one is not a folder.
    """
    roots = [*given, *folders_of(ROOTS_VARIABLE)]
    for root in roots:
        must_be_folder(root, "--data-root")
    return tuple(dict.fromkeys(roots))


def candidates(names: Sequence[str], roots: Iterable[Path]) -> Iterator[Path]:
    """The folders in which a set of these names may be: a root of that name, or known folders below a root.

    Names are case-insensitive. The cache of fetched data comes last. Each folder appears once.
    """
    seen = set()
    fetched = data_folder()
    for root in (*roots, *((fetched,) if fetched.is_dir() else ())):
        must_be_folder(root, "--data-root")
        for folder in _below(root, names):
            identity = folder.resolve()
            if identity not in seen:
                seen.add(identity)
                yield folder


def _below(root: Path, names: Sequence[str]) -> Iterator[Path]:
    if root.resolve().name.lower() in {name.lower() for name in names}:
        yield root
    yield from folders_below(root, *names)


def folders_below(root: Path, *names: str) -> Iterator[Path]:
    """The folders of these names in the known folders below a root."""
    for parent in PARENTS:
        folder = subfolder(root, parent)
        if folder is not None:
            yield from filter(None, (subfolder(folder, name) for name in names))
