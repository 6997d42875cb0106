"""What `test_demo.py` says of each entry, read from its syntax tree: module, weights, data range, tile, forward."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.formats.ntire_esr.script import Branch, branches, needed
from rtsr_bench.submissions.folder import read_bounded
from rtsr_bench.submissions.ntire_esr.texts import text_of, weights_in
from rtsr_bench.text import ascii_safe, one_line

SCRIPT = "test_demo.py"
SELECT = "select_model"
MAX_NUMBER = 9_999
"""The largest number of an entry: Python would rather not print one of thousands of digits."""
MAX_NAME = 100
_MAX_BYTES = 4 * 1024 * 1024
_MAX_TILE = 100_000
_NUMBERED = re.compile(r"[\s_]*(?:team[\s_]*)?-?(\d{1,9})(?:[\s_-]+|$)", re.IGNORECASE)
"""How a name begins that repeats the entry's number: `07_XNet`, `Team 7 - XNet`, `         11_XNet`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One branch of `select_model`.

    `model_id` is None where the branch does not tell a number. `modules` are what the entry imports, as
    `package.module` or, for `from package import name`, both of it and `package`; `weights` are paths relative to the
    checkout; `data_range` is None where the text does not tell it; `forward` is the function that runs the model on an
    image, empty where the script has none; `code` is the part of the script that the entry uses, its own branch first.
    `trouble` says why the branch can't be imported, completing "found ...", and is empty where it can; `placeholder`
    says that this is not an error: the branch is a placeholder.
    """

    model_id: int | None
    name: str = ""
    modules: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    data_range: float | None = None
    tile: int | None = None
    forward: str = ""
    code: tuple[ast.stmt, ...] = ()
    trouble: str = ""
    placeholder: bool = False

    @property
    def number(self) -> str:
        """The number as messages show it."""
        if self.model_id is None:
            return "without a number"
        return str(self.model_id) if abs(self.model_id) <= MAX_NUMBER else "with a huge number"


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
    found = list(branches(select.body)) if select else []
    if select is None or not any(branch.numbers for branch in found):
        raise UserError(
            f"{label}: {SCRIPT}: expected a function {SELECT}(args, device) with a branch `model_id == N` for each "
            "entry, found none; import the teams one by one as Python code"
        )
    script = _Script(tree=tree, select=select, forwards=_forwards(functions), functions=frozenset(functions))
    entries: dict[int, Entry] = {}
    others: list[Entry] = []
    for branch in found:
        if not branch.numbers and not all(map(_builds_nothing, branch.body)):
            others.append(Entry(model_id=None, trouble=f"`{ascii_safe(branch.test)}` (line {branch.line})"))
        for number in branch.numbers:
            if number in entries:  # Python takes the first one
                said = f"a second branch for this number (line {branch.line}), which is never reached"
                others.append(Entry(model_id=number, trouble=said))
            else:
                entries[number] = _readable(number, branch, script)
    return (*(entry for _, entry in sorted(entries.items())), *others)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Script:
    """The script around the branches; `forwards` are functions that run a model, by the entries' numbers."""

    tree: ast.Module
    select: ast.FunctionDef
    forwards: dict[int, str]
    functions: frozenset[str]

    @property
    def always(self) -> list[ast.stmt]:
        """What `select_model` does for every entry."""
        return [node for node in self.select.body if not isinstance(node, ast.If | ast.Match)]


def _readable(number: int, branch: Branch, script: _Script) -> Entry:
    """The entry, or what is the trouble with it: one branch that can't be read is no other's loss."""
    if abs(number) > MAX_NUMBER:
        return Entry(model_id=number, trouble=f"a number above {MAX_NUMBER}")
    if all(_builds_nothing(statement) for statement in branch.body):
        return Entry(model_id=number, trouble="a placeholder: its branch builds no model", placeholder=True)
    try:
        return _entry(number, branch.body, script)
    except (RecursionError, MemoryError):
        return Entry(model_id=number, trouble="a branch that nests too deep to be read")


def _builds_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Raise() | ast.Expr(value=ast.Constant() | ast.Call(func=ast.Name(id="print"))):
            return True
        case ast.Return(value=value):
            return value is None or isinstance(value, ast.Constant)
    return False


