"""Does a model meet the contract? Tried on small random inputs, without data, within seconds."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from msgspec.structs import replace

from rtsr_bench.execution import EAGER_FP32, Precision
from rtsr_bench.measuring import sides
from rtsr_bench.measuring.enhance import checked, forward
from rtsr_bench.measuring.guest import SMALL, BadGuest, Guest
from rtsr_bench.measuring.ranges import range_finding
from rtsr_bench.measuring.reasons import reason_of
from rtsr_bench.protocol import SCALES, Size
from rtsr_bench.wire import CheckContract, Finding, Findings

HALF_LOSS_DB = 50.0
"""A half-precision output that comes nearer than this PSNR to the fp32 output costs no visible fidelity."""


@dataclass(kw_only=True, slots=True)
class Seen:
    """What was found so far: a size that works, and the fp32 output for the test image of that size."""

    size: Size = SMALL
    exact: torch.Tensor | None = None


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


def check(guest: Guest, request: CheckContract, seen: Seen | None = None) -> Findings:
    """Answer the questions of a request about a model: one finding in words per question.

    `sizes`: run the model in fp32 at each of them, twice on one input, and look at its values. `precisions`: compare
    with the fp32 output. A size that fails where another works is no breach: the
    answer says which sizes work, as `multiple` and `least` sides in pixels.
    """
    scale, seen = request.scale, seen or Seen()
    whole = _whole(guest, request.sizes, scale, seen) if request.sizes else Findings()
    halves = (_half(guest, scale, precision, seen) for precision in request.precisions)
    return replace(whole, findings=(*whole.findings, *halves))


def _whole(guest: Guest, sizes: Sequence[Size], scale: int, seen: Seen) -> Findings:
    tried = {size: _at_size(guest, size, scale) for size in sizes}
    good = [size for size, finding in tried.items() if finding.ok]
    found = sides.Sides()
    if len(good) < len(sizes):
        found = sides.find(lambda size: bool(_at_size(guest, size, scale).ok), sizes, good)
    findings = [replace(one, ok=one.ok or None) if found.known else one for one in tried.values()]
    seen.size = found.works or sizes[0]
    findings += [*_range(guest, seen.size, scale), _deterministic(guest, scale, seen), _keeps_input(guest, seen.size)]
    return Findings(findings=tuple(findings), multiple=found.multiple, least=found.least)


def _image(guest: Guest, size: Size, seed: int = 0) -> torch.Tensor:
    """Make a smooth, colourful test image in the model's data range."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator, dtype=torch.float32, device="cpu")
    image = torch.nn.functional.interpolate(coarse, (size.height, size.width), mode="bilinear", align_corners=False)
    return image.to(guest.device) * guest.data_range


def _at_size(guest: Guest, size: Size, scale: int) -> Finding:
    question = f"input {size}"
    try:
        checked(forward(guest, _image(guest, size), EAGER_FP32), 1, size.times(scale))
    except BaseException as error:  # noqa: BLE001 - a guest may raise anything; the check reports it
        return Finding(question=question, ok=False, answer=reason_of(error))
    return Finding(question=question, ok=True, answer=f"{size.times(scale)}, finite")


def _range(guest: Guest, size: Size, scale: int) -> Iterator[Finding]:
    """Say of what range the output is; nothing where the model does not run, which is said already."""

    def run(image: torch.Tensor) -> torch.Tensor | None:
        try:
            return checked(forward(guest, image, EAGER_FP32), 1, size.times(scale)).float().cpu()
        except BaseException:  # noqa: BLE001 - as above; it is a question about another range than the declared one
            return None

    said = range_finding(run, _image(guest, size), guest.data_range, scale)
    if said is not None:
        yield Finding(question="data range", ok=said.good or None, answer=said.words)


def _deterministic(guest: Guest, scale: int, seen: Seen) -> Finding:
    try:
        image = _image(guest, seen.size)
        first, second = (forward(guest, image.clone(), EAGER_FP32).clone() for _ in range(2))
        seen.exact = checked(first, 1, seen.size.times(scale)).double()
    except BaseException as error:  # noqa: BLE001 - as above
        return Finding(question="deterministic", ok=False, answer=reason_of(error))
    if torch.equal(first, second):
        return Finding(question="deterministic", ok=True, answer="two runs give the same output")
    worst = float((first - second).abs().max()) if first.shape == second.shape else math.inf
    return Finding(question="deterministic", ok=False, answer=f"two runs on one input differ by up to {worst:.3g}")


def _keeps_input(guest: Guest, size: Size) -> Finding:
    image = _image(guest, size)
    given = copy.deepcopy(image)
    try:
        forward(guest, given, EAGER_FP32)
    except BaseException as error:  # noqa: BLE001 - as above
        return Finding(question="input untouched", ok=False, answer=reason_of(error))
    same = torch.equal(image, given)
    return Finding(question="input untouched", ok=same, answer="yes" if same else "the model changed its input tensor")


def _half(guest: Guest, scale: int, precision: Precision, seen: Seen) -> Finding:
    question, size = f"{precision.value} safe", seen.size
    try:
        image = _image(guest, size)
        if seen.exact is None:
            seen.exact = checked(forward(guest, image, EAGER_FP32), 1, size.times(scale)).double()
        half = checked(forward(guest, image, EAGER_FP32.in_precision(precision)), 1, size.times(scale)).double()
    except BaseException as error:  # noqa: BLE001 - as above
        return Finding(question=question, ok=None, answer=f"no: {reason_of(error)}")
    mse = float(((seen.exact - half) / guest.data_range).square().mean())
    if mse == 0:
        return Finding(question=question, ok=True, answer="yes, same output as fp32")
    loss = 10 * math.log10(1 / mse)
    verdict = "yes" if loss >= HALF_LOSS_DB else "no"
    return Finding(question=question, ok=None if verdict == "no" else True,
                    answer=f"{verdict}, {loss:.1f} dB from the fp32 output")  # fmt: skip
