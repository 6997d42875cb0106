"""What `test_demo.py` says of each entry, read from its syntax tree: module, weights, data range, tile, forward."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rtsr_bench.errors import UserError
from rtsr_bench.submissions.folder import read_bounded
from rtsr_bench.text import ascii_safe, one_line

SCRIPT = "test_demo.py"
SELECT = "select_model"
MAX_NUMBER = 9_999
"""The largest number of an entry: Python would rather not print one of thousands of digits."""
MAX_NAME = 100
_MAX_BYTES = 4 * 1024 * 1024
_MAX_TILE = 100_000
_FORM = re.compile(r"[<>^=]?0?[0-9]{0,2}[dxX]?")
"""How a number may be written out: what Python is told to pad to a billion places it pads."""
_WEIGHTS = frozenset({".pth", ".pt", ".pkl", ".ckpt", ".safetensors", ".bin", ".tar"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One branch of `select_model`.

    `modules` are what the branch imports, as `package.module` or, for `from package import name`, both of it and
    `package`; `weights` are paths relative to the checkout; `data_range` is None where the text does not tell it;
    `forward` is the function that runs the model on an image, empty where the script has none. `trouble` says why the
    branch can't be read, completing "found ...", and is empty where it can.
    """

    model_id: int
    name: str
    modules: tuple[str, ...]
    weights: tuple[str, ...]
    data_range: float | None
    tile: int | None
    forward: str
    trouble: str = ""

    @property
    def number(self) -> str:
        """The number as messages show it."""
        return str(self.model_id) if self.model_id <= MAX_NUMBER else "with a huge number"


def parse(checkout: Path, name: str, *, label: str) -> ast.Module:
    """Return the syntax tree of a file of the checkout; UserError, one line, where it can't be read as Python."""
    raw = read_bounded(checkout, name, limit=_MAX_BYTES, label=label)
    try:
        return ast.parse(raw, filename=name)
    except (RecursionError, MemoryError):  # the parser's word for its own stack
        found = "an expression that nests too deep to be read"
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        found = f"a mistake (line {line})" if line else "a mistake"
    raise UserError(f"{label}: {ascii_safe(name)}: expected Python, found {found}; correct that place")


def read_entries(checkout: Path) -> tuple[Entry, ...]:
    """Return the entries in the order of their numbers; UserError, one line, where this is no such checkout."""
    label = ascii_safe(str(checkout))
    if not (checkout / SCRIPT).is_file():
        raise UserError(
            f"{label}: expected a checkout of an NTIRE Efficient-SR repository with {SCRIPT}, found none in it; "
            "name the folder that holds it"
        )
    tree = parse(checkout, SCRIPT, label=label)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    select = functions.get(SELECT)
    branches = dict(_branches(select)) if select else {}
    if select is None or not branches:
        raise UserError(
            f"{label}: {SCRIPT}: expected a function {SELECT}(args, device) with a branch `model_id == N` for each "
            "entry, found none; import the teams one by one as Python code"
        )
    always = [node for node in select.body if not isinstance(node, ast.If)]
    forwards = _forwards(functions)
    usual = "forward" if "forward" in functions else ""
    return tuple(
        _readable(number, body, always, forwards.get(number, usual)) for number, body in sorted(branches.items())
    )


def _readable(number: int, body: list[ast.stmt], always: list[ast.stmt], forward: str) -> Entry:
    """The entry, or what is the trouble with it: one branch that can't be read is no other's loss."""
    trouble = f"a number above {MAX_NUMBER}"
    if number <= MAX_NUMBER:
        try:
            return _entry(number, body, always, forward)
        except (RecursionError, MemoryError):
            trouble = "a branch that nests too deep to be read"
    return Entry(model_id=number, name="", modules=(), weights=(), data_range=None, tile=None, forward="",
                 trouble=trouble)  # fmt: skip


def _branches(function: ast.FunctionDef) -> Iterator[tuple[int, list[ast.stmt]]]:
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            number = _number(node.test)
            if number is not None:
                yield number, node.body


