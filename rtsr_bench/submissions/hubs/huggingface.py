"""Hugging Face: a model repository's list of files with their hashes, and each file by its own address.

Without `huggingface_hub`, for the reasons in docs/decisions/0025-other-ways-in.md. Repositories that ask for a token
are refused: whoever has one downloads them and names the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from rtsr_bench.errors import UserError
from rtsr_bench.files.fetch import Recipe, bring, place
from rtsr_bench.files.locks import locked
from rtsr_bench.files.member_names import Refused, Taken, safe_name
from rtsr_bench.files.unpack import MAX_BYTES, MAX_FILES
from rtsr_bench.submissions.hubs.address import Address

BASE_VARIABLE = "HF_ENDPOINT"
BASE = "https://huggingface.co"

_WHOLE = ".complete"
_IGNORED = frozenset({".gitattributes", ".gitignore"})
_COMMIT = re.compile(r"[0-9a-f]{40}")


class _Lfs(msgspec.Struct):
    sha256: str
    size: int


class _File(msgspec.Struct):
    rfilename: str
    size: int = 0
    blobId: str = ""  # noqa: N815 - the name in the answer
    lfs: _Lfs | None = None


class _Model(msgspec.Struct):
    sha: str
    siblings: list[_File] = []


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """A file of the repository: where it goes, its bytes, and the SHA-256 (LFS) or git's SHA-1 that it has."""

    name: str
    size: int
    sha256: str
    blob: str


def commit_of(address: Address, ask: Callable[[str], bytes]) -> str:
    """Return the commit that a branch or tag, or the current state, stands for."""
    return _model(address, ask).sha


def files_of(
    address: Address, shelf: Path, ask: Callable[[str], bytes], tell: Callable[[str], object]
) -> Path:  # fmt: skip
    """Return the folder with the files that an address names, each of which has the hash that the hub gives for it."""
    # What was fetched for another path of the same commit lies in the same folder.
    mark = shelf / f"{_WHOLE}-{hashlib.sha256(address.path.encode()).hexdigest()[:12]}"
    files = shelf / "files"
    shelf.mkdir(parents=True, exist_ok=True)
    with locked(files):
        if not mark.exists():
            listed = list(_wanted(address, _model(address, ask)))
            total = sum(one.size for one in listed)
            tell(f"{address}: fetching {len(listed)} files, {total / 1e6:,.1f} MB")
            for one in listed:
                _bring(address, one, files / one.name)
            files.mkdir(exist_ok=True)
            mark.touch()
    return files


def _base() -> str:
    return (os.environ.get(BASE_VARIABLE) or BASE).rstrip("/")


def _model(address: Address, ask: Callable[[str], bytes]) -> _Model:
    version = f"/revision/{quote(address.version, safe='')}" if address.version else ""
    answer = ask(f"{_base()}/api/models/{address.owner}/{address.name}{version}?blobs=true")
    try:
        model = msgspec.json.decode(answer, type=_Model)
    except msgspec.MsgspecError:
        model = None
    if model is None or not _COMMIT.fullmatch(model.sha):
        raise UserError(
            f"{address}: expected the list of a model repository's files, found another answer; check the name and "
            f"{BASE_VARIABLE}, or download it yourself and name its folder"
        )
    if address.is_pinned and model.sha != address.version:
        raise UserError(f"{address}: expected the files of this commit, found those of {model.sha}; name that one")
    return model


def _wanted(address: Address, model: _Model) -> Iterator[_Listed]:
    """The files that an address names; UserError where they are none, too many, or may not be written."""
    taken, total, count = Taken(), 0, 0
    try:
        for file in model.siblings:
            name = safe_name(file.rfilename)
            if name is None or name.as_posix() in _IGNORED:
                continue
            inside = name.as_posix()
            if address.path and inside != address.path and not inside.startswith(f"{address.path}/"):
                continue
            taken.add(name, is_file=True)
            size = file.lfs.size if file.lfs else file.size
            total, count = total + max(0, size), count + 1
            if total > MAX_BYTES or count > MAX_FILES:
                raise Refused(f"more than {MAX_FILES:,} files or {MAX_BYTES / 1024**3:g} GiB")
            yield _Listed(name=inside, size=size, sha256=file.lfs.sha256 if file.lfs else "", blob=file.blobId)
    except Refused as refusal:
        raise UserError(
            f"{address}: expected what a submission may hold, found {refusal}; name a folder or file in it with #path"
        ) from None
    if not count:
        raise UserError(f"{address}: expected files, found none{' of that path' if address.path else ''}; correct it")


def _bring(address: Address, one: _Listed, target: Path) -> None:
    url = f"{_base()}/{address.owner}/{address.name}/resolve/{address.version}/{quote(one.name)}"
    if one.sha256:
        place(Recipe(url=url, sha256=one.sha256, name=one.name, bytes=one.size), target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = bring(url, target.with_name(f".{target.name}.part"), limit=max(one.size, 1))
    data = part.read_bytes()
    if one.blob and hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() != one.blob:  # noqa: S324 - git's own hash
        part.unlink()
        raise UserError(f"{address}: {one.name}: expected the file that the commit names, found another; try again")
    part.replace(target)
