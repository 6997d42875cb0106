"""Files by recipe: a URL and a SHA-256, served by the cache, a mirror folder or a download, and verified by hash.

A file appears under its name only if it is complete and has the right hash. A partial download is kept next to it as
`.NAME.part` and resumed the next time. Two processes that need the same file wait for each other.
"""

from __future__ import annotations

import contextlib
import errno
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.cache import CACHE_VARIABLE, MIRROR_VARIABLE, cache_folder, folders_of
from rtsr_bench.files.hashing import file_sha256
from rtsr_bench.files.locks import locked
from rtsr_bench.files.transfer import Definite, Passing, Progress, download
from rtsr_bench.files.writing import replacing

ATTEMPTS = 4
"""A download ends after this many attempts in a row without progress."""

ENOUGH_BYTES = 1 << 16
"""Bytes that an attempt must add to count as progress."""

MAX_BYTES = 8 * 2**30
"""Maximum size of a download whose recipe does not state its size."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One file: URL (http, https or file), SHA-256 of its bytes, and local name.

    `bytes` is its length if known; `license`, in a word or two, is shown before it is fetched.
    """

    url: str
    sha256: str
    name: str = ""
    license: str = ""
    bytes: int | None = None

    @property
    def file_name(self) -> str:
        """The local file name: the recipe's name or the last part of the URL, without path separators."""
        last = PurePosixPath(self.name or unquote(urlsplit(self.url).path)).name
        return re.sub(r"[^A-Za-z0-9._ -]", "_", last).lstrip(".") or "file"


def obtain(recipe: Recipe, *, progress: Progress | None = None, within_s: float | None = None) -> Path:
    """The file of a recipe, from the cache, then the folders of RTSR_BENCH_MIRROR, then its URL.

    A download ends after `within_s` seconds; the next one resumes it.
    UserError, one line with what to do, if it cannot be obtained; HarnessError if the cache cannot be written.
    """
    target = cache_folder() / "files" / recipe.sha256 / recipe.file_name
    return place(recipe, target, progress=progress, within_s=within_s)


def place(
    recipe: Recipe,
    target: Path,
    *,
    progress: Progress | None = None,
    pause: Callable[[float], object] = time.sleep,
    within_s: float | None = None,
) -> Path:
    """The same, at a given path: `target` is kept if it has the right hash, and replaced otherwise.

    `pause` is called with the seconds to wait before another attempt; if it returns true, the attempts end.
    """
    if not _SHA256.fullmatch(recipe.sha256):
        raise UserError(f"{recipe.url}: expected a SHA-256 of 64 lower-case hex digits, found {recipe.sha256!r}")
    if _is(target, recipe):
        return target
    with trouble_writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target):
            if not _is(target, recipe):
                part = target.with_name(f".{target.name}.part")
                if not _copied_from_mirror(recipe, part):
                    _downloaded(recipe, part, progress, pause, within_s)
                part.replace(target)
    return target


