"""Plug-ins: the registries of what users can add, and the files from outside the package that add to them.

A kind of plug-in (a metric, an execution backend, ...) is a `Registry`. The shipped members are the modules of one
folder of the package; each registers itself when it is imported. From outside, members come from

- installed packages, by an entry point of the group `rtsr_bench.plugins` that names a module, and
- paths: `--plugin PATH`, or the environment variable `RTSR_BENCH_PLUGINS` (separated like PATH).

A path is a Python file, a folder with an `__init__.py` (one plug-in of several files), a TOML file (a track or a
data set, by its tables), a folder with a `submission.toml` (a reference model), or a folder that holds any of these.
Submissions are never searched for plug-ins, and a process that runs a guest's code imports only the modules that its
parent names, before that code (docs/decisions/0019-plug-ins.md).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from rtsr_bench.errors import UserError

ENTRY_POINTS = "rtsr_bench.plugins"
ENVIRONMENT = "RTSR_BENCH_PLUGINS"
MANIFEST = "submission.toml"

T = TypeVar("T")
Source = str | Path
"""Where a plug-in module comes from: the name of an installed module, or a path."""
_GUARD = threading.RLock()
"""Held while members are loaded, so that no other thread reads an incomplete registry."""


class Registry(Generic[T]):
    """The members of one kind, by name: the shipped ones in the order of their modules, then those from outside.

    `kind` is the word for one member in messages; `package` contains the shipped members, one module each. They are
    imported when the registry is first read.
    """

    def __init__(self, kind: str, package: str, name: Callable[[T], str]) -> None:
        self._kind, self._package, self._name = kind, package, name
        self._members: dict[str, T] = {}
        self._shipped_by: dict[str, str] = {}
        self._sources: list[Source] = []
        self._loaded = False

    def add(self, member: T) -> T:
        """Register a member and return it; UserError if its name is taken, and in a closed process."""
        name = self._name(member)
        if _process.closed:
            raise UserError(f"{self._kind} {name!r}: nothing can be registered in a process that runs a guest's code")
        if name in self._members:
            raise UserError(
                f"{self._kind} {name!r}: expected an unused name, found one that is already registered; rename it"
            )
        self._members[name] = member
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - a plug-in may import a shipped member
        if caller.startswith(f"{self._package}."):
            self._shipped_by[name] = caller
        elif _process.source is not None:
            self._sources.append(_process.source)
        return member

    def find(self, name: str) -> T:
        """Return the member of a name; UserError if there is none."""
        members = self.all()
        if name not in members:
            raise UserError(f"{self._kind} {name!r}: expected one of {', '.join(members)}")
        return members[name]

    def all(self) -> dict[str, T]:
        """Return every member by name, the shipped ones first."""
        with _GUARD:
            if not self._loaded:
                self._loaded = True
                package = importlib.import_module(self._package)
                for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
                    importlib.import_module(f"{self._package}.{module.name}")
            load()
            shipped = sorted(self._shipped_by, key=self._shipped_by.__getitem__)
            return {name: self._members[name] for name in dict.fromkeys((*shipped, *self._members))}

    def sources(self) -> tuple[Source, ...]:
        """Return the plug-in modules that added members, each once."""
        self.all()
        return tuple(dict.fromkeys(self._sources))


@dataclass(slots=True)
class _Process:
    """Which plug-ins this process has imported, and whether it may import or register more."""

    imported: set[Source] = field(default_factory=set)
    source: Source | None = None
    installed: tuple[str, ...] | None = None
    loaded: str | None = None
    sealed: bool = False
    closed: bool = False


_process = _Process()


def add_path(path: Path) -> None:
    """Add a plug-in by path, as `--plugin` does; UserError if the path does not exist.

    It is added to the environment variable, so that processes of this package that are started later have it too.
    """
    if not path.exists():
        raise UserError(f"--plugin {path}: expected a Python file, a TOML file or a folder, found nothing there")
    kept = [one for one in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if one]
    if str(path.absolute()) not in kept:
        os.environ[ENVIRONMENT] = os.pathsep.join([*kept, str(path.absolute())])


def seal(sources: Sequence[Source] = ()) -> None:
    """Make these modules the only plug-ins of this process; required before it runs a guest's code."""
    _process.sealed = True
    for source in sources:
        _import(source)


