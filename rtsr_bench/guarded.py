"""Which imports a file guards: those in a `try` that goes on without the module, or below `suppress(ImportError)`.

A handler that ends with `raise` guards nothing, because the import is needed all the same.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

MODULE = ("<module>", 0)
"""The scope of what stands at the top of a file."""

Scope = tuple[str, int]
"""A function, class or module: its name and first line, decorators included, as its code object has them."""

_CATCHING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_NOT_CATCHING = frozenset(
    name for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)
) - _CATCHING  # fmt: skip

_Functions = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(kw_only=True, slots=True)
class Guards:
    """Of one file: the guarded lines by scope, and the top-level modules that it imports, guarded and not."""

    lines: dict[Scope, list[tuple[int, int]]] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)
    plain: set[str] = field(default_factory=set)

    def covers(self, scope: Scope, line: int) -> bool:
        """Whether a line of a scope is guarded in this file."""
        return any(first <= line <= last for first, last in self.lines.get(scope, ()))


def guards_of(source: str) -> Guards:
    """Read a file's text; SyntaxError, ValueError, RecursionError or MemoryError where it is no Python."""
    found = Guards()
    todo: list[tuple[ast.AST, Scope, bool]] = [(ast.parse(source), MODULE, False)]
    while todo:  # and no recursion: a stranger's expression may be deeper than Python's own stack
        node, scope, guarded = todo.pop()
        for tops in _tops(node):
            (found.guarded if guarded else found.plain).add(tops)
        if isinstance(node, _Functions):  # it runs when it is called, wherever that is
            todo += [(one, (node.name, _first_line(node)), False) for one in node.body]
        elif isinstance(node, ast.ClassDef):
            todo += [(one, (node.name, _first_line(node)), guarded) for one in node.body]
        elif _guards(node):
            assert isinstance(node, ast.Try | ast.With)
            last = node.body[-1].end_lineno or node.body[-1].lineno
            found.lines.setdefault(scope, []).append((node.body[0].lineno, last))
            todo += [(one, scope, True) for one in node.body]
            others = (one for one in ast.iter_child_nodes(node) if one not in node.body)
            todo += [(one, scope, guarded) for one in others]
        elif isinstance(node, ast.Module | ast.stmt | ast.ExceptHandler | ast.match_case):
            todo += [(one, scope, guarded) for one in ast.iter_child_nodes(node)]
    return found


def _first_line(node: _Functions | ast.ClassDef) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def _tops(node: ast.AST) -> Iterator[str]:
    """The top-level modules that an import statement names; none for a relative one."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        yield node.module.partition(".")[0]


def _guards(node: ast.AST) -> bool:
    """Whether a statement goes on where an import in its body fails."""
    if isinstance(node, ast.Try):
        return any(_catches(one.type) and not isinstance(one.body[-1], ast.Raise) for one in node.handlers)
    if isinstance(node, ast.With):
        calls = (one.context_expr for one in node.items if isinstance(one.context_expr, ast.Call))
        return any(_name(one.func) == "suppress" and any(map(_catches, one.args)) for one in calls)
    return False


def _catches(kind: ast.expr | None) -> bool:
    """Whether an ImportError is caught; a name that is none of Python's own exceptions may stand for one."""
    if kind is None:
        return True
    if isinstance(kind, ast.Tuple):
        return any(map(_catches, kind.elts))
    return _name(kind) not in _NOT_CATCHING


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