def bring(
    url: str,
    part: Path,
    *,
    limit: int,
    progress: Progress | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Path:
    """What an address serves, in `part` and `limit` bytes at most, for a caller who sees whether it is the right one.

    Nothing is continued, because without a hash it is unknown whether two pieces belong to the same file.
    UserError, in one line, if it cannot be downloaded; OSError if `part` cannot be written.
    """
    for attempt in range(ATTEMPTS):
        part.unlink(missing_ok=True)
        try:
            download(url, part, limit=limit, progress=progress)
        except Passing as trouble:
            reason = str(trouble)
            if attempt + 1 == ATTEMPTS or pause(2.0**attempt):
                break
        except Definite as trouble:
            reason = str(trouble)
            break
        else:
            return part
    part.unlink(missing_ok=True)
    raise UserError(f"{url}: cannot be downloaded ({reason}); check the URL and the network")


def _is(path: Path, recipe: Recipe) -> bool:
    if not path.is_file() or recipe.bytes not in (None, path.stat().st_size):
        return False
    return file_sha256(path) == recipe.sha256


def _copied_from_mirror(recipe: Recipe, part: Path) -> bool:
    for folder in folders_of(MIRROR_VARIABLE):
        for candidate in _in_mirror(folder, recipe):
            if _is(candidate, recipe):
                with candidate.open("rb") as source, replacing(part) as copy:
                    shutil.copyfileobj(source, copy)
                if _is(part, recipe):
                    return True
    return False


def _in_mirror(folder: Path, recipe: Recipe) -> Iterator[Path]:
    """Candidates in a mirror: by name, by the end of the URL, then every file if the length is known, or by suffix."""
    names = [recipe.name, recipe.file_name] if recipe.name else [recipe.file_name]
    parts = [part for part in unquote(urlsplit(recipe.url).path).split("/") if part]
    tails = ["/".join(parts[start:]) for start in reversed(range(len(parts)))]
    for name in dict.fromkeys((*names, *tails)):
        path = folder / name
        if ".." not in PurePosixPath(name).parts and not PurePosixPath(name).is_absolute() and path.is_file():
            yield path
    suffix = PurePosixPath(recipe.file_name).suffix
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{MIRROR_VARIABLE} {folder}: expected a readable folder, found: {error.strerror}") from error
    for path in files:
        if path.is_file() and (recipe.bytes is not None or path.suffix == suffix):
            yield path


def _downloaded(
    recipe: Recipe,
    part: Path,
    progress: Progress | None,
    pause: Callable[[float], object],
    within_s: float | None,
) -> None:
    """Fill `part` with the right bytes; a partial download is kept and resumed."""
    if _is(part, recipe):  # complete, but an earlier process died before renaming it
        return
    reason, until = "", None if within_s is None else time.monotonic() + within_s
    idle, most, wrong = 0, _length(part), False
    while True:
        continued = part.exists()
        try:
            certain = download(
                recipe.url,
                part,
                limit=recipe.bytes or MAX_BYTES,
                size=recipe.bytes,
                progress=progress,
                until=until,
            )
        except Passing as trouble:
            reason = f"{trouble}; the partial file is kept for the next fetch" if _length(part) else str(trouble)
            # Without range requests an attempt starts over, and must get further than any before to count as progress.
            idle = 0 if _length(part) >= most + ENOUGH_BYTES else idle + 1
            most = max(most, _length(part))
            late = until is not None and time.monotonic() >= until
            if idle == ATTEMPTS or late or pause(2.0 ** max(idle - 1, 0)):
                break
            continue
        except Definite as trouble:
            reason = str(trouble)
            part.unlink(missing_ok=True)
            break
        found = file_sha256(part)
        if found == recipe.sha256:
            return
        part.unlink()
        reason = f"expected SHA-256 {recipe.sha256[:16]}..., found {found[:16]}..."
        if wrong or (certain and not continued):
            break  # the URL serves another, complete file: another attempt would not change that
        most, wrong = 0, True
    raise _refusal(recipe, reason)


def _refusal(recipe: Recipe, reason: str) -> UserError:
    # Without this, a user would not notice that a mirror's file was ignored.
    named = [folder / recipe.file_name for folder in folders_of(MIRROR_VARIABLE)]
    reason += "".join(f"; {path} has another hash" for path in named if path.is_file())
    return UserError(
        f"{recipe.file_name}: cannot be downloaded from {recipe.url} ({reason}); put the file into a folder and name "
        f"that folder with {MIRROR_VARIABLE}"
    )


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


@contextlib.contextmanager
def trouble_writing(target: Path) -> Iterator[None]:
    """Turn an OSError into a HarnessError with what to do; on a full disk the partial file of `target` is removed."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            with contextlib.suppress(OSError):  # free the space
                target.with_name(f".{target.name}.part").unlink(missing_ok=True)
        raise HarnessError(
            f"{target}: cannot be written ({error.strerror or error}): free space or change permissions there, "
            f"or name another folder with {CACHE_VARIABLE} or --to"
        ) from error
