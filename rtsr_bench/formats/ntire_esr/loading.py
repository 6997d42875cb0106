"""An entry of an NTIRE Efficient-SR repository: the branch of `select_model` in `test_demo.py` that builds it.

Only that function, the one that runs the model on an image, and the imports that these two use are executed: the rest
of the script wants packages and folders that no network needs. The team's files are left as they are.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from rtsr_bench.measuring.guest import BadGuest

_Forward = Callable[[torch.Tensor, torch.nn.Module, int | None], Any]


class Entry(torch.nn.Module):
    """A team's model, called as `test_demo.py` calls it: whole images, or tiles where the entry sets a tile size."""

    def __init__(self, model: torch.nn.Module, call: _Forward | None, tile: int | None) -> None:
        super().__init__()
        self.model, self.tile = model, tile
        self._call = call

    def forward(self, tensor: torch.Tensor) -> Any:
        """Run the repository's own function on a batch of images."""
        if self._call is None:
            return self.model(tensor)
        return self._call(tensor, self.model, self.tile)


def builder(request: Mapping[str, Any], device: torch.device) -> Callable[[], torch.nn.Module]:
    """Return what calls `select_model` anew at each call."""
    folder = Path(str(request["folder"]))
    module, _, name = str(request["entry"]).partition(":")
    script = folder.joinpath(*module.split(".")).with_suffix(".py")
    sys.path.insert(0, str(folder))
    given = dict(request["args"])
    forward = str(given.get("forward") or "")
    functions = _functions(script, [name, *([forward] if forward else [])])
    select, call = functions[name], functions.get(forward)
    arguments = SimpleNamespace(**given["args"])

    def build() -> torch.nn.Module:
        with torch.random.fork_rng(devices=()), _onto(device):
            torch.manual_seed(0)
            model, title, data_range, tile = select(arguments, device)
        if not isinstance(model, torch.nn.Module):
            raise BadGuest(f"{name} returned a {type(model).__name__} for {title}, expected a torch.nn.Module")
        if float(data_range) != float(request["data_range"]):
            raise BadGuest(f"{name} says data range {data_range:g}, the manifest says {request['data_range']:g}")
        if tile is not None and call is None:
            raise BadGuest(f"{name} sets a tile size of {tile}, and {script.name} has no function that makes tiles")
        return Entry(model, call, tile)

    return build


def _functions(script: Path, names: list[str]) -> dict[str, Any]:
    """Execute the named functions of a script with the top-level imports, constants and functions that they use."""
    tree = ast.parse(script.read_text(encoding="utf-8-sig"), filename=script.name)
    wanted, body = set(names), list[ast.stmt]()
    while True:
        used = {node.id for one in body for node in ast.walk(one) if isinstance(node, ast.Name)} | wanted
        kept = [one for one in (_part(statement, used) for statement in tree.body) if one is not None]
        if len(kept) == len(body):
            break
        body = kept
    space: dict[str, Any] = {"__name__": script.stem, "__file__": str(script)}
    code = compile(ast.Module(body=body, type_ignores=[]), str(script), "exec")
    exec(code, space)  # noqa: S102 - running a guest's code is what the child is for
    missing = [name for name in names if not callable(space.get(name))]
    if missing:
        raise BadGuest(f"{script.name} has no function {', '.join(missing)}")
    return space


def _part(statement: ast.stmt, used: set[str]) -> ast.stmt | None:
    """The part of a top-level statement that binds one of the names, None where it binds none."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        kept = [alias for alias in statement.names if (alias.asname or alias.name.partition(".")[0]) in used]
        if not kept:
            return None
        if isinstance(statement, ast.Import):
            return ast.copy_location(ast.Import(names=kept), statement)
        return ast.copy_location(ast.ImportFrom(statement.module, kept, statement.level), statement)
    if isinstance(statement, ast.FunctionDef):
        return statement if statement.name in used else None
    if isinstance(statement, ast.Assign):
        names = {node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        return statement if names & used else None
    return None


@contextmanager
def _onto(device: torch.device) -> Iterator[None]:
    """Let `torch.load` put weights onto this device where the call names none: most were saved on a GPU."""
    original: Any = torch.load

    def load(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            kwargs.setdefault("map_location", device)
        return original(*args, **kwargs)

    torch.load = load
    try:
        yield
    finally:
        torch.load = original
