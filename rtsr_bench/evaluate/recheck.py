"""Some images once more in a second process: a model that does not repeat itself has no fidelity to speak of."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.backends import tolerance
from rtsr_bench.datasets import Dataset, ImagePair
from rtsr_bench.evaluate.agreement import images_apart
from rtsr_bench.evaluate.baseline import Baseline
from rtsr_bench.evaluate.submitted_images import difference
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure, FailureKind, PixelDifference, Stage
from rtsr_bench.sandbox import Child

TIMED_IMAGES = 4
IMAGES = 2
"""Images that are enhanced again: a sample that the guest can't foresee, at the cost of two more inferences."""


@dataclass(kw_only=True, slots=True)
class Witness:
    """Remembers the first SR images of a few image pairs drawn by lot; `found` is what came of making them again.

    Of pairs whose LR image has the size that is `timed`, it remembers some for the timing, too (see `made`).
    """

    data: Sequence[Dataset]
    timed: Size | None = None
    scale: int = 2
    found: list[PixelDifference] = field(default_factory=list)
    _images: dict[int, tuple[str, NDArray[np.uint8]]] = field(default_factory=dict)
    _chosen: frozenset[int] = frozenset()
    _for_timing: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        count = sum(len(one.pairs) for one in self.data)
        draw = secrets.SystemRandom()
        self._chosen = frozenset(draw.sample(range(count), min(IMAGES, count)))
        hr = None if self.timed is None else self.timed.times(self.scale)
        fit = [index for index, pair in enumerate(self._pairs()) if hr is not None and pair.size == hr]
        self._for_timing = frozenset(draw.sample(fit, min(TIMED_IMAGES, len(fit))))

    def _pairs(self) -> list[ImagePair]:
        return [pair for one in self.data for pair in one.pairs]

    def keep(self, index: int, data_set: str, image: str, sr: NDArray[np.uint8], baseline: Baseline) -> None:
        """Remember the SR image if its pair was drawn."""
        del image, baseline
        if index in self._chosen | self._for_timing:
            self._images[index] = data_set, sr

    def made(self) -> list[tuple[bytes, NDArray[np.uint8]]]:
        """LR pixels of the timed size, and the SR image that the model made of them when its fidelity was measured."""
        if self.timed is None:
            return []
        hr, pairs = self.timed.times(self.scale), self._pairs()
        whole = self._for_timing & set(self._images)
        return [
            (np.ascontiguousarray(pairs[index].lr()).tobytes(), self._images[index][1])
            for index in whole
            if self._images[index][1].shape[:2] == (hr.height, hr.width)
        ]

    def disagrees(self, child: Child, protocol: Protocol, execution: Execution, first: str = "") -> Failure | None:
        """Enhance the images again; INCONSISTENT where the pixels are others than those remembered.

        These were made in another process, or, where it is named, by the `first` execution.
        """
        who = f"{first} and {execution.words}" if first else "two processes"
        for index in sorted(self._chosen & set(self._images)):
            (data_set, before), pair = self._images[index], self._pairs()[index]
            height, width = before.shape[0] // protocol.scale, before.shape[1] // protocol.scale
            lr = np.ascontiguousarray(pair.lr()[:height, :width])
            limit_s = protocol.limits.enhance_s
            again = child.enhance(
                lr.data, size=Size(height, width), scale=protocol.scale, execution=execution, limit_s=limit_s
            )
            if isinstance(again, Failure):
                return again
            second = np.frombuffer(again, dtype=np.uint8).reshape(before.shape)
            self.found.append(difference(pair.name, data_set, before, second))
            apart = images_apart(before, second)
            most = tolerance(execution, child.hello.device.partition(":")[0]).most_mse
            if apart > most:
                found, least = (10 * np.log10(255**2 / mse) for mse in (apart, most))
                message = (
                    f"{pair.name}: {who} gave different images, {found:.1f} dB from each other, at least "
                    f"{least:.0f} dB expected"
                )
                return Failure(stage=Stage.ENHANCE, kind=FailureKind.INCONSISTENT, message=message)
        return None
