"""The host's folder of a sandbox: scratch space, and the copy of the submission that the guest sees.

The copy has three reasons. The sandbox can start before its submission is chosen. A guest that damages its folder
damages only the copy. Files that are not part of the submission's digest are not copied.
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
_SUBMITTED, _WEIGHTS, _PACKAGES = "submission", "weights", "packages"


class Room:
    """A folder below the system's temporary folder; `close` removes it, or the next harness after a crash."""

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
        """Copy the files of a request into the folder and return the request with paths as the guest sees them.

        `inside` is where the guest sees `visible`. `folder` is the submission; any other path to something in it is
        rewritten, and what lies elsewhere is copied beside it: a file (fetched weights), or a folder (packages that it
        requires).
        """
        source = request.folder

        def moved(path: Path | None) -> Path | None:
            return None if path is None else self._moved(path, source, inside)

        try:
            self._empty()
            shutil.copytree(source, self.visible / _SUBMITTED, symlinks=True, ignore=_ignore(source))
            _relink(self.visible / _SUBMITTED, source)
            return replace(
                request,
                folder=inside / _SUBMITTED,
                checkpoint=moved(request.checkpoint),
                files={name: self._moved(path, source, inside) for name, path in request.files.items()},
                packages=moved(request.packages),
            )
        except OSError as error:
            raise HarnessError(f"{source} could not be copied for the guest: {error}") from error

    def _moved(self, path: Path, source: Path, inside: Path) -> Path:
        if path.is_relative_to(source):
            return inside / _SUBMITTED / path.relative_to(source)
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
        """Remove everything, also folders without permissions that a guest made."""
        self._held.close()


def _ignore(source: Path) -> Any:
    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).relative_to(source)
        return {name for name in names if left_out(here / name)}

    return ignored


def _relink(copy: Path, source: Path) -> None:
    """Make links that end inside the original end inside the copy; other links are not changed.

    Each link is resolved in the original: it may be absolute, pass through the folder of another link, or leave the
    folder and return. A link to a file that was left out becomes a copy of it.
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
