"""A format from outside of the package: a network of one number, the brightness of its output, in a JSON file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.formats import FORMATS, Format, Load
from rtsr_bench.wire import LoadModel


def _read(table: Any, folder: Path) -> Load:
    del folder
    if not table.has("checkpoint"):
        raise UserError(f'{table.where}: expected a JSON file, found none; write checkpoint = "net.json"')
    return Load(args={"name": table.text("network", limit=20, default="nearest", example='"nearest"')})


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    import torch

    del device
    assert request.checkpoint is not None
    brightness = float(json.loads(request.checkpoint.read_text())["brightness"])
    notes.add(f"{request.args['name']} of brightness {brightness:g}")

    class Nearest(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return brightness * torch.nn.functional.interpolate(image, scale_factor=request.scale)

    return lambda: Nearest().eval()


FORMATS.add(Format(name="nearest-json", title="nearest neighbour in JSON", keys=("network",), read=_read, load=_load))
