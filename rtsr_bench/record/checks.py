"""Additional comparisons: the same work in two processes, and the SR images that a team submitted.

Each has a line for readers (`words`), used on the terminal and on the page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rtsr_bench.protocol import Precision, Size

MOST_LINES = 20
"""Maximum number of names or lines of one kind in a record; the full count is stored separately."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelDifference:
    """The difference of two versions of one SR image: MSE and the largest difference of a value, both on 0..255."""

    image: str
    data_set: str
    mse: float
    largest: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mse) and 0 <= self.mse <= 255**2 and 0 <= self.largest <= 255):
            raise ValueError(f"impossible difference of 8-bit images: MSE {self.mse!r}, at most {self.largest!r}")

    @property
    def words(self) -> str:
        """`identical`, or `47.2 dB apart, by 3 at most`."""
        if not self.mse:
            return "identical"
        return f"{10 * math.log10(255**2 / self.mse):.1f} dB apart, by {self.largest} at most"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputTwice:
    """The outputs of two processes for one input of the timed size.

    `given` is `random numbers` or `images`; `places` is the number of positions compared. `difference` is the root mean
    square of the difference divided by the spread of the output; `mse` is the mean square of the difference of the
    pixel values on 0..255, used for images since schema 4. Each is None if it is not used or there is nothing finite to
    compare.
    """

    given: str
    size: Size
    places: int
    difference: float | None = None
    mse: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeatability:
    """Results of two processes in one precision: for images of the data, and for outputs of timed calls."""

    precision: Precision
    images: tuple[PixelDifference, ...] = ()
    outputs: tuple[OutputTwice, ...] = ()

    @property
    def words(self) -> str:
        """The inputs and the largest difference."""
        parts = []
        if self.images:
            worst = max(self.images, key=lambda one: one.mse)
            names = ", ".join(one.image for one in self.images)
            parts.append(f"{len(self.images)} images ({names}): {worst.words}")
        for given in dict.fromkeys(one.given for one in self.outputs):
            mine = [one for one in self.outputs if one.given == given]
            known = [one.difference for one in mine if one.difference is not None]
            squares = [one.mse for one in mine if one.mse is not None]
            if len(known) + len(squares) < len(mine):
                most = "not comparable"
            elif not any(known + squares):
                most = "identical"
            elif squares:
                most = f"at least {10 * math.log10(255**2 / max(squares)):.1f} dB from each other"
            else:
                most = f"{max(known):.2g} of their spread apart at most"
            parts.append(f"outputs for {len(mine)} inputs ({given}) at {mine[0].size}: {most}")
        return f"in {self.precision.value}, by two processes: {'; '.join(parts)}" if parts else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmittedImages:
    """The team's own SR images compared with those computed here for the same LR images, matched by name and size.

    `missing` counts images of the track that were not submitted, `extra` submitted images that are not in the track;
    up to `MOST_LINES` of their names are stored. `refused` has a line for each file that could not be compared.
    """

    folder: str
    images: tuple[PixelDifference, ...] = ()
    missing: int = 0
    missing_names: tuple[str, ...] = ()
    extra: int = 0
    extra_names: tuple[str, ...] = ()
    refused_files: int = 0
    refused: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any compared image differs."""
        return any(one.mse for one in self.images)

    @property
    def words(self) -> str:
        """The number compared, the worst of them, and what could not be compared."""
        total = len(self.images) + self.missing + self.refused_files
        if not self.images:
            line = f"{self.folder}/: none of {self.extra + self.refused_files} images could be compared with ours"
        elif self.differs:
            worst = max(self.images, key=lambda one: one.mse)
            line = (
                f"{self.folder}/: {len(self.images)} of {total} images compared with ours, "
                f"{sum(not one.mse for one in self.images)} identical, worst {worst.image}: {worst.words}"
            )
        else:
            line = f"{self.folder}/: {len(self.images)} of {total} images compared with ours, all identical"
        if self.missing and self.images:
            line += f"; {self.missing} not submitted ({_some(self.missing_names, self.missing)})"
        if self.extra:
            line += f"; {self.extra} not in this track ({_some(self.extra_names, self.extra)})"
        if self.refused_files:
            line += f"; {self.refused_files} unusable ({self.refused[0]})"
        return line


def _some(names: tuple[str, ...], count: int) -> str:
    return ", ".join(names[:3]) + (", ..." if count > 3 else "")
