"""GitHub: a commit's archive, and what git itself is told of the branches (no interface that counts requests)."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.files.fetch import bring
from rtsr_bench.files.locks import locked
from rtsr_bench.files.unpack import UnpackLimits
from rtsr_bench.submissions.hubs.address import Address
from rtsr_bench.submissions.unpacked import unpacked

BASE_VARIABLE = "RTSR_BENCH_GITHUB"
BASE = "https://github.com"

_HEADER = 2048
_COMMENT = re.compile(rb"comment=([0-9a-f]{40})\n")
"""Where `git archive` names the commit: in the global header at the beginning of the tar file."""

_DAMAGED = (OSError, EOFError, zlib.error)


def commit_of(address: Address, ask: Callable[[str], bytes]) -> str:
    """Return the commit that a branch or tag, or HEAD, stands for now; UserError where there is none of that name."""
    answer = ask(f"{_repository(address)}.git/info/refs?service=git-upload-pack")
    refs = _refs(answer)
    wanted = address.version
    names = [f"refs/tags/{wanted}^{{}}", f"refs/tags/{wanted}", f"refs/heads/{wanted}"] if wanted else ["HEAD"]
    for name in names:
        if name in refs:
            return refs[name]
    known = ", ".join(name.removeprefix("refs/heads/") for name in refs if name.startswith("refs/heads/"))[:200]
    raise UserError(
        f"{address}: expected a commit (40 hex digits), a branch or a tag of the repository, found "
        f"{wanted or 'no HEAD'}; its branches are {known or 'none'}"
    )


def files_of(
    address: Address, shelf: Path, ask: Callable[[str], bytes], tell: Callable[[str], object]
) -> Path:  # fmt: skip
    """Return the folder with a commit's files, unpacked from the archive of that commit."""
    del ask
    archive = shelf / f"{address.name}.tar.gz"
    shelf.mkdir(parents=True, exist_ok=True)
    with locked(archive):
        if not archive.is_file():
            url = f"{_repository(address)}/archive/{address.version}.tar.gz"
            tell(f"{address}: fetching {url}")
            part = bring(url, shelf / f".{archive.name}.part", limit=UnpackLimits().packed_bytes)
            try:
                _see_commit(part, address)
            except UserError:
                part.unlink(missing_ok=True)
                raise
            part.replace(archive)
    folder = unpacked(archive, label=str(address))
    inside = [path for path in folder.iterdir() if path.is_dir()]
    return inside[0] if len(inside) == 1 and len(list(folder.iterdir())) == 1 else folder


def _repository(address: Address) -> str:
    base = (os.environ.get(BASE_VARIABLE) or BASE).rstrip("/")
    return f"{base}/{address.owner}/{address.name}"


def _refs(answer: bytes) -> dict[str, str]:
    """The refs of git's answer: lines that begin with their own length in four hex digits, 0000 between parts."""
    refs: dict[str, str] = {}
    at = 0
    while at + 4 <= len(answer):
        try:
            length = int(answer[at : at + 4], 16)
        except ValueError:
            break
        line = answer[at + 4 : at + max(length, 4)]
        at += max(length, 4)
        commit, _, name = line.partition(b"\0")[0].strip().partition(b" ")
        if re.fullmatch(rb"[0-9a-f]{40}", commit):
            refs[name.decode("utf-8", "replace")] = commit.decode()
    return refs


def _see_commit(archive: Path, address: Address) -> None:
    """See that an archive is whole, and that of this commit where it says of which it is."""
    try:
        with gzip.open(archive) as opened:
            head = opened.read(_HEADER)
            while opened.read(1 << 20):
                pass
    except _DAMAGED as error:
        raise UserError(
            f"{address}: expected an archive (.tar.gz) of the commit, found a damaged one ({error}); try again"
        ) from None
    said = _COMMENT.search(head)
    if said and said[1].decode() != address.version:
        raise UserError(f"{address}: expected the archive of this commit, found that of {said[1].decode()}")
