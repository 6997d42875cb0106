"""`data fetch`: all files of a published data set into the folder where it is looked for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

from rtsr_bench.datasets.fetch import Recipe, place
from rtsr_bench.datasets.places import data_folder
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rtsr_bench.datasets.recipes import SetRecipe

_CONNECTIONS = 6  # small files: more would only be unkind to the server


def files_of(recipe: SetRecipe, scales: Sequence[int] = ()) -> dict[str, Recipe]:
    """What there is to fetch, by path within the set's folder; only the files these scales need, or all.

    UserError for a set that can't be fetched, or a scale it does not have.
    """
    if not recipe.base_url:
        raise UserError(f"{recipe.title}: expected a set that can be downloaded, found none: {recipe.way_out}")
    if unknown := [scale for scale in scales if scale not in recipe.scales]:
        has = ", ".join(map(str, recipe.scales))
        raise UserError(f"{recipe.title}: expected a scale of {has}, found {unknown[0]}: leave --scale out for all")
    folders = {f"image_SRF_{recipe.made[scale].hr_from if scale in recipe.made else scale}" for scale in scales}
    return {
        path: Recipe(
            url=recipe.base_url + quote(path),
            sha256=pin.sha256,
            name=path.rpartition("/")[2],
            license=recipe.license,
            bytes=pin.bytes,
        )
        for path, pin in recipe.pins.items()
        if not folders or path.rpartition("/")[0] in folders
    }


def collect(
    recipe: SetRecipe,
    *,
    scales: Sequence[int] = (),
    root: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Fetch what is missing of a set and return its folder; each file whole and verified, or not there.

    The set is put below `root`, by default where it is found again without being named. `progress` is called with the
    files at hand and the files in all, from one thread at a time. UserError at the first file that can't be had: what
    was fetched until then stays, and is not fetched again.
    """
    files = files_of(recipe, scales)
    folder = (root or data_folder()) / recipe.cache
    done = 0
    lock = threading.Lock()
    stop = threading.Event()

    def one(path: str) -> None:
        nonlocal done
        if stop.is_set():
            return
        try:
            place(files[path], folder / path, pause=stop.wait)
        except BaseException:
            stop.set()
            raise
        with lock:
            done += 1
            if progress is not None:
                progress(done, len(files))

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        try:
            list(pool.map(one, files))
        except BaseException:
            stop.set()
            raise
    return folder
