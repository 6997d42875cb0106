"""Layers: which package may import which, the size of modules, and imports that must stay light."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtsr_bench.sandbox import bubblewrap

PACKAGE = Path(__file__).parents[2] / "rtsr_bench"
MAX_LINES = 310

CORE = {
    "errors", "protocol", "record", "score", "eligibility", "statistics", "number_warnings", "leaderboard", "tracks",
    "wire", "paper", "text", "plugins", "execution", "metric", "guarded", "division", "comparison",
}  # fmt: skip
FILES = {"files"}
PIXELS = {"images", "metrics"}
TWO_SIDED = {"backends", "formats"}
DISK = {"datasets", "submissions", "store", "system", "load"}
BOUNDARY = {"sandbox"}
VERBS = {"evaluate", "executors", "training", "reproduce", "compare"}

ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(CORE, CORE),
    **dict.fromkeys(("paper", "plugins"), CORE | FILES),
    "tracks": CORE | FILES | {"backends"},
    "files": CORE - {"tracks", "paper", "plugins"} | FILES,
    **dict.fromkeys(PIXELS, CORE | FILES | PIXELS),
    **dict.fromkeys(DISK, CORE | FILES | PIXELS | DISK | TWO_SIDED),
    "datasets": CORE | FILES | PIXELS | {"datasets"},
    "store": CORE - {"paper"} | FILES | {"store"},
    "backends": CORE | {"backends", "measuring"},
    "formats": CORE | FILES | {"formats", "submissions", "measuring"},
    "sandbox": CORE | FILES | TWO_SIDED | {"submissions", "sandbox"},
    "measuring": CORE | TWO_SIDED | {"measuring"},
    **dict.fromkeys(VERBS, CORE | FILES | PIXELS | DISK | BOUNDARY | VERBS | TWO_SIDED),
    "report": CORE | FILES | {"store", "report"},
    "cli": CORE | FILES | DISK | BOUNDARY | VERBS | TWO_SIDED | {"report", "cli"},
    "__main__": {"cli"},
    "__init__": set(),
}
"""The packages that each package may import. Only two-sided packages may import `measuring`.

Parent and child look up members of two-sided packages by name. What runs in the child only is imported there, inside a
function: see `test_two_sided_modules_import_at_the_top_only_what_both_sides_have`. docs/architecture.md has the table.
"""

STANDARD_ONLY = CORE - {"statistics", "wire"}
"""Packages that import only the standard library; statistics may load scipy, inside a function, and wire msgspec."""

KNOWN = sys.stdlib_module_names | {"rtsr_bench"}

WITHOUT_TORCH = CORE | FILES | DISK | BOUNDARY | {"report", "cli"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def package_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Every module that a file imports, anywhere in it, with the statement; relative ones resolved."""
    package = ("rtsr_bench", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module or "") if part)
            yield name, node
            if name == "rtsr_bench":
                yield from ((f"rtsr_bench.{alias.name}", node) for alias in node.names if alias.name != "__version__")


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_package_imports_only_allowed_packages(path: Path) -> None:
    here = package_of(path)
    assert here in ALLOWED, f"{path.name} is in no layer: add it to ALLOWED and to docs/architecture.md"
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] == "rtsr_bench" and len(parts) > 1:
            assert parts[1] in ALLOWED[here], f"{here} imports {name}"


def test_architecture_table_equals_allowed() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| ((?:`\w+`(?:, )?)+) \| ([^|]+) \|", text, re.MULTILINE)
    layers: dict[str, set[str]] = {}
    for layer, packages, _ in rows:
        layers.setdefault(layer, set()).update(re.findall(r"\w+", packages))
    allowed = {}
    for _, packages, terms in rows:
        may = set()
        for term in terms.split(", "):
            first, _, without = term.partition(" without ")
            may |= ({first.strip("`")} if first.startswith("`") else layers[first]) - set(re.findall(r"\w+", without))
        allowed |= dict.fromkeys(re.findall(r"\w+", packages), may)
    assert allowed == {name: may for name, may in ALLOWED.items() if not name.startswith("__")}


