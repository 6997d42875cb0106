"""Stubs for packages that are not installed, for imports that inference never uses (`--stub-missing`).

A stub replaces a top-level package that an import statement names and that is not installed. Its names can be imported,
subclassed, set and used as decorators while modules are executed; the first use in a function (a call, an instance, a
truth test) raises `StubUsedError` with the name. An import that the code guards, in any frame above, fails as usual,
and so do `importlib.import_module`, `importlib.util.find_spec` and a missing part of a package that is installed.

Stubs are never put into `sys.modules`: other code must not find the package installed. Once the model is loaded no
package is stubbed for the first time, so that a record names all of them.
"""

from __future__ import annotations

import abc
import builtins
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from rtsr_bench.guarded import MODULE, Guards, guards_of

_OWN = Path(__file__).parents[1].name
_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
_IMPORTLIB = "<frozen importlib"
_INLINE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>"})
_REGISTRY = "regist"
"""What the name of a registry has in it: `@ARCH_REGISTRY.register()` gives back the class that it is put on."""


class StubUsedError(ImportError):
    """A stub was used as if the package were there."""

    def __init__(self, path: str, how: str) -> None:
        package = path.partition(".")[0]
        super().__init__(
            f"{path} was {how}, but {package} is not installed and was replaced by a stub (--stub-missing); "
            f"install {package}, or list it in requirements.txt and run with --with-requirements"
        )


def _raising(how: str) -> Callable[..., Any]:
    def use(cls: _Absent, *args: object, **named: object) -> Any:
        del args, named
        raise StubUsedError(cls.stub_path, how)

    return use


class _Absent(abc.ABCMeta):
    """The type of every name in a missing package: a class, because such names are called, and subclassed."""

    stub_path: str

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{cls.stub_path} is a stub for a package that is not installed; it has no {name}")
        return absent(f"{cls.stub_path}.{name}")

    @property
    def register(cls) -> Any:  # ABCMeta has a method of this name, which is not meant here
        return absent(f"{cls.stub_path}.register")

    def __call__(cls, *args: Any, **named: Any) -> Any:
        if not _in_body(sys._getframe(1)):  # noqa: SLF001 - the only way to see who calls
            is_base = "stub_path" not in vars(cls)
            raise StubUsedError(cls.stub_path, f"needed as a base of {cls.__name__}" if is_base else "called")
        target = args[0] if len(args) == 1 and not named else None
        if _REGISTRY in cls.stub_path.lower() and (isinstance(target, type) or inspect.isfunction(target)):
            return target
        return absent(f"{cls.stub_path}()")

    def __getitem__(cls, key: object) -> Any:
        if not _in_body(sys._getframe(1)):  # noqa: SLF001 - as above
            raise StubUsedError(cls.stub_path, "subscripted")
        return absent(f"{cls.stub_path}[]")

    def __eq__(cls, other: object) -> bool:
        if isinstance(other, str | bytes | int | float | tuple | list):
            raise StubUsedError(cls.stub_path, "compared")
        return cls is other

    __hash__ = abc.ABCMeta.__hash__
    __bool__ = _raising("tested for its truth")
    __lt__ = __le__ = __gt__ = __ge__ = _raising("compared")
    __iter__ = __len__ = __contains__ = _raising("taken for a collection")
    __int__ = __float__ = __index__ = __neg__ = _raising("taken for a number")
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _raising("computed with")
    __truediv__ = __rtruediv__ = _raising("computed with")
    __enter__ = __exit__ = _raising("entered")


@cache
def absent(path: str) -> _Absent:
    """Return the stub of a name in a missing package, `timm.layers.DropPath`: always the same one."""
    name = path.rpartition(".")[2]
    return _Absent(name, (), {"stub_path": path, "__module__": path.rpartition(".")[0], "__init_subclass__": _welcome})


def _welcome(cls: type, **named: object) -> None:
    """Accept whatever keywords a subclass is made with."""


class _Package(ModuleType):
    """A missing package, as an import statement gives it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self.__name__} is not installed and was replaced by a stub, which has no {name}")
        return absent(f"{self.__name__}.{name}")


class Stubs:
    """Replaces `builtins.__import__`; `names` are the packages that were replaced by a stub."""

    def __init__(self) -> None:
        self._import = builtins.__import__
        self._made: dict[str, _Package] = {}
        self._closed = False

    @classmethod
    def install(cls) -> Stubs:
        """Let missing packages be stubbed in this process from now on."""
        current = builtins.__import__
        stubs = current if isinstance(current, cls) else cls()
        stubs.open()
        builtins.__import__ = stubs
        return stubs

    @property
    def names(self) -> tuple[str, ...]:
        """Packages that were stubbed, in the order of their first import."""
        return tuple(self._made)

    def open(self) -> None:
        """Stub any further package."""
        self._closed = False

    def close(self) -> None:
        """Stub no further package: those that have a stub keep it."""
        self._closed = True

    def __call__(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the names of the function that this replaces
        locals: Mapping[str, object] | None = None,  # noqa: A002 - as above
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as ever, or return a stub."""
        try:
            return self._import(name, globals, locals, fromlist or (), level)
        except ModuleNotFoundError as error:
            top = name.partition(".")[0]
            if level or error.name != top or not self._may_stub(top, sys._getframe(1)):  # noqa: SLF001 - who imports
                raise
        package = self._made.setdefault(top, _Package(top))
        return absent(name) if fromlist and name != top else package  # type: ignore[return-value]  # any object will do

    def _may_stub(self, top: str, importer: FrameType | None) -> bool:
        if top == _OWN or top in sys.stdlib_module_names or (self._closed and top not in self._made):
            return False
        if importer is None or importer.f_code.co_filename.startswith(_PACKAGE):  # the harness asks for what it needs
            return False
        return not _is_guarded(importer)


def _in_body(frame: FrameType | None) -> bool:
    """Whether a frame runs the body of a module or a class, comprehensions in it included."""
    while frame is not None and frame.f_code.co_name in _INLINE:
        frame = frame.f_back
    return frame is not None and not frame.f_code.co_flags & inspect.CO_OPTIMIZED


def _is_guarded(frame: FrameType | None) -> bool:
    """Whether code of the guest goes on if this import fails; the harness, which catches everything, does not count."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_PACKAGE):
            if code.co_filename != __file__:
                return False
        elif not code.co_filename.startswith(_IMPORTLIB):
            guards = _guards(code.co_filename)
            if guards is None or guards.covers(_scope(code), frame.f_lineno):
                return True
        frame = frame.f_back
    return False


def _scope(code: CodeType) -> tuple[str, int]:
    return MODULE if code.co_name == MODULE[0] else (code.co_name, code.co_firstlineno)


@cache
def _guards(filename: str) -> Guards | None:
    """The guards of a file; None where its text can't be read, and so nothing can be told."""
    lines = linecache.getlines(filename)
    try:
        return guards_of("".join(lines)) if lines else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
