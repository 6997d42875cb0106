"""Weights of a guest's own in the architecture of a reference model: the code comes from us."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import torch

from rtsr_bench.measuring.building import entry_builder
from rtsr_bench.measuring.guest import BadGuest, Notes
from rtsr_bench.wire import LoadModel


def builder(request: LoadModel, notes: Notes) -> Callable[[], torch.nn.Module]:
    """Return what builds the reference architecture and loads the guest's weights into it, strictly."""
    path = request.files["code"]
    spec = importlib.util.spec_from_file_location("arch", path)
    if spec is None or spec.loader is None:
        raise BadGuest(f"the reference architecture {path.name} can't be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules["arch"] = module  # dataclasses and pickles look their module up
    spec.loader.exec_module(module)
    entry = getattr(module, request.entry.partition(":")[2])
    return entry_builder(entry, request, notes)
