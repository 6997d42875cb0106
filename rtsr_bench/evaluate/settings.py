"""What a run is to do, from the command line or from a campaign file, in groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What to measure: submissions at these paths, on these tracks, with data below these roots.

    `tracks`: empty for all whose data are available; `models` are patterns on ids of models, empty for all.
    """

    paths: tuple[Path, ...]
    tracks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    roots: tuple[Path, ...] = ()
    with_requirements: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """Where records are written, and SR images, if they are asked for.

    With `jobs` nothing is measured: the jobs are written into that folder.
    """

    records: Path
    gallery: Path | None = None
    jobs: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How to go through the jobs: so many at once, no new one after `max_hours` (None: no end) or after a failure.

    `again` measures what has a record, too. `share_runtimes`: a runtime is measured once for all tracks of its input.
    """

    at_once: int = 1
    max_hours: float | None = None
    fail_fast: bool = False
    again: bool = False
    share_runtimes: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """A whole run: everything selected is measured at each of the `places`, one place after another.

    `executions`: each model is measured under each of them; empty for the tracks' own, `all` for every available one.
    """

    selection: Selection
    output: Output
    pace: Pace = field(default_factory=Pace)
    places: tuple[Place, ...] = (Place(),)
    overrides: Overrides = field(default_factory=Overrides)
    executions: tuple[str, ...] = ()
    executor: str = "local"
    title: str = ""
