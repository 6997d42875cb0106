"""The result of playing a video with one model: a record of its own kind, beside those of tracks.

Observations are stored: the latency of every frame. What was missed is derived (`statistics.summarise_frames`).

History of the schema: 1 (2026-11): the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Size
from rtsr_bench.record.facts import ModelFacts, SubmissionFacts, System
from rtsr_bench.record.failure import Failure
from rtsr_bench.record.measurements import MOST_MS, Telemetry, Throughput

REALTIME_SCHEMA = 1

HELD = 0.999
"""Share of the deadlines that have to be met at a frame rate that is held."""

ENOUGH_FRAMES = 1000
"""Frames without which a share of 99.9 % is no observation: one missed deadline in fewer is more than 0.1 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """Frames that arrived at `fps`: the latency of each in ms, None for one that was dropped.

    `wall_s` is the whole run on the harness's clock.
    """

    fps: float
    latency_ms: tuple[float | None, ...]
    wall_s: float

    def __post_init__(self) -> None:
        _see_fps(self.fps)
        if not self.latency_ms:
            raise ValueError("expected at least one frame, found none")
        for one in self.latency_ms:
            if one is not None and not 0 <= one <= MOST_MS:
                raise ValueError(f"expected a latency of 0 to {MOST_MS:g} ms, found {one!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A short run of the search for the highest frame rate: how many frames came, and how many missed the deadline."""

    fps: float
    frames: int
    missed: int

    def __post_init__(self) -> None:
        _see_fps(self.fps)
        if not 0 <= self.missed <= self.frames:
            raise ValueError(f"impossible trial: {self.missed!r} of {self.frames!r} frames missed")

    @property
    def held(self) -> bool:
        """Whether 99.9 % of the deadlines were met."""
        return self.missed <= round((1 - HELD) * self.frames, 9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """The search for the highest frame rate that is held; `best` is the confirming run, None where none was held."""

    best: Trial | None
    trials: tuple[Trial, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """The state of the device `at_s` seconds after the first frame, and the share of foreign load since the last."""

    at_s: float
    state: Telemetry
    foreign_load: float | None = None
    foreign_gpu: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameCheck:
    """SR images of frames compared with those of another process: mean square of the difference on 0..255."""

    frames: int
    places: int
    mse: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Realtime:
    """One model that was played frames, on one system.

    A frame has to be in host memory `latency_frames` periods after it arrived. `input` is the LR size, `track` the
    track whose precision and input are the defaults. `model_ms`: calls of the model alone, on random numbers, as a run
    times them. `moments` are those of the run at the frame rate asked for. `failure` is how the model failed; what came
    before is kept.
    """

    schema: int = REALTIME_SCHEMA
    track: str
    submission: SubmissionFacts
    model: ModelFacts
    system: System
    execution: Execution
    input: Size
    fps: float
    seconds: float
    latency_frames: int
    started: str
    wall_s: float
    harness: str
    command: str = ""
    run: Frames | None = None
    throughput: Throughput | None = None
    search: Search | None = None
    model_ms: tuple[float, ...] = ()
    moments: tuple[Moment, ...] = ()
    check: FrameCheck | None = None
    foreign_load: float | None = None
    foreign_gpu: float | None = None
    notes: tuple[str, ...] = ()
    pickle_allowed: bool = False
    stubs: tuple[str, ...] = ()
    failure: Failure | None = None

    def __post_init__(self) -> None:
        _see_fps(self.fps)
        if self.latency_frames < 1:
            raise ValueError(f"expected a deadline of at least 1 period, found {self.latency_frames!r}")
        try:
            datetime.fromisoformat(self.started)
        except ValueError:
            raise ValueError(f"expected `started` as a time in ISO 8601, found {self.started!r}") from None

    @property
    def deadline_ms(self) -> float:
        """Milliseconds from the arrival of a frame to its deadline."""
        return self.latency_frames * 1000 / self.fps


def _see_fps(fps: float) -> None:
    if not 0 < fps < math.inf:
        raise ValueError(f"expected a frame rate above 0, found {fps!r}")
