"""Unpacking an untrusted archive: only files and folders, only inside the target, within limits.

Names are checked (`member_names`), unpacked bytes are counted instead of trusting the declared size, and only a
member's bytes are taken, never its owner, permissions, dates or links. Compressed tar files are first decompressed to a
plain one under the same limits, because their headers may declare any size.
"""

from __future__ import annotations

import errno
import gzip
import io
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rtsr_bench.errors import UserError
from rtsr_bench.files.member_names import Refused, Taken, safe_name
from rtsr_bench.files.table import shown

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")

MAX_FILES = 10_000
"""Maximum files and folders of a submission, as a folder or an archive: each child gets a copy of all of them."""

MAX_BYTES = 4 * 1024**3
"""Maximum total bytes of a submission."""

_CHUNK = 1024 * 1024
_JUNK = frozenset({"__MACOSX", ".DS_Store"})
_ZIP_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Other methods are rare, and an LZMA header may request gigabytes of memory."""

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    UnicodeError,
    ValueError,
    OverflowError,
    struct.error,
    LookupError,
    RecursionError,
)
"""What Python's readers raise on crafted archives."""

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x07"
_MAX_DIRECTORY = 8 * 1024**2
"""Maximum bytes of a zip's directory; about 100 per member."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnpackLimits:
    """Limits of an archive. The ratio (unpacked to packed bytes) is checked above `ratio_from` unpacked bytes."""

    packed_bytes: int = 2 * 1024**3
    unpacked_bytes: int = MAX_BYTES
    members: int = MAX_FILES
    ratio: int = 100
    ratio_from: int = 32 * 1024**2


def archive_suffix(path: Path) -> str | None:
    """Return the archive suffix of a file name, such as `.tar.gz`; None for any other name."""
    name = path.name.lower()
    return max((suffix for suffix in ARCHIVES if name.endswith(suffix)), key=len, default=None)


def unpack(archive: Path, folder: Path, *, label: str, limits: UnpackLimits | None = None) -> None:
    """Unpack an archive into an existing empty folder.

    UserError, one line, if the file is damaged, not an archive, or contains something that is not allowed; the caller
    must then discard the folder. OSError if this machine cannot write or read.
    """
    limits = limits or UnpackLimits()
    suffix = archive_suffix(archive)
    try:
        packed = archive.stat().st_size
        if packed > limits.packed_bytes:
            raise Refused(f"{packed:,} bytes, more than {limits.packed_bytes:,}")
        budget = _Budget(packed, limits)
        if suffix == ".zip":
            _unpack_zip(archive, folder, budget)
        elif suffix is not None:
            _unpack_tar(archive, folder, budget, compressed=suffix != ".tar")
        else:
            raise Refused("another kind of file")
    except Refused as refusal:
        raise UserError(
            f"{label}: expected an archive ({', '.join(ARCHIVES)}), found {refusal}; "
            "pack the folder again, with plain files and folders only"
        ) from None
    except (*_DAMAGED, OSError) as error:
        # A damaged offset makes zipfile seek before the start of the file: EINVAL, which no valid archive causes.
        if isinstance(error, OSError) and not isinstance(error, _DAMAGED) and error.errno != errno.EINVAL:
            raise
        reason = shown(" ".join(str(error).split()) or type(error).__name__)
        raise UserError(
            f"{label}: expected a whole {suffix} archive, found a damaged one or another kind of file ({reason}); "
            "pack the folder again"
        ) from None


class _Budget:
    """Counts the members and unpacked bytes of an archive; Refused as soon as a limit is exceeded."""

    def __init__(self, packed: int, limits: UnpackLimits) -> None:
        self._limits = limits
        self._most = min(limits.unpacked_bytes, max(limits.ratio_from, packed * limits.ratio))
        self._bytes = 0
        self._members = 0

    def member(self) -> None:
        self._members += 1
        if self._members > self._limits.members:
            raise Refused(f"more than {self._limits.members:,} files and folders")

    def spend(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._most:
            ratio = self._limits.ratio
            why = "" if self._most == self._limits.unpacked_bytes else f", more than {ratio} times its own size"
            raise Refused(f"more than {self._most:,} bytes when unpacked{why}")

    def copy(self, source: IO[bytes], target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for chunk in _chunks(source):
                self.spend(len(chunk))
                file.write(chunk)
        target.chmod(0o644)


def _chunks(source: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _check_directory(archive: Path, packed: int) -> None:
    """Refuse a zip whose directory is huge before Python reads all of it into memory."""
    with archive.open("rb") as file:
        file.seek(max(0, packed - 65_557))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < 22:
        raise zipfile.BadZipFile("no end of a zip archive")
    (size,) = struct.unpack_from("<L", tail, end + 12)
    if size > _MAX_DIRECTORY or tail[max(0, end - 20) : end].startswith(_END_64):
        raise Refused("a directory of members that is too large")


def _unpack_zip(archive: Path, folder: Path, budget: _Budget) -> None:
    taken = Taken()
    _check_directory(archive, archive.stat().st_size)
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            budget.member()
            name = safe_name(member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
                raise Refused(f"a link or device, {shown(member.filename)}")
            if name is None or not _JUNK.isdisjoint(name.parts):
                continue
            if member.flag_bits & 0x1:
                raise Refused(f"{shown(member.filename)} with a password")
            taken.add(name, is_file=not member.is_dir())
            if member.is_dir():
                (folder / name).mkdir(parents=True, exist_ok=True)
                continue
            if member.compress_type not in _ZIP_METHODS:
                raise Refused(f"{shown(member.filename)} compressed by a method other than deflate")
            with opened.open(member) as source:
                budget.copy(source, folder / name)


def _unpack_tar(archive: Path, folder: Path, budget: _Budget, *, compressed: bool) -> None:
    if not compressed:
        with archive.open("rb") as plain:
            _unpack_members(plain, folder, budget)
        return
    with gzip.open(archive) as source, tempfile.TemporaryFile(dir=folder.parent) as plain:
        for chunk in _chunks(source):
            budget.spend(len(chunk))
            plain.write(chunk)
        plain.seek(0)
        budget.spend(-plain.seek(0, 2))
        plain.seek(0)
        _unpack_members(plain, folder, budget)


def _unpack_members(plain: IO[bytes], folder: Path, budget: _Budget) -> None:
    taken = Taken()
    with tarfile.open(fileobj=_Careful(plain), mode="r:") as opened:
        for member in opened:
            budget.member()
            name = safe_name(member.name)
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise Refused(f"a link, device or sparse file, {shown(member.name)}")
            if name is None or not _JUNK.isdisjoint(name.parts):
                continue
            # Python's own filter repeats the checks above, as defence in depth. (Python 3.11.0 to 3.11.3 have none.)
            if hasattr(tarfile, "data_filter"):
                tarfile.data_filter(member, str(folder))
            taken.add(name, is_file=member.isreg())
            if member.isdir():
                (folder / name).mkdir(parents=True, exist_ok=True)
                continue
            source = opened.extractfile(member)
            if source is None:
                raise Refused(f"a member without bytes, {shown(member.name)}")
            with source:
                budget.copy(source, folder / name)


class _Careful(io.BufferedIOBase):
    """A file that refuses large reads: a tar header may declare a name of gigabytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or size > 4 * _CHUNK:
            raise Refused("a header that declares an impossible size")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
