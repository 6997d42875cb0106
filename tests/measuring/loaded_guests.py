"""Guests that are loaded in the process of the tests: what they change is set back."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import asdict

from rtsr_bench.measuring.guest import Guest
from rtsr_bench.measuring.loading import load
from rtsr_bench.wire import LoadModel

HAND_INS = Path(__file__).parents[1] / "hand_ins"

TWO_CONVS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, scale=2):
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.tail = nn.Conv2d(8, 3 * scale * scale, 3, padding=1)
        self.scale = scale

    def forward(self, x):
        return nn.functional.pixel_shuffle(self.tail(torch.relu(self.head(x))), self.scale)


def srmodel(**args):
    return Net(**args)
"""

LoadGuest = Callable[..., Guest]


@pytest.fixture
def _own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let a test's guest have the working folder, the import path and the module `arch` for itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    threads = torch.get_num_threads()
    yield
    sys.modules.pop("arch", None)
    torch.set_num_threads(threads)


@pytest.fixture
def load_guest(_own_process: None, tmp_path: Path) -> LoadGuest:
    """Load a guest: `source` as its arch.py, or a `folder`; more keys of the request as keyword arguments."""

    def loaded(source: str = TWO_CONVS, *, folder: Path | None = None, **more: Any) -> Guest:
        if folder is None:
            folder = tmp_path / "team"
            folder.mkdir(exist_ok=True)
            (folder / "arch.py").write_text(source)
        sys.modules.pop("arch", None)
        asked = {"format": "python", "folder": folder, "entry": "arch:srmodel", "scale": 2, **more}
        return load(LoadModel(**asked), torch.device("cpu"))

    return loaded


@pytest.fixture
def load_hand_in(load_guest: LoadGuest) -> Callable[[str], Guest]:
    """Load one of the submissions in tests/hand_ins as its manifest says."""
    from rtsr_bench.submissions import discover, load_request, resolve_checkpoint

    def loaded(name: str) -> Guest:
        (submission,) = discover(HAND_INS / name)
        (model,) = submission.models
        return load_guest(**asdict(load_request(model, submission, resolve_checkpoint(model, submission))))

    return loaded


def weights_in(path: Path) -> Any:
    """What a file of weights holds, read without the harness."""
    with path.open("rb") as file:
        if os.pread(file.fileno(), 9, 0)[8:] == b"{":
            from safetensors.torch import load as from_bytes

            return from_bytes(path.read_bytes())
    return torch.load(path, map_location="cpu", weights_only=True)
