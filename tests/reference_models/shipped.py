"""Every shipped submission folder, loaded from its files the way the harness loads a guest."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
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


def load_arch(folder: Path, module: str = "arch") -> ModuleType:
    """A module of a submission, under a name of its own: all of them are called arch.py."""
    spec = importlib.util.spec_from_file_location(f"{folder.name}_{module}", folder / f"{module}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
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

    def entry(self) -> Callable[..., torch.nn.Module]:
        module, _, name = self.table["entry"].partition(":")
        return getattr(load_arch(self.folder, module), name)

    def build(self) -> torch.nn.Module:
        """The model with its weights, or with fresh ones of a fixed seed where they have to be fetched."""
        torch.manual_seed(0)
        model = self.entry()(**self.table.get("args", {}))
        if self.weights is not None:
            model.load_state_dict(load_file(self.weights), strict=True)
        return model.eval().requires_grad_(requires_grad=False)


def manifest(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "submission.toml").read_text(encoding="utf-8"))


CASES = tuple(
    Case(folder=folder, table=table)
    for folder in FOLDERS
    if (folder / "submission.toml").is_file()
    for table in manifest(folder)["model"]
)
