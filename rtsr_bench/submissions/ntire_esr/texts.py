"""Texts in code that is read and not run: names and paths, put together as far as they are constant."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

_FORM = re.compile(r"[<>^=]?0?[0-9]{0,2}[dxX]?")
"""How a number may be written out: what Python is told to pad to a billion places it pads."""

_WEIGHTS = frozenset({".pth", ".pt", ".pkl", ".ckpt", ".safetensors", ".bin", ".tar"})
_JOINERS = frozenset({"join", "joinpath", "Path", "PurePath"})


def text_of(node: ast.AST | None, number: int) -> str | None:
    """Return a text as the branch of this number sees it; of one put together, what is constant or the number itself.

    None where nothing of it is a text.
    """
    text = None
    match node:
        case ast.Constant(value=str(constant)):
            text = constant
        case ast.JoinedStr(values=parts):
            text = "".join(text_of(part, number) or "" for part in parts)
        case ast.FormattedValue(value=value, format_spec=form) if _is_number(value):
            text = _written_out(number, (text_of(form, number) or "") if form else "")
        case ast.Call(func=ast.Name(id="str"), args=[value]) if _is_number(value):
            text = str(number)
        case ast.BinOp(op=ast.Add()):
            added = [text_of(part, number) for part in _operands(node, ast.Add)]
            known = [part for part in added if part is not None]
            text = "".join(known) if len(known) == len(added) else None
    return text


def _written_out(number: int, form: str) -> str:
    try:
        return format(number, form) if _FORM.fullmatch(form) else str(number)
    except ValueError:
        return str(number)


def _operands(node: ast.expr, kind: type[ast.operator]) -> list[ast.expr]:
    """What `a + b + c` puts together, in order; no recursion, because a stranger's expression may be very long."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, kind):
        found.append(node.right)
        node = node.left
    return [node, *found[::-1]]


def _is_number(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "model_id") or (
        isinstance(node, ast.Attribute) and node.attr == "model_id"
    )


def joined(node: ast.AST, number: int) -> tuple[str, bool] | None:
    """Return the path that `os.path.join`, `Path` or `/` puts together, and whether all of it is known.

    Where a part is not known, what follows the last such part is the path. None for any other expression.
    """
    parts = _parts(node, number)
    if parts is None:
        return None
    unknown = [index for index, part in enumerate(parts) if part is None]
    known = [part for part in parts[unknown[-1] + 1 if unknown else 0 :] if part is not None]
    return "/".join(known), not unknown


def _parts(node: ast.AST, number: int) -> list[str | None] | None:
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=arguments) if name in _JOINERS:
            return [text_of(argument, number) for argument in arguments]
        case ast.BinOp(op=ast.Div()):
            found: list[str | None] = []
            for part in _operands(node, ast.Div):
                inner = None if isinstance(part, ast.BinOp) else _parts(part, number)
                found += [text_of(part, number)] if inner is None else inner
            return found
    return None


def weights_in(statement: ast.AST, number: int) -> Iterator[str]:
    """Yield the files of weights that a statement names, paths put together, in the order of the text."""
    todo = [statement]  # and no recursion: a stranger's expression may be deeper than Python's own stack
    while todo:
        node = todo.pop()
        path = joined(node, number)
        text = path[0] if path is not None and path[1] else text_of(node, number)
        if text is not None:
            yield from _weights(text)
        else:
            todo += [*ast.iter_child_nodes(node)][::-1]


def _weights(text: str) -> Iterator[str]:
    path = PurePosixPath(text)
    if path.suffix.lower() in _WEIGHTS and "\n" not in text:
        yield path.as_posix()
