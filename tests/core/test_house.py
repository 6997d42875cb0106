"""The house: who may import whom, how large a room may grow, and that light imports stay light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rtsr_bench"
MAX_LINES = 310

CORE = {
    "errors", "protocol", "record", "score", "eligibility", "statistics", "number_warnings", "leaderboard", "tracks",
    "wire", "paper", "text", "plugins", "metric",
}  # fmt: skip
PIXELS = {"images", "metrics"}
DISK = {"datasets", "submissions", "store", "system", "load"}
BOUNDARY = {"sandbox"}
VERBS = {"evaluate", "training", "reproduce"}

ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(CORE, CORE),
    **dict.fromkeys(PIXELS, CORE | PIXELS),
    **dict.fromkeys(DISK, CORE | PIXELS | DISK),
    "sandbox": CORE | {"submissions", "sandbox"},
    "measuring": CORE | {"measuring"},
    **dict.fromkeys(VERBS, CORE | PIXELS | DISK | BOUNDARY | VERBS),
    "report": CORE | {"store", "report"},
    "cli": CORE | DISK | BOUNDARY | VERBS | {"report", "cli"},
    "__main__": {"cli"},
    "__init__": set(),
}
"""Rooms that each room may import from; `measuring` stands in nobody's list."""

STANDARD_ONLY = CORE - {"statistics"}
"""Rooms with nothing but the standard library; statistics may load scipy, inside a function."""

WITHOUT_TORCH = CORE | DISK | BOUNDARY | {"report", "cli"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
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
def test_a_room_imports_only_what_stands_above_it(path: Path) -> None:
    here = room(path)
    assert here in ALLOWED, f"{path.name} stands in no layer: name it in the table"
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] == "rtsr_bench" and len(parts) > 1:
            assert parts[1] in ALLOWED[here], f"{here} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_core_needs_nothing_but_the_standard_library(path: Path) -> None:
    if room(path) not in STANDARD_ONLY:
        return
    for name, _ in imports(path):
        top = name.split(".")[0]
        assert top == "rtsr_bench" or top in sys.stdlib_module_names, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_room_outgrows_a_readers_head(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}


def test_what_is_unfit_to_be_shown_is_decided_in_one_place() -> None:
    marks = re.compile(r"unicodedata\.category|isprintable|isprint\b|\\x1b|\\u202[a-e]")
    found = {path.relative_to(PACKAGE).as_posix() for path in modules() if marks.search(path.read_text("utf-8"))}
    assert found == {"text.py"}


def test_only_the_child_and_the_pixels_may_name_torch() -> None:
    named = {room(path) for path in modules() for name, _ in imports(path) if name.split(".")[0] == "torch"}
    assert named <= {"measuring", "images", "metrics", "training", "evaluate"}
    assert not named & WITHOUT_TORCH


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("module", ["rtsr_bench", "rtsr_bench.cli", "rtsr_bench.report", "rtsr_bench.evaluate"])
def test_importing_loads_no_torch(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert module in loaded
    assert not loaded & {"torch", "scipy", "numba"}


def test_a_record_needs_no_more_of_the_package_than_the_child_sees() -> None:
    from rtsr_bench.sandbox.bubblewrap import _CHILD_ROOMS

    rooms = {name.split(".")[1] for name in loaded_by("import rtsr_bench.record") if name.startswith("rtsr_bench.")}
    assert rooms <= {name.removesuffix(".py") for name in _CHILD_ROOMS}


def test_help_answers_without_any_heavy_import() -> None:
    code = (
        "from click.testing import CliRunner\nfrom rtsr_bench.cli import cli\n"
        "result = CliRunner().invoke(cli, ['--help'])\nassert result.exit_code == 0 and 'leaderboard' in result.output"
    )
    assert not loaded_by(code) & {"torch", "numpy", "PIL", "scipy", "pandas", "matplotlib", "numba", "jinja2"}
