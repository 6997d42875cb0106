"""One attempt to download a file: http and https, resuming a partial file, and file URLs."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import IO
from urllib.parse import unquote, urlsplit

from rtsr_bench import __version__

Progress = Callable[[int, int | None], None]
"""Called with the bytes downloaded so far and, if known, the total."""

SLOWEST_BYTES, SLOWEST_S = 1 << 16, 60.0
"""A download slower than this many bytes in this many seconds is aborted."""

_CHUNK = 1 << 18
_TIMEOUT_S = 30.0
_WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504}
_WRONG_RANGE = 416


class Passing(Exception):  # noqa: N818 - not an error of the program: another attempt may succeed
    """The connection failed or was interrupted; the partial file is kept."""


class Definite(Exception):  # noqa: N818 - as above
    """The URL has no such file, or one that cannot be the right one; another attempt would not help."""


def download(
    url: str,
    part: Path,
    *,
    limit: int,
    size: int | None = None,
    progress: Progress | None = None,
    until: float | None = None,
) -> bool:
    """Download `url` into `part`, resuming an existing partial file; at most `limit` bytes.

    `size` is the expected length, to detect an interruption if the server does not state one. `until` is a time of the
    monotonic clock at which the download is aborted. Returns whether the download is certainly complete, whatever its
    content.

    Raises Passing or Definite; OSError means that `part` cannot be written.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return _from_file(url, part, limit, progress)
    if scheme not in ("http", "https"):
        raise Definite(f"expected a URL with https, http or file, found {scheme!r}")
    return _from_server(url, part, limit, size, progress, until)


def _from_file(url: str, part: Path, limit: int, progress: Progress | None) -> bool:
    source = Path(unquote(urlsplit(url).path))
    try:
        opened = source.open("rb")
        total = source.stat().st_size
    except OSError as error:
        raise Definite(error.strerror or str(error)) from error
    with opened, part.open("wb") as file:
        _copy(opened.read, file, 0, total, limit, progress)
    return True


def _from_server(
    url: str, part: Path, limit: int, size: int | None, progress: Progress | None, until: float | None
) -> bool:
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"rtsr-bench/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - only http and https come here
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310 - as above
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _WRONG_RANGE:  # the partial file is complete or too long: only its hash can tell
            return False
        trouble = Passing if error.code in _WORTH_ANOTHER_TRY else Definite
        raise trouble(f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Passing(f"no connection: {getattr(error, 'reason', None) or error}") from error
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0  # the server sends the whole file: overwrite the partial one
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else size
        with part.open("ab" if start else "wb") as file:
            _copy(response.read1, file, start, total, limit, progress, until)
    return total is not None


def _copy(
    read: Callable[[int], bytes],
    file: IO[bytes],
    start: int,
    total: int | None,
    limit: int,
    progress: Progress | None,
    until: float | None = None,
) -> None:
    """Copy chunks as they arrive: waiting for full chunks would hide a slow connection."""
    done, pace = start, _Pace(start, until)
    if total is not None and total > limit:
        raise Definite(f"expected at most {limit} bytes, found {total}")
    while True:
        try:
            chunk = read(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise Passing(f"interrupted after {done} bytes: {error}") from error
        if not chunk:
            break
        pace.check(done)
        done += len(chunk)
        if done > limit:
            raise Definite(f"expected at most {limit} bytes, found more")
        file.write(chunk)
        if progress is not None:
            progress(done, total)
    if total is not None and done < total:
        raise Passing(f"interrupted after {done} of {total} bytes")


class _Pace:
    """Aborts a download that is too slow or late."""

    def __init__(self, done: int, until: float | None) -> None:
        self._until, self._then, self._done = until, monotonic(), done

    def check(self, done: int) -> None:
        now = monotonic()
        if self._until is not None and now >= self._until:
            raise Passing(f"only {done} bytes arrived in time")
        if now - self._then >= SLOWEST_S:
            if done - self._done < SLOWEST_BYTES:
                raise Passing(f"only {done - self._done} bytes arrived in {now - self._then:.0f} s")
            self._then, self._done = now, done
