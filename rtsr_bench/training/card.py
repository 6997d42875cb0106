"""The card of trained weights: data, recipe, code, duration and machine of the training."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from rtsr_bench.system import cpu_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.training.pictures import Picture
    from rtsr_bench.training.recipe import Recipe

VERSION = 1
_CODE = (
    "training", "images/degrade.py", "images/degradations", "images/pillow_codec.py", "images/resize.py", "images/io.py"
)  # fmt: skip


def code_digest(recipe: Recipe) -> str:
    """16 hex digits over the code that affects a training: the arch's folder, this package, the degradations."""
    package = Path(__file__).resolve().parents[1]
    files = sorted(recipe.arch.parent.glob("*.py"))
    for name in _CODE:
        place = package / name
        files += sorted(place.glob("*.py")) if place.is_dir() else [place]
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def data_digest(train: Sequence[Picture], validation: Sequence[Picture]) -> str:
    """16 hex digits over the hashes of the pictures, in order."""
    text = "\n".join((*(picture.sha256 for picture in train), "", *(picture.sha256 for picture in validation)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def grown_from(recipe: Recipe) -> dict[str, str]:
    """Name and SHA-256 of the weights that a training starts from; empty if there are none."""
    if recipe.grow_from is None:
        return {}
    return {"file": recipe.grow_from.name, "sha256": hashlib.sha256(recipe.grow_from.read_bytes()).hexdigest()}


def machine(device: torch.device) -> dict[str, str]:
    """The machine that the training ran on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_model()
    return {
        "device": name,
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def card(
    recipe: Recipe,
    *,
    train: Sequence[Picture],
    validation: Sequence[Picture],
    codes: Sequence[str],
    machine: dict[str, str],
    seconds: float,
    finished: str,
    curve: Sequence[dict[str, float]],
    bicubic: dict[str, float],
    weights: str,
    data: bytes,
    params: int,
) -> dict[str, Any]:
    """The card as plain values; `weights` and `data` are the name and the bytes of the weights' file.

    `curve` has the loss and the PSNR on the validation crops in dB, `bicubic` is bicubic's PSNR on the same crops.
    """
    return {
        "card": VERSION,
        "weights": weights,
        "weights_sha256": hashlib.sha256(data).hexdigest(),
        "params": params,
        "recipe": recipe.name,
        "recipe_digest": recipe.digest,
        "recipe_text": recipe.text,
        **({"grown_from": grown} if (grown := grown_from(recipe)) else {}),
        "code_digests": list(codes),
        "iterations": recipe.iterations,
        "batch": recipe.batch,
        "samples": recipe.iterations * recipe.batch,
        "hours": round(seconds / 3600, 3),
        "finished": finished,
        "machine": machine,
        "data_digest": data_digest(train, validation),
        "data": [
            {"name": picture.name, "sha256": picture.sha256, "role": role}
            for role, pictures in (("train", train), ("validation", validation))
            for picture in pictures
        ],
        "bicubic": bicubic,
        "curve": list(curve),
    }


def encoded(content: dict[str, Any]) -> bytes:
    """Encode a card as JSON."""
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()
