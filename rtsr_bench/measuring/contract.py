"""Does a model meet the contract? Tried on small random inputs, without data, within seconds."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch

from rtsr_bench.execution import EAGER_FP32, Precision
from rtsr_bench.measuring.enhance import checked, forward
from rtsr_bench.measuring.guest import SMALL, BadGuest, Guest
from rtsr_bench.measuring.reasons import reason_of
from rtsr_bench.protocol import SCALES, Size

HALF_LOSS_DB = 50.0
"""A half-precision output that comes nearer than this PSNR to the fp32 output costs no visible fidelity."""


def find_scale(guest: Guest) -> int:
    """Find a model's scale by running it once on a small image; BadGuest where the output fits no scale."""
    output = forward(guest, _image(guest, SMALL), EAGER_FP32)
    if isinstance(output, torch.Tensor):
        for scale in SCALES:
            if tuple(output.shape) == (1, 3, SMALL.height * scale, SMALL.width * scale):
                return scale
    found = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    raise BadGuest(f"for an input (1, 3, {SMALL.height}, {SMALL.width}) the model returned {found}, "
                   f"expected (1, 3, H*s, W*s) with a scale s of {', '.join(map(str, SCALES))}")  # fmt: skip


def check(guest: Guest, request: Mapping[str, Any]) -> dict[str, Any]:
    """Run the model at the sizes asked for, twice, and in each half precision; one finding in words per question."""
    scale, findings = int(request["scale"]), []
    for height, width in request["sizes"]:
        findings.append(_at_size(guest, Size(height, width), scale))
    size = Size(*request["sizes"][0])
    findings.append(_deterministic(guest, size))
    findings.append(_keeps_input(guest, size))
    findings.extend(_half(guest, size, scale, precision) for precision in (Precision.FP16, Precision.BF16))
    return {"findings": findings}


def _image(guest: Guest, size: Size, seed: int = 0) -> torch.Tensor:
    """Make a smooth, colourful test image in the model's data range."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator, dtype=torch.float32, device="cpu")
    image = torch.nn.functional.interpolate(coarse, (size.height, size.width), mode="bilinear", align_corners=False)
    return image.to(guest.device) * guest.data_range


def _finding(question: str, ok: bool | None, answer: str) -> dict[str, Any]:  # noqa: FBT001 - the finding's own value
    return {"question": question, "ok": ok, "answer": answer}


def _at_size(guest: Guest, size: Size, scale: int) -> dict[str, Any]:
    question = f"input {size}"
    try:
        output = checked(forward(guest, _image(guest, size), EAGER_FP32), 1, size.times(scale))
    except BaseException as error:  # noqa: BLE001 - a guest may raise anything; the check reports it
        return _finding(question, ok=False, answer=reason_of(error))
    low, high = float(output.min()), float(output.max())
    answer = f"{size.times(scale)}, finite, values {low:.3g} to {high:.3g}"
    if high > 3 * guest.data_range or (guest.data_range > 1 and high < guest.data_range / 50):
        return _finding(question, ok=False, answer=answer + f": is data_range {guest.data_range:g} right?")
    return _finding(question, ok=True, answer=answer)


def _deterministic(guest: Guest, size: Size) -> dict[str, Any]:
    try:
        image = _image(guest, size)
        first, second = (forward(guest, image.clone(), EAGER_FP32).clone() for _ in range(2))
    except BaseException as error:  # noqa: BLE001 - as above
        return _finding("deterministic", ok=False, answer=reason_of(error))
    if torch.equal(first, second):
        return _finding("deterministic", ok=True, answer="two runs give the same output")
    worst = float((first - second).abs().max()) if first.shape == second.shape else math.inf
    return _finding("deterministic", ok=False, answer=f"two runs on one input differ by up to {worst:.3g}")


def _keeps_input(guest: Guest, size: Size) -> dict[str, Any]:
    image = _image(guest, size)
    given = copy.deepcopy(image)
    try:
        forward(guest, given, EAGER_FP32)
    except BaseException as error:  # noqa: BLE001 - as above
        return _finding("input untouched", ok=False, answer=reason_of(error))
    same = torch.equal(image, given)
    return _finding("input untouched", ok=same, answer="yes" if same else "the model changed its input tensor")


def _half(guest: Guest, size: Size, scale: int, precision: Precision) -> dict[str, Any]:
    question = f"{precision.value} safe"
    try:
        image = _image(guest, size)
        exact = checked(forward(guest, image, EAGER_FP32), 1, size.times(scale)).double()
        half = checked(forward(guest, image, EAGER_FP32.in_precision(precision)), 1, size.times(scale)).double()
    except BaseException as error:  # noqa: BLE001 - as above
        return _finding(question, ok=None, answer=f"no: {reason_of(error)}")
    mse = float(((exact - half) / guest.data_range).square().mean())
    if mse == 0:
        return _finding(question, ok=True, answer="yes, same output as fp32")
    loss = 10 * math.log10(1 / mse)
    verdict = "yes" if loss >= HALF_LOSS_DB else "no"
    return _finding(question, ok=None if verdict == "no" else True,
                    answer=f"{verdict}, {loss:.1f} dB from the fp32 output")  # fmt: skip
