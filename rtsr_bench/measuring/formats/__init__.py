"""Loading what was not handed in as a Python module of the submission's own: one file a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from rtsr_bench.measuring.guest import BadGuest


def builder(request: Mapping[str, Any], device: torch.device) -> Callable[[], torch.nn.Module]:
    """Return what builds the model of a `load` request, a fresh one at each call; BadGuest for an unknown format."""
    match request["format"]:
        case "torchscript":
            from rtsr_bench.measuring.formats.torchscript import builder as make
        case "torch-export":
            from rtsr_bench.measuring.formats.exported import builder as make
        case "onnx":
            from rtsr_bench.measuring.formats.onnx import builder as make
        case "reference":
            from rtsr_bench.measuring.formats.reference import builder as make
        case "ntire-esr":
            from rtsr_bench.measuring.formats.ntire_esr import builder as make
        case other:
            raise BadGuest(f"a format {other!r} that the child can't load")
    return make(request, device)