def _number(test: ast.expr) -> int | None:
    """The N of `model_id == N` or `args.model_id == N`."""
    match test:
        case ast.Compare(
            left=ast.Name(id="model_id") | ast.Attribute(attr="model_id"),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value=int(number))],
        ) if not isinstance(number, bool):
            return number
    return None


def _forwards(functions: dict[str, ast.FunctionDef]) -> dict[int, str]:
    """Entries for which another function than `run` calls a function of its own: `img_sr = forward_team34(...)`."""
    found = {}
    for name, function in functions.items():
        if name == SELECT:
            continue
        for number, body in _branches(function):
            for node in body:
                match node:
                    case ast.Assign(value=ast.Call(func=ast.Name(id=called))) if called in functions:
                        found[number] = called
    return found


def _entry(number: int, body: list[ast.stmt], always: list[ast.stmt], forward: str) -> Entry:
    values = _assigned(body)
    tile = _constant(_assigned(always).get("tile", values.get("tile")))
    return Entry(
        model_id=number,
        name=_title(_text(values.get("name"), number) or "") or f"model{number:02}",
        modules=tuple(dict.fromkeys((*imported(body), *_called_for(body, number)))),
        weights=tuple(dict.fromkeys(path for statement in body for path in _paths(statement, number))),
        data_range=_real(values.get("data_range")),
        tile=tile if isinstance(tile, int) and 0 < tile <= _MAX_TILE else None,
        forward=forward,
    )


def _assigned(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """The last expression that is assigned to each name, tuples taken apart."""
    found: dict[str, ast.expr] = {}
    for statement in body:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=False)
                    found.update((name.id, value) for name, value in pairs if isinstance(name, ast.Name))
    return found


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) and not isinstance(node.value, bool) else None


def _real(node: ast.expr | None) -> float | None:
    value = _constant(node)
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def _title(name: str) -> str:
    """A name without its number, on one line and of a length that a manifest takes."""
    kept = "".join(char if one_line(char) else " " for char in re.sub(r"^\d+_", "", name))
    return " ".join(kept.split()).strip("_- ")[:MAX_NAME].strip()


def _text(node: ast.AST | None, number: int) -> str | None:
    """A text as the branch of this number sees it; of one put together, what is constant or the number itself."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, number) or "" for part in parts)
        case ast.FormattedValue(value=ast.Name(id="model_id"), format_spec=form):
            wanted = (_text(form, number) or "") if form else ""
            try:
                return format(number, wanted) if _FORM.fullmatch(wanted) else str(number)
            except ValueError:
                return str(number)
    return None


def _called_for(body: list[ast.stmt], number: int) -> Iterator[str]:
    """Modules that are imported by a call: `importlib.import_module(f"models.team{model_id:02}_X")`."""
    for statement in body:
        for node in ast.walk(statement):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"), args=[argument, *_]
                ):
                    module = _text(argument, number)
                    if module:
                        yield module


def imported(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The modules that statements import, anywhere in them, with dots before relative ones."""
    for statement in body:
        for node in ast.walk(statement):
            yield from imports_of(node)


def imports_of(node: ast.AST) -> Iterator[str]:
    """The modules that one import statement names; for `from a import b` both `a` and `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        yield base
        joint = "" if base.endswith(".") else "."
        yield from (f"{base}{joint}{alias.name}" for alias in node.names if alias.name != "*")


def _paths(statement: ast.AST, number: int) -> Iterator[str]:
    """Files of weights that a branch names, `os.path.join` of texts put together, in the order of the text."""
    todo = [statement]  # and no recursion: a stranger's expression may be deeper than Python's own stack
    while todo:
        node = todo.pop()
        parts: list[str | None] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
            parts = [_text(part, number) for part in node.args]
        known = [part for part in parts if part is not None]
        text = "/".join(known) if known and len(known) == len(parts) else _text(node, number)
        if text is not None:
            yield from _weights(text)
        else:
            todo += [*ast.iter_child_nodes(node)][::-1]


def _weights(text: str) -> Iterator[str]:
    path = PurePosixPath(text)
    if path.suffix.lower() in _WEIGHTS and "\n" not in text:
        yield path.as_posix()