def module_name(path: Path) -> str:
    parts = ("rtsr_bench", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Every import in a syntax tree that runs, at the top or in a function; those for the type checker do not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from statements(child)


def imported_modules(path: Path, known: set[str]) -> set[str]:
    """The modules of this package that a module imports: of `from package import name` the module `name`, if one."""
    package = ("rtsr_bench", *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for statement in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            above = ".".join(package[: len(package) - statement.level + 1]) if statement.level else ""
            base = ".".join(filter(None, (above, statement.module)))
            inner = {f"{base}.{alias.name}" for alias in statement.names}
            found |= (inner & known) | ({base} if inner - known else set())
    return found & known


def cycles(graph: dict[str, set[str]]) -> list[str]:
    """Every cycle that is left while one after another is cut, as `a -> b -> a`."""
    graph, found = {name: set(others) for name, others in graph.items()}, []
    while True:
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            ring = error.args[1][::-1]  # each is imported by the one before it
            found.append(" -> ".join(ring))
            graph[ring[0]].discard(ring[1])
        else:
            return found


def test_no_import_cycles() -> None:
    paths = {module_name(path): path for path in modules()}
    graph = {name: imported_modules(path, set(paths)) for name, path in paths.items()}
    assert sum(map(len, graph.values())) > len(graph), "the imports were not found"
    assert cycles(graph) == []


def test_cycles_are_detected() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) in (
        [["a -> b -> c -> a"], ["b -> c -> a -> b"], ["c -> a -> b -> c"]]
    )


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_core_imports_only_the_standard_library(path: Path) -> None:
    if package_of(path) not in STANDARD_ONLY:
        return
    for name, _ in imports(path):
        top = name.split(".")[0]
        assert top == "rtsr_bench" or top in sys.stdlib_module_names, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module_size_and_name(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}


def test_unsafe_characters_are_defined_only_in_text() -> None:
    marks = re.compile(r"unicodedata\.category|isprintable|isprint\b|\\x1b|\\u202[a-e]")
    found = {path.relative_to(PACKAGE).as_posix() for path in modules() if marks.search(path.read_text("utf-8"))}
    assert found == {"text.py"}


def test_only_some_packages_import_torch() -> None:
    named = {package_of(path) for path in modules() for name, _ in imports(path) if name.split(".")[0] == "torch"}
    assert named <= {"measuring", "images", "metrics", "training", "evaluate"} | TWO_SIDED
    assert not named & WITHOUT_TORCH


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


CHILD_HALVES = {"loading.py", "counting.py", "providers.py", "retyping.py"}
"""Modules in the folder of a format that only the child imports."""


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_two_sided_modules_import_at_the_top_only_what_both_sides_have(path: Path) -> None:
    if package_of(path) not in TWO_SIDED or path.name in CHILD_HALVES:
        return
    at_the_top = {statement.lineno for statement in ast.parse(path.read_text(encoding="utf-8")).body}
    for name, statement in imports(path):
        top, *below = name.split(".")
        if statement.lineno in at_the_top:
            allowed = below[0] in CORE | TWO_SIDED if top == "rtsr_bench" and below else top in KNOWN
            assert allowed, f"{path.parent.name}/{path.name} imports {name} at its top"


def test_child_can_read_what_the_registries_import() -> None:
    code = (
        "from rtsr_bench.backends import BACKENDS\nfrom rtsr_bench.formats import FORMATS\n"
        "assert BACKENDS.all() and FORMATS.all()"
    )
    loaded = loaded_by(code)
    seen = {name.removesuffix(".py") for name in bubblewrap._CHILD_PACKAGES}
    assert {name.split(".")[1] for name in loaded if name.startswith("rtsr_bench.")} <= seen
    assert not loaded & {"torch", "numpy"}


@pytest.mark.parametrize("module", ["rtsr_bench", "rtsr_bench.cli", "rtsr_bench.report", "rtsr_bench.evaluate"])
def test_import_loads_no_heavy_library(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert module in loaded
    assert not loaded & {"torch", "scipy", "numba"}


def test_child_can_read_what_a_record_imports() -> None:
    from rtsr_bench.sandbox.bubblewrap import _CHILD_PACKAGES

    packages = {name.split(".")[1] for name in loaded_by("import rtsr_bench.record") if name.startswith("rtsr_bench.")}
    assert packages <= {name.removesuffix(".py") for name in _CHILD_PACKAGES}


def test_help_loads_no_heavy_library() -> None:
    code = (
        "from click.testing import CliRunner\nfrom rtsr_bench.cli import cli\n"
        "from rtsr_bench.submissions.skeleton import skeletons\n"
        "first, new = (CliRunner().invoke(cli, args) for args in (['--help'], ['new', '--help']))\n"
        "assert first.exit_code == new.exit_code == 0 and 'leaderboard' in first.output\n"
        "said = ''.join(new.output.split())  # help breaks lines at hyphens\n"
        "assert f\"Howthemodelissubmitted:{','.join(skeletons())}.\" in said, said"
    )
    assert not loaded_by(code) & {"torch", "numpy", "PIL", "scipy", "pandas", "matplotlib", "numba", "jinja2"}
