"""`data fetch`: download all files of a data set into its folder, and prepare it if its recipe says so."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

from rtsr_bench.datasets.archives import ARCHIVES, fetch_archive
from rtsr_bench.datasets.places import data_folder
from rtsr_bench.datasets.prepared import ORIGINALS
from rtsr_bench.datasets.preparing import prepare
from rtsr_bench.datasets.recipes import OWN
from rtsr_bench.errors import UserError
from rtsr_bench.files.fetch import Recipe, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rtsr_bench.datasets.recipes import SetRecipe
    from rtsr_bench.files.transfer import Progress

_CONNECTIONS = 6  # the files are small; more connections would only burden the server


def files_of(recipe: SetRecipe, scales: Sequence[int] = ()) -> dict[str, Recipe]:
    """The files to fetch, by path within the set's folder; only those that these scales need, or all.

    Archives are below `.archives/`. UserError for a set that cannot be fetched, or a scale it does not have.
    """
    if not (recipe.base_url or recipe.archives or recipe.preparation):
        raise UserError(
            f"{recipe.title}: expected a set that can be downloaded, found no URL: "
            + (recipe.hint or f"add base_url or [[archive]] to its {OWN}: docs/data.md")
        )
    if unknown := [scale for scale in scales if scale not in recipe.scales]:
        has = ", ".join(map(str, recipe.scales))
        raise UserError(f"{recipe.title}: expected a scale of {has}, found {unknown[0]}: omit --scale for all")
    if recipe.preparation:
        return {f"{ORIGINALS}/{original.name}": original.recipe for original in recipe.preparation.originals}
    # Two archives may have the same file name: the hash makes the path unique.
    files = {f"{ARCHIVES}/{one.recipe.sha256[:12]}-{one.recipe.file_name}": one.recipe for one in recipe.archives}
    if recipe.base_url:
        files |= _pinned_files(recipe, scales)
    return files


def _pinned_files(recipe: SetRecipe, scales: Sequence[int]) -> dict[str, Recipe]:
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
        if not folders or recipe.own or path.rpartition("/")[0] in folders
    }


def collect(
    recipe: SetRecipe,
    *,
    scales: Sequence[int] = (),
    root: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    within: Callable[[str, int, int | None], None] | None = None,
) -> Path:
    """Fetch the missing files of a set and return its folder. A file exists only if it is complete and verified.

    The set is put below `root`, by default into the cache, where it is found automatically; a user's own set into its
    folder. `progress` is called with the steps done and the total, from one thread at a time: a step is a file
    fetched or found, an archive unpacked or an image prepared. UserError at the first file that cannot be obtained;
    files fetched so far are kept and not fetched again. `within` is called between the chunks of a download, from any
    thread, with the file's name, the bytes so far and the total if known.
    """
    files = files_of(recipe, scales)
    folder = recipe.folder or (root or data_folder()) / recipe.cache
    steps = _Steps(len(files) + (len(recipe.preparation.originals) if recipe.preparation else 0), progress)
    stop, interrupted = threading.Event(), threading.Event()

    def one(path: str) -> None:
        if stop.is_set():
            return
        tell = _between_pieces(files[path], interrupted, within)
        try:
            if path.startswith(f"{ARCHIVES}/"):
                fetch_archive(recipe, path, files[path], folder, pause=stop.wait, progress=tell)
            else:
                place(files[path], folder / path, pause=stop.wait, progress=tell)
        except BaseException:
            stop.set()
            raise
        steps.done()

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        try:
            list(pool.map(one, files))
        except BaseException as error:
            stop.set()
            if isinstance(error, KeyboardInterrupt):
                interrupted.set()
            raise
    if recipe.preparation:
        prepare(recipe, folder, scales=scales, done=steps.done)
    else:
        _refuse_lacking(recipe, folder, _pinned_files(recipe, scales))
    return folder


def _between_pieces(
    file: Recipe, interrupted: threading.Event, within: Callable[[str, int, int | None], None] | None
) -> Progress:
    """Return a progress callback that stops an interrupted download (to be resumed later), else reports progress."""

    def piece(have: int, total: int | None) -> None:
        if interrupted.is_set():
            raise CancelledError(f"stopped at {have} of {total or 'unknown'} bytes")
        if within is not None:
            within(file.file_name, have, total or file.bytes)

    return piece


def _refuse_lacking(recipe: SetRecipe, folder: Path, pinned: Iterable[str]) -> None:
    """Raise UserError if files that the recipe lists were in nothing that was fetched."""
    lacking = [path for path in pinned if not (folder / path).is_file()]
    if lacking:
        raise UserError(
            f"{recipe.title}: expected all files of the recipe to be fetched, found that {len(lacking)} are in no "
            f"archive and have no base_url, such as {lacking[0]}: correct the recipe"
        )


class _Steps:
    """Thread-safe counter of steps."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self._total, self._progress, self._count = total, progress, 0
        self._lock = threading.Lock()

    def done(self) -> None:
        with self._lock:
            self._count += 1
            if self._progress is not None:
                self._progress(self._count, self._total)
