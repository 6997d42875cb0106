"""Plug-ins: the registries of what users can add, and the files from outside the package that add to them.

A kind of plug-in (a metric, an execution backend, ...) is a `Registry`. The shipped members are the modules of one
folder of the package; each registers itself when it is imported. From outside, members come from

- installed packages, by an entry point of the group `rtsr_bench.plugins` that names a module, and
- paths at hand: `--plugin PATH`, or the environment variable `RTSR_BENCH_PLUGINS` (separated like PATH).

Such a path is a Python file, a TOML file (a track or a data set, by its tables), a folder with a `submission.toml` (a
reference model), or a folder that holds any of these. Nothing is ever looked for in a submission, and a process that
runs a guest's code imports only the files that its parent names (docs/decisions/0019-plug-ins.md).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from rtsr_bench.errors import UserError

ENTRY_POINTS = "rtsr_bench.plugins"
ENVIRONMENT = "RTSR_BENCH_PLUGINS"
MANIFEST = "submission.toml"

T = TypeVar("T")


class Registry(Generic[T]):
    """The members of one kind, by name, in the order of their registration.

    `kind` is the word for one member in messages; `package` holds the shipped members, one module each, which are
    imported when the registry is first read.
    """

    def __init__(self, kind: str, package: str, name: Callable[[T], str]) -> None:
        self._kind, self._package, self._name = kind, package, name
        self._members: dict[str, T] = {}
        self._loaded = False

    def add(self, member: T) -> T:
        """Register a member and return it; UserError where another one has its name."""
        name = self._name(member)
        if name in self._members:
            raise UserError(
                f"{self._kind} {name!r}: expected a name of its own, found one already registered; rename it"
            )
        self._members[name] = member
        return member

    def find(self, name: str) -> T:
        """Return the member of a name; UserError where there is none."""
        members = self.all()
        if name not in members:
            raise UserError(f"{self._kind} {name!r}: expected one of {', '.join(members)}")
        return members[name]

    def all(self) -> dict[str, T]:
        """Return every member by name, the shipped ones first."""
        if not self._loaded:
            self._loaded = True
            package = importlib.import_module(self._package)
            for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
                importlib.import_module(f"{self._package}.{module.name}")
        load()
        return dict(self._members)


@dataclass(slots=True)
class _Process:
    """What this process has imported, and whether it may import more."""

    imported: set[Path] = field(default_factory=set)
    sealed: bool = False


_process = _Process()


def add_path(path: Path) -> None:
    """Add a plug-in at hand, as `--plugin` does; UserError where nothing is there.

    It is added to the environment variable, too, so that processes of this package which are started later have it.
    """
    if not path.exists():
        raise UserError(f"--plugin {path}: expected a Python file, a TOML file or a folder, found nothing there")
    kept = [one for one in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if one]
    if str(path.absolute()) not in kept:
        os.environ[ENVIRONMENT] = os.pathsep.join([*kept, str(path.absolute())])


def seal(paths: list[Path]) -> None:
    """Make these Python files the only plug-ins of this process, as one must that is to run a guest's code."""
    _process.sealed = True
    for path in paths:
        _import(path)


def load() -> None:
    """Import every plug-in module from outside that was not imported yet."""
    if _process.sealed:
        return
    for module in _installed():
        importlib.import_module(module)
    for path in python_files():
        _import(path)


def python_files() -> tuple[Path, ...]:
    """Return the plug-in modules that paths at hand name, absolute."""
    return tuple(path for path in _files() if path.suffix == ".py")


def toml_files(table: str) -> tuple[Path, ...]:
    """Return the TOML files among the plug-ins that have a top-level table or key of this name."""
    return tuple(path for path in _files() if path.suffix == ".toml" and table in _tables(path))


def model_folders() -> tuple[Path, ...]:
    """Return the folders among the plug-ins that hold a submission: reference models from outside."""
    return tuple(path for path in _files() if path.is_dir())


def _import(path: Path) -> None:
    if path in _process.imported:
        return
    _process.imported.add(path)
    name = f"rtsr_bench_plugin_{path.stem}_{len(_process.imported)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"plug-in {path}: expected a Python file")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"plug-in {path}: importing it raised {type(error).__name__}: {error}") from error


def _installed() -> list[str]:
    return [point.value for point in metadata.entry_points(group=ENTRY_POINTS)]


def _files() -> Iterator[Path]:
    """Every file and reference-model folder that the plug-ins name, in order, each once."""
    roots = [Path(one).absolute() for one in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if one]
    for module in () if _process.sealed else _installed():
        spec = importlib.util.find_spec(module)
        roots += [Path(one) for one in (spec.submodule_search_locations if spec else None) or ()]
    for root in dict.fromkeys(roots):
        if not root.exists():
            raise UserError(f"plug-in {root}: expected a Python file, a TOML file or a folder, found nothing there")
        yield from _in(root)


def _in(root: Path) -> Iterator[Path]:
    if root.is_dir() and not (root / MANIFEST).is_file():
        for path in sorted(root.iterdir()):
            if not path.name.startswith((".", "_")):
                yield from _in(path)
    elif root.is_dir() or root.suffix in {".py", ".toml"}:
        yield root


def _tables(path: Path) -> set[str]:
    try:
        return set(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, OSError, ValueError) as error:
        raise UserError(f"plug-in {path}: expected TOML, found: {error}") from error
