"""The streams and events of a CUDA device on which transfers overlap with the model. Not yet tried on a card.

The model runs on the device's default stream, like everywhere else. Torch's other streams do not wait for that one by
themselves, so the order between them is made by events. As in `clocks`, which makes them, functions of torch's C
library are held before a guest is imported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

import torch

Lane = Literal["upload", "compute", "download"]
Moment = Literal["uploaded", "computed", "downloaded"]
_MOMENTS: tuple[Moment, ...] = ("uploaded", "computed", "downloaded")


class Lanes:
    """Three streams, and for each of two buffers the events at which a copy or the model was done with it."""

    def __init__(self, device: torch.device, compute: Any) -> None:
        """Make streams and events; `compute` is the device's default stream."""
        native: Any = torch._C  # noqa: SLF001 - the functions below the ones that a guest can replace
        self._streams: dict[Lane, Any] = {
            "upload": torch.cuda.Stream(device),
            "compute": compute,
            "download": torch.cuda.Stream(device),
        }
        # A kind of event for timing as in `Card`: it is the one that is known to work everywhere.
        self._events: dict[tuple[Moment, int], Any] = {
            (moment, side): torch.cuda.Event(enable_timing=True) for moment in _MOMENTS for side in range(2)
        }
        self._recorded: set[tuple[Moment, int]] = set()
        event = native._CudaEventBase  # noqa: SLF001 - as above
        self._record, self._wait, self._query = event.record, event.wait, event.query
        self._set_stream = native._cuda_setStream  # noqa: SLF001 - as above

    def forget(self) -> None:
        """Begin with buffers that nothing was done with; the device is idle."""
        self._recorded.clear()

    @contextlib.contextmanager
    def on(self, lane: Lane) -> Iterator[None]:
        """Let operations go to a stream, and afterwards to the default one."""
        self._select(lane)
        try:
            yield
        finally:
            self._select("compute")

    def record(self, moment: Moment, side: int, *, on: Lane) -> None:
        """Note on a stream that everything it was given so far is the moment."""
        self._record(self._events[moment, side], self._streams[on])
        self._recorded.add((moment, side))

    def wait(self, moment: Moment, side: int, *, on: Lane) -> None:
        """Let a stream wait for a moment, if there was one; the host goes on."""
        if (moment, side) in self._recorded:
            self._wait(self._events[moment, side], self._streams[on])

    def is_over(self, moment: Moment, side: int) -> bool:
        """Whether the device has reached a moment that was noted."""
        return bool(self._query(self._events[moment, side]))

    def _select(self, lane: Lane) -> None:
        stream = self._streams[lane]
        self._set_stream(stream_id=stream.stream_id, device_index=stream.device_index, device_type=stream.device_type)
