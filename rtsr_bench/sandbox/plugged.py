"""Plug-ins that the child needs, too: those that add backends or formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rtsr_bench.backends import BACKENDS
from rtsr_bench.errors import UserError
from rtsr_bench.formats import FORMATS
from rtsr_bench.plugins import Source
from rtsr_bench.record import Failure
from rtsr_bench.wire import ImportPlugins


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugged:
    """The modules that the child imports before a guest's code, and no others: installed ones by name, and paths."""

    sources: tuple[Source, ...]

    @classmethod
    def of_child(cls) -> Self:
        """Return those that add to what the child looks up."""
        return cls(sources=tuple(dict.fromkeys((*BACKENDS.sources(), *FORMATS.sources()))))

    @property
    def paths(self) -> tuple[Path, ...]:
        """Those that are files or folders, which the child must be able to read."""
        return tuple(source for source in self.sources if isinstance(source, Path))

    def request(self, inside: Sequence[Path]) -> ImportPlugins:
        """Return what the child is asked to import; `inside` are the places where it finds `paths`."""
        places = dict(zip(self.paths, inside, strict=True))
        sources = (str(places[one] if isinstance(one, Path) else one) for one in self.sources)
        return ImportPlugins(sources=tuple(sources))

    def refused(self, failure: Failure, inside: Sequence[Path]) -> UserError:
        """Return the one line about a plug-in that the child could not import."""
        said = failure.message
        for path, place in zip(self.paths, inside, strict=True):
            said = said.replace(str(place), str(path))
        return UserError(
            f"a plug-in cannot be imported by the process that runs models: {said.removeprefix('UserError: ')}; of "
            "rtsr_bench that process has backends, formats, execution and what these need: put other kinds of plug-ins "
            "into other files"
        )
