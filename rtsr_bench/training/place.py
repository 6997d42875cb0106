"""The device of a training, and torch's threads."""

from __future__ import annotations

import torch

from rtsr_bench.errors import UserError


def settle(device: str, threads: int | None) -> str:
    """Resolve the device name and set torch's threads; UserError for a device that does not exist."""
    if threads is not None:
        torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        meant = torch.device(device)
    except RuntimeError:
        raise UserError(f"--device {device}: expected cpu, cuda, cuda:N or auto; correct it") from None
    if meant.type not in {"cpu", "cuda"}:
        raise UserError(
            f"--device {device}: expected cpu, cuda, cuda:N or auto, found a {meant.type} device; correct it"
        )
    if meant.type == "cuda" and (meant.index or 0) >= torch.cuda.device_count():
        found = f"{torch.cuda.device_count()} CUDA devices"
        raise UserError(f"--device {device}: expected a CUDA device of that number, found {found}; train on cpu")
    if meant.type == "cuda":
        torch.backends.cudnn.benchmark = True
    return device
