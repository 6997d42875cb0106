"""The host's side of a guest's room: its scratch folder, and the copy of what was submitted that the guest gets to see.

A copy, because then the room can be built before it is known who moves in, a guest that ruins its folder ruins the
copy, and nothing that was left out of the submission's digest comes along.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from rtsr_bench.errors import HarnessError
from rtsr_bench.files.held import HeldFolder, sweep_held
from rtsr_bench.submissions.digest import left_out
from rtsr_bench.wire import LoadModel

_PREFIX = "rtsr-bench-"
_HANDED_IN, _WEIGHTS, _PACKAGES = "submission", "weights", "packages"


class Room:
    """A folder of its own below the system's temporary folder, gone with `close` or swept by the next harness."""

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        sweep_held(parent, _PREFIX)
        self._held = HeldFolder(parent, f"{_PREFIX}{os.getpid()}-")
        self.folder = self._held.path
        self.scratch = self.folder / "scratch"
        self.visible = self.folder / "room"
        for folder in (self.scratch, self.visible):
            folder.mkdir()

    def admit(self, request: LoadModel, inside: Path) -> LoadModel:
        """Copy what a request names into the room and return the request with paths as the guest sees them.

        `inside` is where the guest sees `visible`. `folder` is the submission; any other path to something in it is
        rewritten, and what lies elsewhere is copied beside it: a file (fetched weights), or a folder (packages that it
        requires).
        """
        source = request.folder

        def moved(path: Path | None) -> Path | None:
            return None if path is None else self._moved(path, source, inside)

        try:
            self._empty()
            shutil.copytree(source, self.visible / _HANDED_IN, symlinks=True, ignore=_ignore(source))
            _relink(self.visible / _HANDED_IN, source)
            return replace(
                request,
                folder=inside / _HANDED_IN,
                checkpoint=moved(request.checkpoint),
                files={name: self._moved(path, source, inside) for name, path in request.files.items()},
                packages=moved(request.packages),
            )
        except OSError as error:
            raise HarnessError(f"{source} could not be copied for the guest: {error}") from error

    def _moved(self, path: Path, source: Path, inside: Path) -> Path:
        if path.is_relative_to(source):
            return inside / _HANDED_IN / path.relative_to(source)
        if path.is_file():
            (self.visible / _WEIGHTS).mkdir(exist_ok=True)
            shutil.copyfile(path, self.visible / _WEIGHTS / path.name)
            return inside / _WEIGHTS / path.name
        if path.is_dir():  # the packages that the submission requires
            shutil.copytree(path, self.visible / _PACKAGES, dirs_exist_ok=True)
            return inside / _PACKAGES
        return path

    def _empty(self) -> None:
        for entry in self.visible.iterdir():
            shutil.rmtree(entry)

    def used(self, *, most: int) -> tuple[int, int]:
        """Bytes and files that lie in the host's scratch folder; nothing is counted beyond so many files."""
        total = seen = 0
        todo = [str(self.scratch)]
        while todo and seen <= most:
            with contextlib.suppress(OSError), os.scandir(todo.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > most:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        return total, seen

    def close(self) -> None:
        """Remove everything; a guest may have made folders that only their owner can open again."""
        self._held.close()


def _ignore(source: Path) -> Any:
    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).relative_to(source)
        return {name for name in names if left_out(here / name)}

    return ignored


def _relink(copy: Path, source: Path) -> None:
    """Let links that stay inside the original, by whatever way, stay inside the copy; others are left as they are.

    Followed is the original, to the end of a chain: an absolute link, one through another link's folder, or one that
    leaves the folder and comes back names it by its own place. A file that is left out of the copy is put in its place.
    """
    root = os.path.realpath(source)
    for parent, folders, files in os.walk(copy):
        for name in (*folders, *files):
            link = Path(parent, name)
            if not link.is_symlink():
                continue
            real = os.path.realpath(os.path.join(root, link.relative_to(copy)))  # noqa: PTH118 - for realpath
            if os.path.commonpath((root, real)) != root or not Path(real).exists():
                continue
            target = copy / os.path.relpath(real, root)
            link.unlink()
            if target.exists() or target.is_symlink():
                link.symlink_to(os.path.relpath(target, link.parent))
            elif Path(real).is_file():
                shutil.copyfile(real, link)
