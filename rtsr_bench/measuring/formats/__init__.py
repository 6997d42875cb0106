"""Loading a guest's model in the way of the format that it was handed in as: one file a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.measuring.guest import BadGuest, Notes
from rtsr_bench.measuring.weightfile import Kind, expect

_PYTHON = 'weights alone are handed in with the code of the network, as format = "python"'
_FILES = {
    "torchscript": ((Kind.TORCHSCRIPT,), f"save it with torch.jit.save; {_PYTHON}"),
    "torch-export": ((Kind.EXPORT,), f"save it with torch.export.save; {_PYTHON}"),
    "onnx": ((Kind.OTHER,), f"export it with torch.onnx.export; {_PYTHON}"),
}


def builder(request: Mapping[str, Any], device: torch.device, notes: Notes) -> Callable[[], torch.nn.Module]:
    """Return what builds the model of a `load` request, a fresh one at each call.

    BadGuest for an unknown format, and for a file that is not of the format. What is done to load the model is added
    to `notes`.
    """
    form = request["format"]
    if form in _FILES:
        for path in filter(None, (request["checkpoint"], request.get("half"))):
            expect(Path(path), *_FILES[form])
    match form:
        case "python":
            from rtsr_bench.measuring.formats.python import builder as from_code

            return from_code(request, notes)
        case "reference":
            from rtsr_bench.measuring.formats.reference import builder as from_code

            return from_code(request, notes)
        case "torchscript":
            from rtsr_bench.measuring.formats.torchscript import builder as make
        case "torch-export":
            from rtsr_bench.measuring.formats.exported import builder as make
        case "onnx":
            from rtsr_bench.measuring.formats.onnx import builder as make
        case "ntire-esr":
            from rtsr_bench.measuring.formats.ntire_esr import builder as make
        case other:
            raise BadGuest(f"a format {other!r} that the child can't load")
    return make(request, device)
