"""Some images once more in a second process: a model that does not repeat itself has no fidelity to speak of."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets import Dataset
from rtsr_bench.evaluate.baseline import Baseline
from rtsr_bench.evaluate.handed_in import difference
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure, FailureKind, PixelDifference, Stage
from rtsr_bench.sandbox import Child

IMAGES = 2
"""Images that are enhanced again: a sample that the guest can't foresee, at the cost of two more inferences."""

_MOST_MSE = 0.065
"""On 0..255, PSNR 60 dB: one pixel value in fifteen off by one. Sums in another order differ by far less after
rounding; noise that is of any use differs by more. CUDA: not yet tried."""


@dataclass(kw_only=True, slots=True)
class Witness:
    """Remembers the first SR images of a few image pairs drawn by lot; `found` is what came of making them again."""

    data: Sequence[Dataset]
    found: list[PixelDifference] = field(default_factory=list)
    _images: dict[int, tuple[str, NDArray[np.uint8]]] = field(default_factory=dict)
    _chosen: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        count = sum(len(one.pairs) for one in self.data)
        self._chosen = frozenset(secrets.SystemRandom().sample(range(count), min(IMAGES, count)))

    def keep(self, index: int, data_set: str, image: str, sr: NDArray[np.uint8], baseline: Baseline) -> None:
        """Remember the SR image if its pair was drawn."""
        del image, baseline
        if index in self._chosen:
            self._images[index] = data_set, sr

    def disagrees(self, child: Child, protocol: Protocol, precision: Precision) -> Failure | None:
        """Enhance the images again in another child; INCONSISTENT where the pixels are others."""
        pairs = [pair for one in self.data for pair in one.pairs]
        for index, (data_set, first) in sorted(self._images.items()):
            pair = pairs[index]
            height, width = first.shape[0] // protocol.scale, first.shape[1] // protocol.scale
            lr = np.ascontiguousarray(pair.lr()[:height, :width])
            limit_s = protocol.limits.enhance_s
            again = child.enhance(
                lr.data, size=Size(height, width), scale=protocol.scale, precision=precision, limit_s=limit_s
            )
            if isinstance(again, Failure):
                return again
            second = np.frombuffer(again, dtype=np.uint8).reshape(first.shape)
            apart = difference(pair.name, data_set, first, second)
            self.found.append(apart)
            if apart.mse > _MOST_MSE:
                found, least = (10 * np.log10(255**2 / mse) for mse in (apart.mse, _MOST_MSE))
                message = (
                    f"{pair.name}: two processes gave different images, {found:.1f} dB from each other, at least "
                    f"{least:.0f} dB expected"
                )
                return Failure(stage=Stage.ENHANCE, kind=FailureKind.INCONSISTENT, message=message)
        return None
