"""An entry of an NTIRE Efficient-SR repository: the branch of `select_model` in `test_demo.py` that builds it.

Only that function, the one that runs the model on an image, and the imports that these two use are executed: the rest
of the script wants packages and folders that no network needs. The team's files are left as they are.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from rtsr_bench.formats.ntire_esr.script import needed
from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.wire import LoadModel

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


def builder(request: LoadModel, device: torch.device) -> Callable[[], torch.nn.Module]:
    """Return what calls `select_model` anew at each call."""
    folder = request.folder
    module, _, name = request.entry.partition(":")
    script = folder.joinpath(*module.split(".")).with_suffix(".py")
    sys.path.insert(0, str(folder))
    given = request.args
    forward = str(given.get("forward") or "")
    functions = _functions(script, [name, *([forward] if forward else [])], int(given["args"]["model_id"]))
    select, call = functions[name], functions.get(forward)
    arguments = SimpleNamespace(**given["args"])

    def build() -> torch.nn.Module:
        with torch.random.fork_rng(devices=()), _onto(device):
            torch.manual_seed(0)
            model, title, data_range, tile = select(arguments, device)
        if not isinstance(model, torch.nn.Module):
            raise BadGuest(f"{name} returned a {type(model).__name__} for {title}, expected a torch.nn.Module")
        if float(data_range) != request.data_range:
            raise BadGuest(f"{name} says data range {data_range:g}, the manifest says {request.data_range:g}")
        if tile is not None and call is None:
            raise BadGuest(f"{name} sets a tile size of {tile}, and {script.name} has no function that makes tiles")
        return Entry(model, call, tile)

    return build


def _functions(script: Path, names: list[str], number: int) -> dict[str, Any]:
    """Execute the named functions of a script with what they use of it for the entry of a number."""
    tree = ast.parse(script.read_text(encoding="utf-8-sig"), filename=script.name)
    space: dict[str, Any] = {"__name__": script.stem, "__file__": str(script)}
    body = needed(tree, names, number)
    code = compile(ast.Module(body=body, type_ignores=[]), str(script), "exec")
    exec(code, space)  # noqa: S102 - running a guest's code is what the child is for
    missing = [name for name in names if not callable(space.get(name))]
    if missing:
        raise BadGuest(f"{script.name} has no function {', '.join(missing)}")
    return space


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
