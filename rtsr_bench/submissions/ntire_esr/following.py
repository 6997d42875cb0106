"""Which files of a checkout an entry needs, and which of its imports are neither there nor installed."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import shown
from rtsr_bench.submissions.ntire_esr.reading import imports_of, parse
from rtsr_bench.text import ascii_safe


@dataclass(kw_only=True, slots=True)
class Needs:
    """`files` of the checkout that are imported, relative; `lacking`: modules to the first file that imports each.

    `cuda`: files that call `.cuda()`, which no other device than a GPU survives where the call is reached.
    """

    files: list[str] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    cuda: list[str] = field(default_factory=list)


def follow(checkout: Path, modules: Iterable[str], *, label: str, by: str) -> Needs:
    """Follow imports from a first few modules through the files of the checkout; nothing is imported.

    What stands inside `if __name__ == "__main__"` or in a `try` that catches an ImportError is not needed.
    UserError, one line, for a file that is no Python and for a relative import that leads out of the checkout.
    """
    needs = Needs()
    todo = [(_absolute(module, by, label=label), by) for module in modules]
    seen: set[str] = set()
    while todo:
        module, importer = todo.pop(0)
        if module in seen or not all(part.isidentifier() for part in module.split(".")):
            continue
        seen.add(module)
        path = _file(checkout, module)
        if path is None:
            top = module.partition(".")[0]
            if not _is_local(checkout, top) and not _is_there(top):
                needs.lacking.setdefault(top, importer)
            continue
        for name in (*_packages(checkout, path), path):
            if name not in needs.files:
                needs.files.append(name)
                tree = parse(checkout, name, label=label)
                reached = list(_reached(tree))
                found = (one for node in reached for one in imports_of(node))
                todo += [(_absolute(one, name, label=label), name) for one in found]
                if any(_calls_cuda(node) for node in reached):
                    needs.cuda.append(name)
    return needs


def _file(checkout: Path, module: str) -> str | None:
    """The file of a module in the checkout, None where it has none (a name inside a module has none either)."""
    base = PurePosixPath(*module.split("."))
    for name in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
        if _is_file(checkout / name):
            return name.as_posix()
    return None


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - os.path answers where pathlib raises, such as for a name of 300 letters


def _packages(checkout: Path, name: str) -> Iterator[str]:
    for parent in list(PurePosixPath(name).parents)[:-1][::-1]:
        if _is_file(checkout / parent / "__init__.py"):
            yield (parent / "__init__.py").as_posix()


def _is_local(checkout: Path, top: str) -> bool:
    return os.path.isdir(checkout / top) or _is_file(checkout / f"{top}.py")  # noqa: PTH112 - as above


def _is_there(top: str) -> bool:
    if top in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _absolute(module: str, importer: str, *, label: str) -> str:
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    package = PurePosixPath(importer).parent.parts
    if level > len(package) + 1:
        raise UserError(
            f"{label}: {ascii_safe(importer)}: expected imports of files of the checkout, found {shown(module)}, which "
            "leads out of it; correct that place"
        )
    return ".".join((*package[: len(package) - level + 1], *filter(None, module.lstrip(".").split("."))))


def _reached(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that count when a module is imported or its functions are called, in the order of the text."""
    todo = [tree]  # and no recursion: a stranger's expression may be deeper than Python's own stack
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and any(
            isinstance(part, ast.Constant) and part.value == "__main__" for part in ast.walk(node.test)
        ):
            todo += node.orelse[::-1]
        elif not (isinstance(node, ast.Try) and any(_catches_import(handler) for handler in node.handlers)):
            yield node
            todo += [*ast.iter_child_nodes(node)][::-1]


def _calls_cuda(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cuda"


def _catches_import(handler: ast.ExceptHandler) -> bool:
    caught = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    return bool(caught & {"ImportError", "ModuleNotFoundError", "Exception"})
