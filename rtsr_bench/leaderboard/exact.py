"""The warning about images on which bicubic has no error; means of PSNR exclude them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rtsr_bench.number_warnings import NumberWarning, WarningKind
from rtsr_bench.record.measurements import MSE
from rtsr_bench.score import psnr_db

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.record import ImageFidelity

_MOST = 3


def exact_images(images: Sequence[ImageFidelity], convention: str) -> tuple[NumberWarning, ...]:
    """Name the images that means of PSNR and gain under a convention (a key) exclude, and the model's result there."""
    flat = [image for image in images if image.bicubic_is_exact(convention)]
    if not flat:
        return ()
    observed = [image.values.get(f"{MSE}/{convention}") for image in flat]
    here = [psnr_db(mse) for mse in observed if mse is not None]
    worst = min(here, default=math.inf)
    model = (
        "so is the model"
        if math.isinf(worst)
        else f"the model's PSNR there is {worst:.2f} dB" + (" at worst" if len(here) > 1 else "")
    )
    text = (
        f"Bicubic is exact on {_named(flat)}, as on a flat image ({model}): PSNR and gain are means over the other"
        f" {len(images) - len(flat)} of {len(images)} images."
    )
    short = f"{len(flat)} image{'' if len(flat) == 1 else 's'} left out: bicubic exact"
    return (NumberWarning(kind=WarningKind.EXACT, about="fidelity", short=short, text=text),)


def _named(images: Sequence[ImageFidelity]) -> str:
    more = f" and {len(images) - _MOST} more" if len(images) > _MOST else ""
    return ", ".join(image.name for image in images[:_MOST]) + more
