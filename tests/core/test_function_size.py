"""Functions are short enough to be read at once; the longer ones are named here, each with its reason."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "rtsr_bench"
LINES = 50
DRAWING = "a list of strokes in the order they are drawn"
LONGER = {
    "metrics/kernels.py ssim_columns": "one compiled loop: numba does not fuse what is split",
    "datasets/builtin/scenes/icons.py icon": DRAWING,
    "datasets/builtin/scenes/landscape.py _paint": DRAWING,
    "datasets/builtin/scenes/leaves.py _leaf": DRAWING,
    "datasets/builtin/scenes/poster.py _balloon": DRAWING,
    "datasets/builtin/scenes/poster.py balloons": DRAWING,
    "datasets/builtin/scenes/worlds.py courtyard": DRAWING,
    "cli/check.py check_command": "half of it is the list of its options",
    "cli/train.py train_command": "half of it is the list of its options",
}


def test_no_function_is_longer_than_fifty_lines_without_a_reason() -> None:
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno + 1 > LINES:
                    found.add(f"{path.relative_to(PACKAGE).as_posix()} {node.name}")
    assert found - set(LONGER) == set()
    assert set(LONGER) - found == set(), "these are short enough now: take them off the list"
