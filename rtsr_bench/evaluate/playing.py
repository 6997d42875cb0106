"""Frames played by a child, with the harness's own clock around each run; and whether what it says can be true.

The frames of a run are timed inside of the child, since a message between processes for each frame would be part of its
latency. The guest shares that process. So a latency is the child's word; what the parent knows is listed in
docs/decisions/0030-real-time.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from rtsr_bench.evaluate.agreement import images_apart
from rtsr_bench.evaluate.clocks import Gap, inconsistent
from rtsr_bench.evaluate.conduct import Call
from rtsr_bench.evaluate.scene import ROWS, Scene, any_start
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import Failure, Throughput
from rtsr_bench.record.realtime import FrameCheck, Frames
from rtsr_bench.sandbox import Child
from rtsr_bench.sandbox.pixels import sealed_memfd
from rtsr_bench.statistics import median
from rtsr_bench.wire import DROPPED, MOST_FRAMES, BeginPlaying, Played, PlayFrames

CHECKED = 6
"""Frames of a run whose SR images are compared with those of another process, drawn by lot after the run."""

_COMPARED = 2
"""Runs whose scenes are kept: that without a cadence, and the one at the frame rate asked for."""

_SLACK_S = 0.005
_TWICE = 2.0
_SLACK_MS = {"cpu": 5.0, "cuda": 1.0}
"""How much quicker frames may be with their transfers than calls of the model on the harness's clock: overlapping hides
what launching a call takes, and what the messages around one take is known but for so much. CUDA: not yet tried."""

Seen = tuple[int, int, int]
"""Frame, place in its flat SR image, value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A run whose SR images were looked into: its scene, the row it began at, and the values."""

    scene: Scene
    start: int
    seen: tuple[Seen, ...]


@dataclass(kw_only=True, slots=True)
class Stage:
    """A child that plays frames; `shown` holds the first runs, whose outputs can be compared."""

    child: Child
    protocol: Protocol
    execution: Execution
    shown: list[Shown] = field(default_factory=list)
    _scene: Scene | None = None

    def set(self, *, warmup: int = 0, on_progress: Callable[[int], None] | None = None) -> Failure | None:
        """Bring a new scene, so that no frame of the next run was seen before, and play untimed frames."""
        rules, limit_s = self.protocol, 3 * self.protocol.limits.enhance_s
        self._scene = Scene.new(rules.input)
        request = BeginPlaying(size=rules.input, scale=rules.scale, execution=self.execution, rows=ROWS, warmup=warmup)
        with sealed_memfd(len(self._scene.pixels), self._scene.pixels) as file:
            answer = self.child.ask(request, limit_s=limit_s, files=(file,), on_progress=on_progress)
        return answer if isinstance(answer, Failure) else None

    def flat_out(self, seconds: float, *, frames: int = MOST_FRAMES) -> Throughput | Failure:
        """Play as many frames as possible, at most so many, for some seconds."""
        request = PlayFrames(frames=frames, seconds=seconds, start=any_start())
        played, wall_s = self._ask(request, seconds, None)
        return played if isinstance(played, Failure) else Throughput(frames=len(played.latency_us), wall_s=wall_s)

    def at(self, fps: float, frames: int, on_progress: Callable[[int], None] | None = None) -> Frames | Failure:
        """Play frames at a cadence."""
        request = PlayFrames(frames=frames, fps=fps, start=any_start())
        played, wall_s = self._ask(request, frames / fps, on_progress)
        if isinstance(played, Failure):
            return played
        failure = _check_wall(played, request, wall_s)
        latencies = tuple(None if one == DROPPED else one / 1000 for one in played.latency_us)
        return failure or Frames(fps=fps, latency_ms=latencies, wall_s=wall_s)

    def _ask(
        self, request: PlayFrames, seconds: float, on_progress: Callable[[int], None] | None
    ) -> tuple[Played | Failure, float]:
        before = monotonic()
        limit_s = seconds + self.protocol.limits.enhance_s
        played = self.child.ask(request, limit_s=limit_s, on_progress=on_progress)
        wall_s = monotonic() - before
        if isinstance(played, Played) and self._scene is not None and len(self.shown) < _COMPARED:
            self.shown.append(Shown(scene=self._scene, start=request.start, seen=played.seen))
        return played, wall_s


def _check_wall(played: Played, request: PlayFrames, wall_s: float) -> Failure | None:
    """See that as many frames as were asked for arrived, at the cadence, and none later than the answer."""
    assert request.fps is not None
    least_s, latest_s = (request.frames - 1) / request.fps, max(played.latency_us) / 1e6
    if len(played.latency_us) != request.frames:
        return inconsistent(f"{len(played.latency_us)} latencies arrived, expected {request.frames}")
    if wall_s < least_s - _SLACK_S or latest_s > wall_s + _SLACK_S:
        return inconsistent(
            f"{request.frames} frames at {request.fps:g} FPS take {least_s:.3f} s, one of them {latest_s:.3f} s, while "
            f"{wall_s:.3f} s passed on the harness's clock"
        )
    return None


def check_throughput(throughput: Throughput, alone: Sequence[Call], gap: Gap, device_kind: str) -> Failure | None:
    """See that frames are not much quicker than calls of the model alone; for calls on a machine known to be quiet.

    The time of a call is at most what passed on the harness's clock, less what a call costs without a model.
    """
    call_ms = median([call.bracket_s * 1e3 for call in alone]) - gap.high_ms
    frame_ms = 1000 / throughput.fps
    if frame_ms * _TWICE + _SLACK_MS[device_kind] < call_ms:
        return inconsistent(
            f"{throughput.frames} frames took {frame_ms:.2f} ms each with their transfers, calls of the model alone "
            f"{call_ms:.2f} ms on the harness's clock"
        )
    return None


def check_frames(shown: Shown, stage: Stage, most_mse: float) -> FrameCheck | Failure | None:
    """Compare frames of a run with the SR images that another process makes of them; None if none was looked into.

    `stage` has that other process, in which the model is ready. Which frames are compared is drawn now.
    """
    by_frame: dict[int, list[Seen]] = {}
    for one in shown.seen:
        by_frame.setdefault(one[0], []).append(one)
    rules, places, total = stage.protocol, 0, 0.0
    chosen = secrets.SystemRandom().sample(sorted(by_frame), min(CHECKED, len(by_frame)))
    for frame in chosen:
        sr = stage.child.enhance(
            shown.scene.frame(frame, shown.start),
            size=rules.input, scale=rules.scale, execution=stage.execution, limit_s=rules.limits.enhance_s,
        )  # fmt: skip
        if isinstance(sr, Failure):
            return sr
        at, found = np.array([one[1:] for one in by_frame[frame]]).T
        if at.max() >= len(sr):
            return inconsistent(f"a value at the place {at.max()} of an SR image of {len(sr)} values")
        expected = np.frombuffer(sr, dtype=np.uint8)[at]
        total += images_apart(expected, found.astype(np.uint8)) * len(at)
        places += len(at)
    if not places:
        return None
    check = FrameCheck(frames=len(chosen), places=places, mse=total / places)
    if check.mse > most_mse:
        return inconsistent(
            f"{check.places} values of {check.frames} frames differ from those of another process by a mean square of "
            f"{check.mse:.3g} (pixel values 0..255), expected at most {most_mse:.2g}"
        )
    return check
