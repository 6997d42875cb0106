"""The data sets of a track, as its jobs use them: looked up once, cut to what the protocol asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rtsr_bench.backends import BACKENDS
from rtsr_bench.datasets import Dataset, Missing, find_dataset
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.protocol import Protocol
from rtsr_bench.tracks import Track

Line = tuple[str, str]
"""Why something is not measured, and the title of the data set that is absent; empty where it is no absent set."""


def find_set(name: str, protocol: Protocol, roots: Sequence[Path]) -> Dataset | Missing:
    """Return a data set as a protocol uses it: its first images, the middle of each; UserError for broken data."""
    found = find_dataset(name, scale=protocol.scale, degradation=protocol.degradation, roots=roots)
    if isinstance(found, Missing):
        return found
    if protocol.images is not None:
        found = found.first(protocol.images)
    return found if protocol.window is None else found.windowed(protocol.window)


class TrackData:
    """Looks up the data sets of each track once. Broken data are an error only for tracks that the user named."""

    def __init__(self, *, roots: Sequence[Path], overrides: Overrides, place: Place, named: bool) -> None:
        self._roots, self._overrides, self._place, self._named = roots, overrides, place, named
        self._found: dict[str, tuple[tuple[Dataset, ...], tuple[Line, ...]]] = {}
        self._broken: set[tuple[str, int]] = set()

    def protocol(self, track: Track) -> Protocol:
        """Return the protocol that a track's jobs are measured under."""
        return self._overrides.apply(track.protocol, self._place.device_kind)

    def of(self, track: Track, tracks: Iterable[Track]) -> tuple[tuple[Dataset, ...], tuple[Line, ...]]:
        """Return the data sets to measure on, and lines about the others.

        There are none to measure on if a track among `tracks` is used instead of one that the user did not name.
        """
        for better in tracks if not self._named else ():
            if better.id == track.yields_to and better.scale == track.scale and self._sets(better)[0]:
                line = f"{track.id}: {better.id} is available and is used instead; select it with --track {track.id}"
                return (), ((line, ""),)
        return self._sets(track)

    def lacks(self, track: Track) -> str:
        """Why a track's execution cannot run here, on one line; empty if it can."""
        protocol, kind = self.protocol(track), self._place.device_kind
        backend, precision = BACKENDS.find(protocol.backend), protocol.precision.get(kind)
        if precision is None:
            return f"the track names no precision for {kind}: choose one with --precision"
        return backend.lacks or backend.refuses(precision, kind)

    def missing(self, track: Track) -> tuple[str, ...]:
        """Return lines about the data sets of a track that were looked for and are not available."""
        return tuple(line for line, _ in self._found[track.id][1]) if track.id in self._found else ()

    def _sets(self, track: Track) -> tuple[tuple[Dataset, ...], tuple[Line, ...]]:
        lacks = self.lacks(track)
        if lacks and self._named:
            raise UserError(f"track {track.id} cannot be measured: {lacks}")
        if lacks:
            return (), ((f"{track.id}: {lacks}", ""),)
        if track.id not in self._found:
            results = [self._find(name, track) for name in self.protocol(track).data_sets]
            sets = tuple(data for data in results if isinstance(data, Dataset))
            self._found[track.id] = sets, tuple(self._lines(track, results, some=bool(sets)))
        return self._found[track.id]

    def _find(self, name: str, track: Track) -> Dataset | Missing:
        try:
            return find_set(name, self.protocol(track), self._roots)
        except UserError as error:
            if self._named:
                raise
            self._broken.add((name, track.scale))
            return Missing(id=name, title=name, reason=str(error), hint=f"rtsr-bench data verify {name} shows details")

    def _lines(self, track: Track, results: Iterable[Dataset | Missing], *, some: bool) -> Iterator[Line]:
        for missing in (result for result in results if isinstance(result, Missing)):
            without = "without " if some else "needs "
            line = f"{track.id} {without}{missing.title}: {missing.reason}; {missing.hint}"
            yield line, "" if (missing.id, track.scale) in self._broken else missing.title
