"""Every shipped submission folder, loaded from its files the way the harness loads a guest."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    *sorted(path.parent for path in ROOT.glob("reference_models/*/submission.toml")),
    ROOT / "submissions/example_team",
)


@cache
def load_arch(folder: Path, module: str = "arch") -> ModuleType:
    """A module of a submission, under a name of its own: all of them are called arch.py."""
    spec = importlib.util.spec_from_file_location(f"{folder.name}_{module}", folder / f"{module}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # where dataclasses look for the module that they stand in
    spec.loader.exec_module(loaded)
    return loaded


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One model of one manifest."""

    folder: Path
    table: dict[str, Any]

    @property
    def id(self) -> str:
        variant = self.table.get("variant")
        return f"{self.folder.name}/{f'{variant}-' if variant else ''}x{self.scale}"

    @property
    def scale(self) -> int:
        return self.table["scale"]

    @property
    def weights(self) -> Path | None:
        """The checkpoint, where it lies in the folder."""
        checkpoint = self.table.get("checkpoint")
        return self.folder / checkpoint if isinstance(checkpoint, str) else None

    @property
    def args(self) -> dict[str, Any]:
        return self.table.get("args", {})

    @property
    def data_range(self) -> float:
        return self.table.get("data_range", 1.0)

    @property
    def module(self) -> ModuleType:
        return load_arch(self.folder, self.table["entry"].partition(":")[0])

    def entry(self) -> Callable[..., torch.nn.Module]:
        return getattr(self.module, self.table["entry"].partition(":")[2])

    def build(self) -> torch.nn.Module:
        """The model with its weights, or with fresh ones of a fixed seed where they have to be fetched."""
        torch.manual_seed(0)
        entry = self.entry()
        if self.weights is not None and "checkpoint" in inspect.signature(entry).parameters:
            model = entry(**self.args, checkpoint=str(self.weights))
        else:
            model = entry(**self.args)
            if self.weights is not None:
                model.load_state_dict(load_file(self.weights), strict=True)
        return model.eval().requires_grad_(requires_grad=False)

    def training_form(self) -> torch.nn.Module | None:
        """The form that the network is trained in, where it is another one than is submitted.

        A folder shows it by a callable `training` beside the entry that takes the manifest's `args` and returns a
        module with `.deployed_form()`. Blocks that can compute themselves merged (`folded`) compute step by step.
        """
        make = getattr(self.module, "training", None)
        if make is None:
            return None
        torch.manual_seed(0)
        form = make(**self.args)
        for block in form.modules():
            if hasattr(block, "folded"):
                block.folded = False
        return form.eval().requires_grad_(requires_grad=False)


def manifest(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "submission.toml").read_text(encoding="utf-8"))


CASES = tuple(
    Case(folder=folder, table=table)
    for folder in FOLDERS
    if (folder / "submission.toml").is_file()
    for table in manifest(folder)["model"]
)
