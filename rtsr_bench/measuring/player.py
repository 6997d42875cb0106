"""The loop of a video player: frames arrive at a fixed cadence, and the newest one is enhanced next.

There are two input buffers. The model works on the frame in one, the other takes the frame that arrives meanwhile. A
frame that arrives while both are occupied replaces the one that waits, which is dropped: the model is given frames as
new as possible, and a slow model shows fewer frames instead of ever later ones. Times are nanoseconds on the watch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

POLL_NS = 50_000
"""How often one looks whether a device has finished a frame."""


class Watch(Protocol):
    """Tells the time and sleeps."""

    def now_ns(self) -> int:
        """The time, monotonic."""

    def sleep_ns(self, duration: int) -> None:
        """Sleep for at least so long."""


class Pipeline(Protocol):
    """Enhances frames, in the order in which they are begun."""

    def take(self, frame: int) -> None:
        """Put a frame into the buffer that the model does not work on, replacing the one that waits there."""

    def begin(self) -> None:
        """Give the frame that waits to the model; returns when it is done (CPU) or queued (CUDA)."""

    def busy(self) -> bool:
        """Whether no further frame may be begun yet."""

    def pending(self) -> bool:
        """Whether a frame that was begun is not finished."""

    def finished(self) -> Sequence[tuple[int, int]]:
        """Frames whose SR image has arrived in host memory since the last call, each with the time of its arrival."""


class Cadence(Protocol):
    """Says which frame has arrived."""

    def newest(self, now_ns: int, taken: int, begun: int) -> int:
        """The number of the newest frame, -1 before the first; `taken` and `begun` are the last ones that were."""

    def arrival(self, frame: int) -> int:
        """When a frame arrived, or will arrive."""

    def over(self, now_ns: int, taken: int) -> bool:
        """Whether no frame follows the last one that was taken."""

    def next_ns(self, taken: int) -> int | None:
        """When the frame after the one that was taken arrives; None if that depends on no clock."""


@dataclass(kw_only=True, slots=True)
class Paced:
    """Frame k arrives at `start_ns` + k / `fps`."""

    frames: int
    fps: float
    start_ns: int
    _newest: int = -1

    def arrival(self, frame: int) -> int:
        """Arrival of a frame."""
        return self.start_ns + round(frame * 1e9 / self.fps)

    def newest(self, now_ns: int, taken: int, begun: int) -> int:
        """The last frame whose arrival is not in the future."""
        del taken, begun
        while self._newest + 1 < self.frames and self.arrival(self._newest + 1) <= now_ns:
            self._newest += 1
        return self._newest

    def over(self, now_ns: int, taken: int) -> bool:
        """Whether the last frame was taken."""
        del now_ns
        return taken + 1 >= self.frames

    def next_ns(self, taken: int) -> int | None:
        """Arrival of the next frame."""
        return self.arrival(taken + 1) if taken + 1 < self.frames else None


class Unthrottled:
    """A frame is there whenever a buffer is free: at least `least` frames, at most `frames`, none after `until_ns`."""

    def __init__(self, *, frames: int, until_ns: int, least: int = 1) -> None:
        self._frames, self._until_ns, self._least = frames, until_ns, least
        self._arrivals: list[int] = []

    def arrival(self, frame: int) -> int:
        """When the frame was taken."""
        return self._arrivals[frame]

    def newest(self, now_ns: int, taken: int, begun: int) -> int:
        """The next frame, as soon as the one before was begun."""
        if taken == begun and not self.over(now_ns, taken):
            self._arrivals.append(now_ns)
        return len(self._arrivals) - 1

    def over(self, now_ns: int, taken: int) -> bool:
        """Whether there are enough frames."""
        return taken + 1 >= self._frames or (taken + 1 >= self._least and now_ns >= self._until_ns)

    def next_ns(self, taken: int) -> int | None:
        """None: a frame waits for a buffer, not for a time."""
        del taken
        return None


def play(
    pipeline: Pipeline, cadence: Cadence, watch: Watch, on_idle: Callable[[int], None] = lambda _: None
) -> dict[int, int]:
    """Play all frames; returns the latency of each frame that was shown, from its arrival to its SR in host memory.

    `on_idle` is told the number of the last frame that was taken, at moments when there is nothing to do.
    """
    latencies: dict[int, int] = {}
    taken = begun = -1
    while True:
        for frame, at in pipeline.finished():
            latencies[frame] = at - cadence.arrival(frame)
        newest = cadence.newest(watch.now_ns(), taken, begun)
        if newest > taken:
            pipeline.take(newest)
            taken = newest
        if taken > begun and not pipeline.busy():
            pipeline.begin()
            begun = taken
            continue
        pending = pipeline.pending()
        if taken == begun and not pending and cadence.over(watch.now_ns(), taken):
            return latencies
        if not pending:
            on_idle(taken)
        following = cadence.next_ns(taken)
        wait = POLL_NS if following is None else following - watch.now_ns()
        watch.sleep_ns(max(0, min(wait, POLL_NS) if pending else wait))
