"""The meta device for sizes that are plain numbers, without torch's compiler and without SymPy.

On the meta device torch runs Python code that serves symbolic shapes, too. It asks SymPy and a module that imports it
whether a comparison holds, and loads the compiler to be left alone by it. Importing both takes as long as importing
torch. For plain numbers the answers are known: stand-ins give them. Whatever else a stand-in is asked, it loads its
module and passes the question on.
"""

from __future__ import annotations

import importlib
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from types import ModuleType
from typing import Any

_COMPILER, _SHAPES, _SYMPY = "torch._dynamo", "torch.fx.experimental.symbolic_shapes", "sympy"
_PACKAGES = frozenset({_COMPILER, _SYMPY})
_Answer = Callable[..., Any]


def _same(value: Any) -> Any:
    return value


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) if isinstance(one, int) else tuple(one) == tuple(other)


def _is_plain(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, tuple | list) and all(map(_is_plain, value)))


ANSWERS: dict[str, _Answer] = {
    **dict.fromkeys(("expect_true", "guard_bool", "guard_or_false", "guard_or_true", "statically_known_true"), _same),
    **dict.fromkeys(("guard_size_oblivious", "guarding_hint_or_throw"), _same),
    "has_guarding_hint": lambda _: True,
    "is_nested_int": lambda _: False,
    "sym_eq": _equal,
    "sym_and": lambda *values: reduce(operator.and_, values),
    "sym_or": lambda *values: reduce(operator.or_, values),
}
"""What functions of torch's `symbolic_shapes` (2.13; earlier ones lack some) answer to plain numbers.

Plain are bools, whole numbers, and tuples or lists of them.
"""


class _NoExpression:
    """Takes the place of `sympy.Basic`: torch asks whether an argument is one."""


class _StandIn(ModuleType):
    """Takes a module's place among those that are imported, with some of its functions and classes."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        super().__init__(name)
        self.__dict__.update(members)

    def __getattr__(self, name: str) -> Any:
        module = self.__name__
        if name.startswith("__") and not (name == "__path__" and module in _PACKAGES):  # asked of any module
            raise AttributeError(name)
        return getattr(_load(module), name)


def compiler_is_loaded() -> bool:
    """Whether torch's compiler itself is in this process, so that a network may use it."""
    return not isinstance(sys.modules.get(_COMPILER), _StandIn | None)


@contextmanager
def plain_shapes() -> Iterator[None]:
    """Let stand-ins take the places of the modules that are not loaded, while the block runs."""
    asked = {name: _numbers_only(name, answer) for name, answer in ANSWERS.items()}
    places: dict[str, Mapping[str, Any]] = {
        _COMPILER: {"disable": _let_alone},
        _SHAPES: asked,
        _SYMPY: {"Basic": _NoExpression},
    }
    for name, members in places.items():
        sys.modules.setdefault(name, _StandIn(name, members))
    try:
        yield
    finally:
        for name in places:
            _remove(name)


def _let_alone(function: Any = None, *arguments: Any, **keywords: Any) -> Any:
    """Answer for `torch._dynamo.disable`: no function has to be kept from a compiler that is not there."""
    return _load(_COMPILER).disable(function, *arguments, **keywords) if function is None else function


def _numbers_only(name: str, answer: _Answer) -> _Answer:
    def answered(*values: Any, **keywords: Any) -> Any:
        if not keywords and all(map(_is_plain, values)):
            return answer(*values)
        return getattr(_load(_SHAPES), name)(*values, **keywords)

    return answered


def _load(name: str) -> ModuleType:
    _remove(name)
    return importlib.import_module(name)


def _remove(name: str) -> None:
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
