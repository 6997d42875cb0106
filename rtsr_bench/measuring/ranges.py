"""Whether a model's data range is the one it was trained for: seen from what it makes of a smooth image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

_RANGES = (1.0, 255.0)
_MUCH = 0.5
"""Values this much of the data range outside of it are more than overshoot at edges, which a smooth image lacks."""

_NEARER_DB = 3.0
_ALIKE_DB, _SAME_DB = 25.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeFinding:
    """What an output says about the data range; `good` where nothing speaks against the declared one."""

    good: bool
    words: str


def range_finding(
    run: Callable[[torch.Tensor], torch.Tensor | None], image: torch.Tensor, data_range: float, scale: int
) -> RangeFinding | None:
    """Run a model on an image (1, 3, H, W) of 0..`data_range`, and on the same image in the other range.

    A network trained for one range makes something of an image in it that looks like the image once it is averaged down
    again; in the other range its biases are too large or too small. None where `run` gives no output.
    """
    output = run(image.clone())
    if output is None:
        return None
    low, high = float(output.min()), float(output.max())
    words = f"values {low:.3g} to {high:.3g}"
    other = next(one for one in _RANGES if one != data_range)
    there = run(image / data_range * other)
    here_db = _likeness(output, image, data_range, scale)
    there_db = -math.inf if there is None else _likeness(there, image / data_range * other, other, scale)
    if here_db < _SAME_DB and there_db >= max(_ALIKE_DB, here_db + _NEARER_DB):
        return RangeFinding(
            good=False,
            words=f"{words} for an input of 0 to {data_range:g}; for one of 0 to {other:g} the output is nearer to the "
            f"input ({_in_words(there_db)}, here {_in_words(here_db)}): is data_range = {other} meant?",
        )
    if low < -_MUCH * data_range or high > (1 + _MUCH) * data_range:
        return RangeFinding(
            good=False, words=f"{words}, expected about 0 to {data_range:g}; what is outside of it is cut off"
        )
    return RangeFinding(good=True, words=f"{words} of 0 to {data_range:g}")


def _in_words(likeness_db: float) -> str:
    return "equal" if math.isinf(likeness_db) else f"{likeness_db:.1f} dB"


def _likeness(output: torch.Tensor, image: torch.Tensor, data_range: float, scale: int) -> float:
    """PSNR in dB between an input and its output, cut to the data range and averaged down to the input's size."""
    small = torch.nn.functional.avg_pool2d(output.clamp(0, data_range), scale)
    mse = float(((small - image.float().cpu()) / data_range).square().mean())
    return math.inf if mse == 0 else -10 * math.log10(mse)
