"""Which files of a checkout an entry needs, and which of its imports are neither there nor installed."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rtsr_bench.submissions.ntire_esr.reading import imports_of, parse


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
    """
    needs = Needs()
    todo = [(module, by) for module in modules]
    seen: set[str] = set()
    while todo:
        module, importer = todo.pop(0)
        if module in seen:
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
                todo += [(_absolute(found, name), name) for node in _reached(tree) for found in imports_of(node)]
                if any(_calls_cuda(node) for node in _reached(tree)):
                    needs.cuda.append(name)
    return needs


def _file(checkout: Path, module: str) -> str | None:
    """The file of a module in the checkout, None where it has none (a name inside a module has none either)."""
    base = PurePosixPath(*module.split("."))
    for name in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
        if (checkout / name).is_file():
            return name.as_posix()
    return None


def _packages(checkout: Path, name: str) -> Iterator[str]:
    for parent in list(PurePosixPath(name).parents)[:-1][::-1]:
        if (checkout / parent / "__init__.py").is_file():
            yield (parent / "__init__.py").as_posix()


def _is_local(checkout: Path, top: str) -> bool:
    return (checkout / top).is_dir() or (checkout / f"{top}.py").is_file()


def _is_there(top: str) -> bool:
    if top in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _absolute(module: str, importer: str) -> str:
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    package = PurePosixPath(importer).parent.parts
    return ".".join((*package[: len(package) - level + 1], *filter(None, module.lstrip(".").split("."))))


def _reached(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that count when a module is imported or its functions are called."""
    if isinstance(node, ast.If) and any(
        isinstance(part, ast.Constant) and part.value == "__main__" for part in ast.walk(node.test)
    ):
        for other in node.orelse:
            yield from _reached(other)
        return
    if isinstance(node, ast.Try) and any(_catches_import(handler) for handler in node.handlers):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _reached(child)


def _calls_cuda(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cuda"


def _catches_import(handler: ast.ExceptHandler) -> bool:
    caught = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    return bool(caught & {"ImportError", "ModuleNotFoundError", "Exception"})
