"""The cache of environments: one folder for each set of packages, shared, with a bound on the total size.

A process that uses one holds a shared lock on it until it ends. The least recently used ones without a lock are
removed when a new one exceeds the bound.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.files.cache import cache_folder
from rtsr_bench.files.held import remove_tree
from rtsr_bench.files.locks import is_named, locked, take

BOUND_VARIABLE = "RTSR_BENCH_ENVIRONMENTS_GB"
BOUND_GB = 10.0

_DONE = "complete"
_IN_USE: dict[Path, int] = {}
"""Open files whose locks keep environments that this process uses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An environment: its folder, its bytes, and what was said when it was made."""

    place: Path
    size: int
    notes: tuple[str, ...]
    fresh: bool


def kept(key: str, make: Callable[[Path], tuple[str, ...]]) -> Kept:
    """Return the environment of a key, made where it is not there; others that want it too wait meanwhile.

    `make(place)` fills the folder and returns what is to be said about it each time; what it raises leaves no folder.
    OSError where the cache can't be written.
    """
    bound = bound_bytes()
    shelf = cache_folder() / "environments"
    shelf.mkdir(parents=True, exist_ok=True)
    place = shelf / key
    with locked(place):
        fresh = not _hold(place)
        if fresh:
            remove_tree(place)
            try:
                notes = make(place)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise
            about = {"bytes": tree_bytes(place), "notes": notes}
            (place / _DONE).write_text(json.dumps(about), encoding="utf-8")
            _hold(place)
    size, told = _about(place)
    if fresh:
        _prune(shelf, bound)
    return Kept(place=place, size=size, notes=told, fresh=fresh)


def bound_bytes() -> int:
    """Return the bytes that all environments may take together; UserError for a setting that is no number."""
    text = os.environ.get(BOUND_VARIABLE, "") or str(BOUND_GB)
    try:
        gigabytes = float(text)
        if not 0 <= gigabytes < 1e6:
            raise ValueError
    except ValueError:
        raise UserError(f"{BOUND_VARIABLE}: expected gigabytes such as {BOUND_GB:g}, found {text!r}") from None
    return int(gigabytes * 1e9)


def tree_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder, links not followed."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return total


def _hold(place: Path) -> bool:
    """Keep an environment for this process, and mark it as used now; False where there is none."""
    done = place / _DONE
    while True:
        try:
            handle = os.open(done, os.O_RDWR)
        except OSError:
            return False
        take(handle, shared=True)
        if not is_named(done, handle):  # removed while we waited for the lock
            os.close(handle)
            continue
        os.utime(done)
        before = _IN_USE.get(place)
        _IN_USE[place] = handle
        if before is not None:
            os.close(before)
        return True


def _about(place: Path) -> tuple[int, tuple[str, ...]]:
    try:
        about = json.loads((place / _DONE).read_text(encoding="utf-8"))
        return int(about["bytes"]), tuple(map(str, about["notes"]))
    except (OSError, ValueError, KeyError, TypeError):  # made by an earlier version, which left an empty file
        return tree_bytes(place), ()


def _prune(shelf: Path, bound: int) -> None:
    """Remove unfinished environments, then the least recently used ones, until the total is within the bound."""
    places = [one for one in shelf.iterdir() if one.is_dir() and not one.name.startswith(".")]
    for place in places:
        if not (place / _DONE).exists():
            _remove_unfinished(place)
    whole = [place for place in places if (place / _DONE).exists()]
    whole.sort(key=lambda one: (one / _DONE).stat().st_mtime)
    sizes = {place: _about(place)[0] for place in whole}
    total = sum(sizes.values())
    for place in whole:
        if total <= bound:
            return
        if _remove_unused(place):
            total -= sizes[place]


def _remove_unused(place: Path) -> bool:
    with contextlib.suppress(OSError):
        handle = os.open(place / _DONE, os.O_RDWR)
        try:
            if take(handle, wait=False):
                (place / _DONE).unlink()
                remove_tree(place)
                return True
        finally:
            os.close(handle)
    return False


def _remove_unfinished(place: Path) -> None:
    """Remove what a process left that died while it made an environment; one that lives holds the lock beside it."""
    lock = place.with_name(f".{place.name}.lock")
    with contextlib.suppress(OSError):
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if take(handle, wait=False) and is_named(lock, handle):
                if not (place / _DONE).exists():
                    remove_tree(place)
                lock.unlink(missing_ok=True)
        finally:
            os.close(handle)
