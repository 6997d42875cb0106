"""The site on disk: each file is written atomically, and only files of an earlier build are removed."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.files.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MANIFEST = ".rtsr-bench-site.json"
"""The list of the site's files, which a later build may remove."""


def write_site(out_dir: Path, files: Mapping[str, bytes], *, keep: Path) -> None:
    """Write the files and remove those of an earlier build that are no longer part of the site.

    Each file is replaced atomically. The manifest lists every file before it is written, so that a killed build leaves
    no unlisted file. Nothing below `keep` is written or removed. UserError if the folder cannot be written.
    """
    for path in files:
        if _is_within(out_dir / path, keep):
            raise UserError(f"the site would write {path} into the records at {keep}: choose another --out folder")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        before = _manifest(out_dir)
        _replace(out_dir / MANIFEST, _as_json(before | set(files)))
        # The index comes last, so that every page it links to exists.
        for path in sorted(files, key=lambda path: (path == "index.html", path.endswith(".html"), path)):
            target = out_dir / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, files[path])
        _remove(out_dir, before - set(files), keep)
        _replace(out_dir / MANIFEST, _as_json(files))
    except OSError as error:
        place = error.filename2 or error.filename or out_dir
        reason = error.strerror or type(error).__name__
        raise UserError(f"cannot write the report to {out_dir}: {reason} ({place}); name another with --out") from None


def _replace(target: Path, data: bytes) -> None:
    """Replace the file's content atomically; a file with the same content is not touched."""
    with contextlib.suppress(OSError):
        if not target.is_symlink() and target.read_bytes() == data:
            return
    write_whole(target, data)


def _manifest(out_dir: Path) -> set[str]:
    """The files of an earlier build; empty if there was none or its list is damaged."""
    try:
        names = json.loads((out_dir / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return set()
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _remove(out_dir: Path, names: Collection[str], keep: Path) -> None:
    root = out_dir.resolve()
    emptied: set[Path] = set()
    for name in sorted(names):
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or name == MANIFEST or "\\" in name:
            continue
        path = out_dir / name
        inside = _is_within(path.parent, root)
        if not inside or _is_within(path, keep) or path.is_symlink() or not path.is_file():
            continue
        path.unlink(missing_ok=True)
        emptied.add(path.parent)
    for folder in sorted(emptied, key=lambda path: len(path.parts), reverse=True):
        if folder.resolve() != root:
            with contextlib.suppress(OSError):
                folder.rmdir()  # only if it is empty


def _is_within(path: Path, folder: Path) -> bool:
    resolved, within = path.resolve(), folder.resolve()
    return resolved == within or within in resolved.parents


def _as_json(names: Collection[str]) -> bytes:
    return (json.dumps(sorted(names), indent=0) + "\n").encode()
