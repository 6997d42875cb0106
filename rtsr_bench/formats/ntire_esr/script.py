"""`test_demo.py` as a syntax tree: the branches of a function by the entry's number, and what a function uses.

The importer reads the tree and runs nothing; the child executes the part of it that one entry uses.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

_ID = "model_id"
_MOST_TEST = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """What a function does for some entries.

    `numbers` are empty where the condition depends on the number and can't be read; `test` is its text.
    """

    numbers: tuple[int, ...]
    body: list[ast.stmt]
    line: int
    test: str


def branches(statements: Iterable[ast.stmt]) -> Iterator[Branch]:
    """Yield the branches on `model_id`, in the order in which Python would try them, from `if`, `elif` and `match`.

    A condition is read if it is `model_id == N`, `model_id in (N, M)`, or several of these joined by `or`.
    """
    todo = list(statements)[::-1]  # and no recursion: a chain of `elif` nests as deep as it is long
    while todo:
        node = todo.pop()
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                numbers = _numbers(test)
                if numbers:
                    yield Branch(numbers=numbers, body=body, line=node.lineno, test=_shown(test))
                    todo += orelse[::-1]
                elif _mentions(test) and not _branches_inside(body):
                    yield Branch(numbers=(), body=body, line=node.lineno, test=_shown(test))
                    todo += orelse[::-1]
                else:
                    todo += [*body, *orelse][::-1]
            case ast.Match(subject=subject, cases=cases) if _is_number(subject):
                yield from _cases(cases)
            case _:
                inner = [child for child in _statements(node) if isinstance(child, ast.stmt)]
                todo += inner[::-1]


def _branches_inside(body: list[ast.stmt]) -> bool:
    return any(branch.numbers for branch in branches(body))


def _cases(cases: Iterable[ast.match_case]) -> Iterator[Branch]:
    for case in cases:
        found = _pattern(case.pattern)
        default = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
        if not default:
            numbers = found if case.guard is None else ()
            yield Branch(numbers=numbers, body=case.body, line=case.pattern.lineno, test=f"case {_shown(case.pattern)}")


def _pattern(pattern: ast.pattern) -> tuple[int, ...]:
    match pattern:
        case ast.MatchValue(value=value):
            number = _whole(value)
            return () if number is None else (number,)
        case ast.MatchOr(patterns=patterns):
            found = [_pattern(one) for one in patterns]
            return tuple(number for one in found for number in one) if all(found) else ()
    return ()


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements inside of one, at whatever place of it they stand."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body
        else:
            yield child


def _numbers(test: ast.expr) -> tuple[int, ...]:
    """The numbers for which a condition holds; empty where it is of another form."""
    match test:
        case ast.BoolOp(op=ast.Or(), values=values):
            found = [_numbers(one) for one in values]
            return tuple(number for one in found for number in one) if all(found) else ()
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            number = _whole(right) if _is_number(left) else _whole(left) if _is_number(right) else None
            return () if number is None else (number,)
        case ast.Compare(
            left=left, ops=[ast.In()], comparators=[ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items)]
        ) if _is_number(left):
            whole = [_whole(item) for item in items]
            known = tuple(number for number in whole if number is not None)
            return known if len(known) == len(whole) else ()
    return ()


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == _ID
        case ast.Call(func=ast.Name(id="int"), args=[argument], keywords=[]):
            return _is_number(argument)
    return False


def _whole(node: ast.expr) -> int | None:
    """The whole number that is written there, negative ones included."""
    match node:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))) if not isinstance(number, bool):
            return -number
        case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=int(number))) if not isinstance(number, bool):
            return number
    return None


def _mentions(test: ast.expr) -> bool:
    todo: list[ast.AST] = [test]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.expr) and _is_number(node):
            return True
        todo += ast.iter_child_nodes(node)
    return False


def _shown(node: ast.AST) -> str:
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):  # nested too deep, or a number of more digits than Python prints
        return "a condition that nests too deep"
    return text if len(text) <= _MOST_TEST else f"{text[: _MOST_TEST - 2]} …"


def needed(tree: ast.Module, names: Collection[str], number: int) -> list[ast.stmt]:
    """Return the top-level statements that bind what these functions use for the entry of a number, in their order.

    What only the branches of other entries use is left out: it may want what this entry does without.
    """
    wanted, body = set(names), list[ast.stmt]()
    while True:
        used = {name for one in body for name in _used(one, number)} | wanted
        kept = [one for one in (_part(statement, used) for statement in tree.body) if one is not None]
        if len(kept) == len(body):
            return kept
        body = kept


def _used(statement: ast.stmt, number: int) -> Iterator[str]:
    others = {
        id(inner)
        for branch in branches([statement])
        if branch.numbers and number not in branch.numbers
        for inner in branch.body
    }
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if id(node) in others:
            continue
        if isinstance(node, ast.Name):
            yield node.id
        todo += ast.iter_child_nodes(node)


def _part(statement: ast.stmt, used: set[str]) -> ast.stmt | None:
    """The part of a top-level statement that binds one of the names, None where it binds none."""
    match statement:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return _imports(statement, [one for one in names if (one.asname or one.name.partition(".")[0]) in used])
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            found = name in used
        case ast.If(test=test) if any(isinstance(one, ast.Name) and one.id == "__name__" for one in ast.walk(test)):
            found = False
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.If() | ast.Try() | ast.With():
            found = bool(used & set(_bound(statement)))
        case _:
            found = False
    return statement if found else None


def _imports(statement: ast.Import | ast.ImportFrom, kept: list[ast.alias]) -> ast.stmt | None:
    if not kept:
        return None
    if isinstance(statement, ast.Import):
        return ast.copy_location(ast.Import(names=kept), statement)
    return ast.copy_location(ast.ImportFrom(statement.module, kept, statement.level), statement)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement binds, in its own blocks too."""
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
