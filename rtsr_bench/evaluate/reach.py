"""Which tracks a model can't be measured on, or not on all images, because it takes only some sizes of input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.datasets import Dataset, find_dataset
from rtsr_bench.errors import UserError
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.tracks import Track, all_tracks


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Sides of an LR image that a model takes, in pixels: multiples of `multiple`, at least `least`."""

    multiple: int = 1
    least: int = 1

    @property
    def all(self) -> bool:
        """Whether any size will do."""
        return self.multiple == self.least == 1

    @property
    def words(self) -> str:
        """The rule, completing "the model takes"."""
        said = f"sides that are multiples of {self.multiple}" if self.multiple > 1 else "sides"
        return f"{said} of at least {self.least} pixels" if self.least > 1 else f"{said} only"

    def takes(self, size: Size) -> bool:
        """Whether an LR image of this size works."""
        return all(side % self.multiple == 0 and side >= self.least for side in (size.height, size.width))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """A track and the sizes that a model takes.

    `timed` is the timed input where it is none of them; `images` says of each available data set how many images are
    none of them, with an example; `unknown` are titles of data sets that are not available.
    """

    track: str
    timed: Size | None = None
    images: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing that is known keeps the model from the track."""
        return self.timed is None and not self.images

    @property
    def words(self) -> str:
        """What the track needs and the model does not take; empty where nothing is known of any."""
        said = [f"its timed input {self.timed}"] if self.timed else []
        return f"{self.track} ({'; '.join((*said, *self.images))})" if not self.whole else ""


def reaches(scale: int, sides: Sides, roots: Sequence[Path] = ()) -> tuple[Reach, ...]:
    """Compare what a model takes with the timed input and the available images of every track of its scale.

    Images are read no further than their headers. Broken data count as not available.
    """
    return tuple(_reach(track, sides, roots) for track in all_tracks().values() if track.scale == scale)


def _reach(track: Track, sides: Sides, roots: Sequence[Path]) -> Reach:
    rules, images, unknown = track.protocol, list[str](), list[str]()
    for name in rules.data_sets:
        try:
            found = find_dataset(name, scale=rules.scale, degradation=rules.degradation, roots=roots)
        except UserError:
            unknown.append(name)
            continue
        if not isinstance(found, Dataset):
            unknown.append(found.title)
            continue
        small = [(pair.name, size) for pair in found.pairs for size in _inputs(pair.size, rules)]
        outside = {name: size for name, size in small if not sides.takes(size)}
        if outside:
            example, size = next(iter(outside.items()))
            images.append(f"{len(outside)} of {len(found.pairs)} images of {found.title}, such as {example}, {size}")
    timed = None if sides.takes(rules.input) else rules.input
    return Reach(track=track.id, timed=timed, images=tuple(images), unknown=tuple(unknown))


def _inputs(hr: Size, rules: Protocol) -> Iterator[Size]:
    """The LR sizes at which a pair is enhanced: one for each crop that a convention asks for."""
    for multiple in {convention.lr_multiple for convention in rules.conventions}:
        height, width = (side // rules.scale // multiple * multiple for side in (hr.height, hr.width))
        yield Size(height, width)
