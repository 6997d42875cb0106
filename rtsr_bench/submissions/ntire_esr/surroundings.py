"""What an entry needs besides the Python files that it imports: files and folders that it names or that are its own.

An entry may read `models/team07_x/means.npy`, or load `span_attention_op/libspan.so`, or build that from its source.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from rtsr_bench.errors import UserError
from rtsr_bench.submissions.folder import inner_file
from rtsr_bench.submissions.ntire_esr.texts import joined, text_of
from rtsr_bench.text import ascii_safe

MAX_FILES = 10_000
"""Files that one entry may take along; an archive of a submission may hold no more either."""

_JUNK = frozenset({"__pycache__", ".git", ".idea", ".DS_Store"})
_SETUP = frozenset({"setup.py", "pyproject.toml", "CMakeLists.txt"})
_LONGEST = 300


def named_paths(checkout: Path, nodes: Iterable[ast.AST], name: str, number: int) -> set[str]:
    """Return the files and folders of the checkout that code in the file `name` names, relative to the checkout.

    A name is taken from the checkout, which is the working directory of `test_demo.py`, or from the file's own folder.
    """
    bases = dict.fromkeys((PurePosixPath(), PurePosixPath(name).parent))
    found = set()
    for text in _texts(nodes, number):
        path = PurePosixPath(text)
        if not path.parts or path.is_absolute() or ".." in path.parts or len(text) > _LONGEST:
            continue
        for base in bases:
            if os.path.lexists(checkout / base / path):
                found.add((base / path).as_posix())
                break
    return found


def _texts(nodes: Iterable[ast.AST], number: int) -> Iterator[str]:
    """Texts that may be paths: those put together as paths, those passed to a call, and those with a slash in them."""
    for node in nodes:
        path = joined(node, number)
        if path is not None:
            yield path[0]
        if isinstance(node, ast.Call) and path is None:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield text_of(argument, number) or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "/" in node.value:
            yield node.value


def beside(
    checkout: Path, files: Collection[str], named: Iterable[str], *, shared: Collection[str], label: str
) -> list[str]:
    """Return the files that an entry takes along besides those it imports: sorted, relative to the checkout.

    These are the files it names, those in folders it names, and those in folders that hold what it imports and that no
    other entry uses. A folder in `shared` is no entry's own. UserError where they are too many.
    """
    folders = {folder for name in files if (folder := _own_folder(name, shared))}
    found: set[str] = set()
    for name in (*folders, *named):
        if name not in shared and (checkout / name).is_dir():
            found.update(_inside(checkout, name))
        elif inner_file(checkout, name) is None:
            found.add(name)
        if len(found) > MAX_FILES:
            raise UserError(
                f"{label}: expected at most {MAX_FILES:,} files beside an entry's code, found more in "
                f"{ascii_safe(name)}; remove what the entry does not use"
            )
    return sorted(found - set(files))


def _own_folder(name: str, shared: Collection[str]) -> str:
    """The largest folder around a file that is no other entry's; empty where there is none."""
    for parent in list(PurePosixPath(name).parents)[:-1][::-1]:
        if parent.as_posix() not in shared:
            return parent.as_posix()
    return ""


def _inside(checkout: Path, folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(checkout / folder):
        folders[:] = sorted(one for one in folders if one not in _JUNK)
        for name in sorted(names):
            path = (Path(place) / name).relative_to(checkout).as_posix()
            if name not in _JUNK and inner_file(checkout, path) is None:
                yield path


def is_built_by(checkout: Path, files: Iterable[str], module: str) -> bool:
    """Whether one of the files is a build script that names this module: it comes from there and from no index."""
    return any(
        f'"{module}"' in text or f"'{module}'" in text
        for name in files
        if PurePosixPath(name).name in _SETUP
        for text in [(checkout / name).read_text(encoding="utf-8", errors="replace")]
    )
