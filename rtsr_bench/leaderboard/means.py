"""Images to means: the value of each metric over a set of images, and that of bicubic on the same images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rtsr_bench.metric import METRICS, Metric
from rtsr_bench.record.measurements import MSE, by_convention
from rtsr_bench.score import PSNR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rtsr_bench.record import ImageFidelity


@dataclass(frozen=True, kw_only=True, slots=True)
class FidelityMeans:
    """Metric values over a set of images by `METRIC/CONVENTION`, such as `psnr/rgb_b0`; those of bicubic in `baseline`.

    `images` counts all of them. Metrics with `leaves_out_exact` (PSNR) exclude the images on which bicubic is exact,
    `exact` of them under each convention (a key), because their PSNR is infinite. If no image is left, there is no
    value.
    """

    images: int
    values: dict[str, float]
    baseline: dict[str, float]
    exact: dict[str, int] = field(default_factory=dict)

    def value(self, metric: Metric, convention: str) -> float | None:
        """A metric's value under a convention (a key); None if not every image has it."""
        return self.values.get(metric.key(convention))

    def of_bicubic(self, metric: Metric, convention: str) -> float | None:
        """Bicubic's value; None if it is missing."""
        return self.baseline.get(metric.key(convention))

    def gain(self, metric: Metric, convention: str) -> float | None:
        """The value less bicubic's; None if either is missing, infinite if only the model is exact."""
        here, there = self.value(metric, convention), self.of_bicubic(metric, convention)
        if here is None or there is None:
            return None
        return 0.0 if here == there else here - there

    @property
    def psnr_db(self) -> dict[str, float]:
        """PSNR in dB by convention key; scores use it."""
        return by_convention(self.values, PSNR)

    @property
    def baseline_psnr_db(self) -> dict[str, float]:
        """Bicubic's PSNR in dB by convention key."""
        return by_convention(self.baseline, PSNR)

    def gain_db(self, convention: str) -> float | None:
        """PSNR less bicubic's; None if either is missing, infinite if only the model is exact."""
        return self.gain(METRICS.find(PSNR), convention)


def fidelity_means(images: Iterable[ImageFidelity]) -> FidelityMeans:
    """Every metric over the images, under the conventions that every image has; ValueError if there are no images."""
    some = tuple(images)
    if not some:
        raise ValueError("expected at least one image, found none")
    values: dict[str, float] = {}
    baseline: dict[str, float] = {}
    for metric in METRICS.all().values():
        values |= _aggregated(metric, some, [image.values for image in some])
        baseline |= _aggregated(metric, some, [image.baseline for image in some])
    compared = _shared(MSE, [image.baseline for image in some])
    exact = {convention: sum(image.bicubic_is_exact(convention) for image in some) for convention in compared}
    return FidelityMeans(
        images=len(some), values=values, baseline=baseline, exact={key: count for key, count in exact.items() if count}
    )


def _shared(observation: str, tables: Sequence[Mapping[str, float]]) -> list[str]:
    """The conventions (keys) under which every table has an observation."""
    first, *others = (by_convention(table, observation) for table in tables)
    return [key for key in first if all(key in table for table in others)]


def _aggregated(
    metric: Metric, images: Sequence[ImageFidelity], tables: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """A metric's value under each convention that all of `tables` (one per image, in order) have."""
    found = {}
    for convention in _shared(metric.observation, tables):
        counted = [
            metric.shown(table[metric.observed_as(convention)])
            for image, table in zip(images, tables, strict=True)
            if not (metric.leaves_out_exact and image.bicubic_is_exact(convention))
        ]
        if counted:
            found[metric.key(convention)] = metric.aggregate(counted)
    return found