def close() -> None:
    """Refuse further registrations in this process, before a guest's code runs. Read the registries first."""
    _process.closed = True


def load() -> None:
    """Import every plug-in module from outside that is not imported yet."""
    named = os.environ.get(ENVIRONMENT, "")
    if _process.sealed or _process.loaded == named:
        return
    sources: list[Source] = [*_installed(), *python_files()]
    for source in sources:
        _import(source)
    _process.loaded = named


def python_files() -> tuple[Path, ...]:
    """Return the plug-in modules given by path, absolute: files, and folders that are packages."""
    return tuple(path for path in _from_paths() if path.suffix == ".py" or _is_package(path))


def toml_files(table: str) -> tuple[Path, ...]:
    """Return the TOML files among the plug-ins that have a top-level table or key of this name."""
    return tuple(path for path in dict.fromkeys(_files()) if path.suffix == ".toml" and table in _tables(path))


def model_folders() -> tuple[Path, ...]:
    """Return the folders among the plug-ins that hold a submission: reference models from outside."""
    return tuple(path for path in dict.fromkeys(_files()) if path.is_dir() and not _is_package(path))


def _import(source: Source) -> None:
    """Import a plug-in module once, and record it as the source of what it registers."""
    if source in _process.imported:
        return
    _process.imported.add(source)
    before, _process.source = _process.source, source
    try:
        if isinstance(source, str):
            importlib.import_module(source)
        else:
            _run(source)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"plug-in {source}: importing it raised {type(error).__name__}: {error}") from error
    finally:
        _process.source = before


def _run(path: Path) -> None:
    name = f"rtsr_bench_plugin_{path.stem}_{len(_process.imported)}"
    file, inside = (path / "__init__.py", [str(path)]) if path.is_dir() else (path, None)
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inside)
    if spec is None or spec.loader is None:
        raise UserError(f"plug-in {path}: expected a Python file")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _installed() -> tuple[str, ...]:
    if _process.installed is None:
        _process.installed = tuple(point.value for point in metadata.entry_points(group=ENTRY_POINTS))
    return _process.installed


def _files() -> Iterator[Path]:
    """Every file, package and reference-model folder of the plug-ins, in order."""
    yield from _from_paths()
    for module in () if _process.sealed else _installed():
        spec = importlib.util.find_spec(module)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            yield from _in(Path(folder))


def _from_paths() -> Iterator[Path]:
    roots = [Path(one).absolute() for one in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if one]
    for root in dict.fromkeys(roots):
        if not root.exists():
            raise UserError(f"plug-in {root}: expected a Python file, a TOML file or a folder, found nothing there")
        yield from _in(root)


def _in(root: Path, *, package: bool = False) -> Iterator[Path]:
    """The plug-ins at a path; for a package the folder itself, and the TOML files and reference models in it."""
    if root.is_dir() and not (root / MANIFEST).is_file():
        if _is_package(root) and not package:
            yield root
        for path in sorted(root.iterdir()):
            if not path.name.startswith((".", "_")):
                yield from _in(path, package=package or _is_package(root))
    elif root.is_dir() or root.suffix == ".toml" or (root.suffix == ".py" and not package):
        yield root


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").is_file() and not (path / MANIFEST).is_file()


@cache
def _tables(path: Path) -> frozenset[str]:
    # Imported here, because the process that runs a guest's code has only the modules it needs, and reads no TOML.
    from rtsr_bench.files.toml import read_toml

    return frozenset(read_toml(path, what="a plug-in"))
