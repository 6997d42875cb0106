"""Which files of a checkout an entry needs, and which of its imports are neither there nor installed."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import shown
from rtsr_bench.submissions.ntire_esr.reading import SCRIPT, Entry, imports_of, parse, reached
from rtsr_bench.submissions.ntire_esr.surroundings import beside, is_built_by, named_paths
from rtsr_bench.text import ascii_safe


@dataclass(kw_only=True, slots=True)
class Needs:
    """`files` of the checkout that are imported, relative; `lacking`: modules to the first file that imports each.

    `cuda`: files that ask for CUDA, which no other device has; the child gives them the measured device instead.
    `beside`: files that lie beside those that are imported, or that they name: data, compiled code, its source.
    """

    files: list[str] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    cuda: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


def follow(checkout: Path, entry: Entry, *, shared: Collection[str], label: str) -> Needs:
    """Follow the imports of an entry through the files of the checkout; nothing is imported.

    `shared` are folders that belong to several entries. What stands inside `if __name__ == "__main__"` or in a `try`
    that catches an ImportError is not needed. UserError, one line, for a file that is no Python and for a relative
    import that leads out of the checkout.
    """
    needs, number = Needs(), entry.model_id or 0
    todo = [(_absolute(module, SCRIPT, label=label), SCRIPT) for module in entry.modules]
    read = {SCRIPT: list(reached(*entry.code))}
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
                read[name] = list(reached(parse(checkout, name, label=label))) if name.endswith(".py") else []
                found = (one for node in read[name] for one in imports_of(node))
                todo += [(_absolute(one, name, label=label), name) for one in found]
    needs.cuda = [name for name, nodes in read.items() if any(map(asks_for_cuda, nodes))]
    named = {path for name, nodes in read.items() for path in named_paths(checkout, nodes, name, number)}
    needs.beside = beside(checkout, needs.files, named, shared=shared, label=label)
    needs.lacking = {top: by for top, by in needs.lacking.items() if not is_built_by(checkout, needs.beside, top)}
    return needs


def _file(checkout: Path, module: str) -> str | None:
    """The file of a module in the checkout, None where it has none (a name inside a module has none either)."""
    base = PurePosixPath(*module.split("."))
    for name in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
        if _is_file(checkout / name):
            return name.as_posix()
    return _compiled(checkout, base)


def _compiled(checkout: Path, base: PurePosixPath) -> str | None:
    """The file of a compiled module, `ops.cpython-311-x86_64-linux-gnu.so`, for whatever Python it was made."""
    try:
        inside = sorted(path.name for path in (checkout / base.parent).iterdir())
    except OSError:
        return None
    for name in inside:
        if name.partition(".")[0] == base.name and PurePosixPath(name).suffix in {".so", ".pyd"}:
            return (base.parent / name).as_posix()
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


def asks_for_cuda(node: ast.AST) -> bool:
    """Whether code calls `.cuda()` or passes "cuda" to a call: `.to("cuda")`, `map_location="cuda:0"`."""
    if not isinstance(node, ast.Call):
        return False
    given = (*node.args, *(keyword.value for keyword in node.keywords))
    return (isinstance(node.func, ast.Attribute) and node.func.attr == "cuda") or any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.partition(":")[0] == "cuda"
        for one in given
    )