def _forwards(functions: dict[str, ast.FunctionDef]) -> dict[int, str]:
    """Entries for which another function than `run` calls a function of its own: `img_sr = forward_team34(...)`."""
    found = {}
    for name, function in functions.items():
        if name == SELECT:
            continue
        for branch in branches(function.body):
            for node in branch.body:
                match node:
                    case ast.Assign(value=ast.Call(func=ast.Name(id=called))) if called in functions:
                        found.update(dict.fromkeys(branch.numbers, called))
    return found


def _entry(number: int, body: list[ast.stmt], script: _Script) -> Entry:
    values = {**_assigned(script.always), **_assigned(body)}
    tile = _constant(_assigned(script.always).get("tile", values.get("tile")))
    forward = script.forwards.get(number, "forward" if "forward" in script.functions else "")
    used = needed(script.tree, [SELECT, *([forward] if forward else [])], number)
    code = (*body, *script.always, *(one for one in used if one is not script.select))
    modules = (module for node in reached(*code) for module in imports_of(node))
    return Entry(
        model_id=number,
        name=_title(text_of(values.get("name"), number) or "", number) or f"model{number:02}",
        modules=tuple(dict.fromkeys((*modules, *_called_for(code, number)))),
        weights=tuple(dict.fromkeys(path for statement in body for path in weights_in(statement, number))),
        data_range=_real(values.get("data_range")),
        tile=tile if isinstance(tile, int) and 0 < tile <= _MAX_TILE else None,
        forward=forward,
        code=code,
    )


def _assigned(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """The last expression that is assigned to each name, tuples taken apart."""
    found: dict[str, ast.expr] = {}
    for statement in body:
        for node in ast.walk(statement):
            targets: list[ast.expr] = []
            match node:
                case ast.Assign(value=value):
                    targets = node.targets
                case ast.AnnAssign(target=ast.Name() as name, value=ast.expr() as value):
                    targets = [name]
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = value
                elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    pairs = zip(target.elts, value.elts, strict=False)
                    found.update((one.id, part) for one, part in pairs if isinstance(one, ast.Name))
    return found


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) and not isinstance(node.value, bool) else None


def _real(node: ast.expr | None) -> float | None:
    value = _constant(node)
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def _title(name: str, number: int) -> str:
    """A name without its number, on one line and of a length that a manifest takes."""
    numbered = _NUMBERED.match(name)
    if numbered and (int(numbered[1]) == abs(number) or numbered[1].startswith("0")):
        name = name[numbered.end() :]
    kept = "".join(char if one_line(char) else " " for char in name)
    return " ".join(kept.split()).strip("_- ")[:MAX_NAME].strip()


def _called_for(body: Iterable[ast.stmt], number: int) -> Iterator[str]:
    """Modules that are imported by a call: `importlib.import_module(f"models.team{model_id:02}_X")`."""
    for node in reached(*body):
        match node:
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"), args=[argument, *_]):
                module = text_of(argument, number)
                if module:
                    yield module


def reached(*trees: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that count when code is imported or its functions are called, in the order of the text.

    What stands inside `if __name__ == "__main__"` or in a `try` that catches an ImportError does not.
    """
    todo = [*trees][::-1]  # and no recursion: a stranger's expression may be deeper than Python's own stack
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and any(
            isinstance(part, ast.Constant) and part.value == "__main__" for part in ast.walk(node.test)
        ):
            todo += node.orelse[::-1]
        elif not (isinstance(node, ast.Try) and any(_catches_import(handler) for handler in node.handlers)):
            yield node
            todo += [*ast.iter_child_nodes(node)][::-1]


def _catches_import(handler: ast.ExceptHandler) -> bool:
    caught = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    return bool(caught & {"ImportError", "ModuleNotFoundError", "Exception"})


def imports_of(node: ast.AST) -> Iterator[str]:
    """The modules that one import statement names, with dots before relative ones; for `from a import b` `a`, `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        yield base
        joint = "" if base.endswith(".") else "."
        yield from (f"{base}{joint}{alias.name}" for alias in node.names if alias.name != "*")
