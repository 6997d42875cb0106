"""What was compared besides: the same work done by two processes, and the images that a team submitted.

Each says itself in a line (`words`), the same one on the terminal and on the page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rtsr_bench.protocol import Precision, Size

MOST_LINES = 20
"""Names and lines of a kind that a record keeps; their number is kept whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelDifference:
    """How far two versions of one SR image are apart: MSE and the largest difference of a value, both on 0..255."""

    image: str
    data_set: str
    mse: float
    largest: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mse) and 0 <= self.mse <= 255**2 and 0 <= self.largest <= 255):
            raise ValueError(f"no such difference of 8-bit images: MSE {self.mse!r}, at most {self.largest!r}")

    @property
    def words(self) -> str:
        """`identical`, or `47.2 dB apart, by 3 at most`."""
        if not self.mse:
            return "identical"
        return f"{10 * math.log10(255**2 / self.mse):.1f} dB apart, by {self.largest} at most"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputTwice:
    """One input of the timed size that two processes were given.

    `given` is `random numbers` or `images`; `places` is at how many places the outputs were compared. `difference` is
    the root mean square of the difference over the spread of the output, `mse` the mean square of the difference of the
    pixel values on 0..255, which is what is said of images since schema 4. None where there is no number (nothing
    finite to compare with), and of what is not said.
    """

    given: str
    size: Size
    places: int
    difference: float | None = None
    mse: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeatability:
    """What was computed twice, in two processes, in which precision: images of the data, and outputs of timed calls."""

    precision: Precision
    images: tuple[PixelDifference, ...] = ()
    outputs: tuple[OutputTwice, ...] = ()

    @property
    def words(self) -> str:
        """Which inputs, and how far apart at most."""
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
    """The team's own SR images against those computed here for the same LR images, matched by name and size.

    `missing` counts images of the track that were not submitted, `extra` images submitted that are none of the track's;
    up to `MOST_LINES` of their names stand beside. `refused` holds a line for each file that could not be compared.
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
        """Whether any image that was compared is another one."""
        return any(one.mse for one in self.images)

    @property
    def words(self) -> str:
        """How many were compared, the worst of them, and what could not be."""
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
            line += f"; {self.extra} that are none of this track ({_some(self.extra_names, self.extra)})"
        if self.refused_files:
            line += f"; {self.refused_files} unusable ({self.refused[0]})"
        return line


def _some(names: tuple[str, ...], count: int) -> str:
    return ", ".join(names[:3]) + (", ..." if count > 3 else "")
