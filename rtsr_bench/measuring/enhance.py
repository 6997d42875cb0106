"""LR pixels in, SR pixels out, with the contract checked on the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from rtsr_bench.execution import Execution
from rtsr_bench.measuring import numerics
from rtsr_bench.measuring.guest import BadGuest, Guest, autocast, laid_out, no_gradients
from rtsr_bench.measuring.memory import MemoryRise
from rtsr_bench.protocol import Size
from rtsr_bench.wire import Enhanced, EnhanceImage, Prepared, PrepareModel

_CHUNK = 1 << 24
_CHECKED = 1 << 22
"""Values whose finiteness is looked at at once: a map of the whole 4K output would be as large as a feature map."""


def prepared(guest: Guest, execution: Execution) -> Callable[[torch.Tensor], Any]:
    """Return the model ready for an execution; it is built anew if the current one does not suit."""
    numerics.settle(tf32=execution.tf32)  # onnxruntime is told when its session is made
    model = guest.model(execution)
    numerics.settle(tf32=execution.tf32)
    return model


def prepare(guest: Guest, request: PrepareModel) -> Prepared:
    """Make the model ready, and with a size call it once: some backends export and compile only then."""
    size = request.size
    if size is None:
        prepared(guest, request.execution)
        return Prepared()
    rise = MemoryRise(guest.device)
    runs = prepared(guest, request.execution)
    output = forward(guest, torch.zeros(1, 3, size.height, size.width, device=guest.device), request.execution)
    if type(output) is not torch.Tensor:
        raise BadGuest(f"the model returned a {type(output).__name__}, expected a tensor")
    del output
    told = getattr(runs, "graph_bytes", None)
    return Prepared(graph_bytes=int(told()) if callable(told) else 0, peak_bytes=rise.bytes())


def forward(guest: Guest, tensor: torch.Tensor, execution: Execution) -> Any:
    """Call the model once under an execution on a float tensor (N, 3, H, W) of the model's data range."""
    model = prepared(guest, execution)
    with no_gradients(), autocast(execution, guest.device):
        output = model(laid_out(tensor, execution))
    # One that enables gradients for itself may return what requires them, which no harness needs.
    return output.detach() if type(output) is torch.Tensor else output


def shaped(output: object, batch: int, size: Size) -> torch.Tensor:
    """Return the output if it is a float tensor (batch, 3, H, W) of the size expected, whatever its values.

    Nothing is computed and nothing allocated; BadGuest otherwise.
    """
    if type(output) is not torch.Tensor:  # a subclass may put its work off until somebody looks
        raise BadGuest(f"the model returned a {type(output).__name__}, expected a tensor")
    expected = (batch, 3, size.height, size.width)
    if tuple(output.shape) != expected:
        raise BadGuest(f"the model returned the shape {tuple(output.shape)}, expected {expected}")
    if not output.is_floating_point():
        raise BadGuest(f"the model returned {output.dtype}, expected a floating-point tensor")
    return output.detach()  # no copy; a model that switches gradients on has a graph behind its output


def checked(output: object, batch: int, size: Size) -> torch.Tensor:
    """Return the output if it is a finite float tensor (batch, 3, H, W) of the size expected; BadGuest otherwise."""
    tensor = shaped(output, batch, size)
    rows = max(1, _CHECKED // max(1, batch * 3 * size.width))
    good = sum(int(torch.isfinite(part).sum()) for part in tensor.split(rows, dim=2))
    if good != tensor.numel():
        raise BadGuest(
            f"{tensor.numel() - good} of {tensor.numel()} output values are NaN or infinite, expected finite numbers"
        )
    return tensor


def enhance(guest: Guest, request: EnhanceImage, lr: int, sr: int) -> Enhanced:
    """Read LR (H x W x 3 uint8, raw) from one file, write SR (H*scale x W*scale x 3 uint8, raw) to the other.

    Both are descriptors. SR is `clamp(x / data_range, 0, 1) * 255`, rounded half to even, as the official code does.
    """
    image = image_tensor(lr, request.size, guest.device, guest.data_range)
    output = checked(forward(guest, image, request.execution), 1, request.size.times(request.scale))
    write_all(sr, pixels_of(output, guest.data_range).contiguous().cpu().numpy().data)
    return Enhanced()


def tensor_of(pixels: torch.Tensor, data_range: float) -> torch.Tensor:
    """Return pixels (uint8 H x W x 3) as a float tensor (1, 3, H, W) of the data range, on the same device."""
    return pixels.permute(2, 0, 1).unsqueeze(0).to(torch.float32).contiguous().div_(255.0 / data_range)


def pixels_of(output: torch.Tensor, data_range: float) -> torch.Tensor:
    """Return an output (1, 3, H, W) of the data range as pixels (uint8 H x W x 3), clamped and rounded half to even."""
    unit = output.to(torch.float32) if data_range == 1.0 else output.to(torch.float32) / data_range
    return unit.clamp(0.0, 1.0).mul_(255.0).round_().to(torch.uint8)[0].permute(1, 2, 0)


def image_tensor(lr: int, size: Size, device: torch.device, data_range: float) -> torch.Tensor:
    """Read LR pixels (H x W x 3 uint8, raw) from a descriptor as a float tensor (1, 3, H, W) of the data range."""
    return tensor_of(read_pixels(lr, size).to(device), data_range)


def read_pixels(lr: int, size: Size) -> torch.Tensor:
    """Read pixels (H x W x 3 uint8, raw) from a descriptor, as a tensor of that shape on the CPU."""
    raw = bytearray(size.pixels * 3)
    view, done = memoryview(raw), 0
    while done < len(raw):
        got = os.preadv(lr, [view[done : done + _CHUNK]], done)
        if not got:
            raise ValueError(f"{done} bytes of LR pixels, expected {len(raw)}")
        done += got
    return torch.from_numpy(np.frombuffer(raw, dtype=np.uint8).reshape(size.height, size.width, 3))


def write_all(fd: int, pixels: memoryview) -> None:
    """Write all bytes to the beginning of a file."""
    view, done = pixels.cast("B"), 0
    while done < len(view):
        done += os.pwrite(fd, view[done : done + _CHUNK], done)
