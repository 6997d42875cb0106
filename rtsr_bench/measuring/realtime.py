"""Frames of a moving scene from host memory to host memory: upload, convert, model, clamp and round, download.

A scene is a tall LR image. Frame k is the window of the timed size that starts at the row `(start + k * STEP) % rows`:
every frame is other pixels, each is contiguous in memory, and making one costs nothing. The SR image of a frame is what
`enhance` makes of the same pixels. All clocks and functions are held before a guest is imported.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable
from time import perf_counter_ns, sleep
from typing import Any

import torch

from rtsr_bench.measuring import memory, numerics
from rtsr_bench.measuring.clocks import Card, Clock
from rtsr_bench.measuring.enhance import pixels_of, read_pixels, shaped, tensor_of
from rtsr_bench.measuring.guest import Guest, autocast, laid_out, no_gradients
from rtsr_bench.measuring.lanes import Lanes
from rtsr_bench.measuring.player import Paced, Unthrottled, play
from rtsr_bench.protocol import Size
from rtsr_bench.wire import DROPPED, SCENE_STEP, BeginPlaying, Played, PlayFrames

WARM_S, LEAST_WARM = 2.0, 3
"""Untimed frames come first: until so many seconds are over or the number asked for is reached, but at least three."""

_LEAD_NS = 20_000_000
"""From the request to the first frame, so that nothing of the request is part of a latency."""

_SEEN_FRAMES, _SEEN_PLACES = 100, 32
"""Frames at the beginning whose SR images are all looked into, later ones ever more seldom; values noted of each."""

_BYTES = 8
_empty, _random_bytes = torch.empty, os.urandom


class Player:
    """A model and a scene made ready to play; whoever makes it closes it."""

    def __init__(
        self,
        guest: Guest,
        device: torch.device,
        clock: Clock,
        request: BeginPlaying,
        scene: int,
        progress: Callable[[int], None],
    ) -> None:
        """Read the scene from its file and play untimed frames."""
        self._clock, self._progress = clock, progress
        self._settle(request)
        self._film = Film(guest, device, request, scene)
        # Its buffers are made once: memory that was never touched is slow, and pinning it takes long.
        self._pipeline = OnCard(self._film, clock.lanes) if isinstance(clock, Card) else OnHost(self._film)
        with contextlib.ExitStack() as block:
            block.enter_context(autocast(request.execution, device))  # one block: weights are cast once
            if request.warmup:
                until_ns = perf_counter_ns() + round(WARM_S * 1e9)
                self._run(Unthrottled(frames=request.warmup, until_ns=until_ns, least=LEAST_WARM), 0)
            clock.settle()
            self._block = block.pop_all()
        self._request = request

    def close(self) -> None:
        """Leave the autocast block."""
        self._block.close()

    def _settle(self, request: BeginPlaying) -> None:
        numerics.settle(tf32=request.execution.tf32)
        memory.keep_freed()
        torch.backends.cudnn.benchmark = True

    def play(self, request: PlayFrames) -> Played:
        """Play frames at a cadence, or as many as possible within a time; the device is idle before and after."""
        self._settle(self._request)
        self._clock.settle()
        now, fps = perf_counter_ns(), request.fps
        cadence: Paced | Unthrottled
        if fps is None:
            cadence = Unthrottled(frames=request.frames, until_ns=now + round(request.seconds * 1e9))
        else:
            cadence = Paced(frames=request.frames, fps=fps, start_ns=now + _LEAD_NS)
        latencies, seen = self._run(cadence, request.start)
        self._clock.settle()
        count = request.frames if fps is not None else max(latencies) + 1
        return Played(
            latency_us=tuple(latencies[frame] // 1000 if frame in latencies else DROPPED for frame in range(count)),
            seen=tuple(seen),
        )

    def _run(self, cadence: Paced | Unthrottled, start: int) -> tuple[dict[int, int], list[tuple[int, int, int]]]:
        spy, pipeline = Spy(), self._pipeline
        pipeline.spy, pipeline.ahead = spy, isinstance(cadence, Unthrottled)
        self._film.start = start
        gc.freeze()  # what was imported is left out of collections, each of which would be a late frame
        try:
            with no_gradients():
                latencies = play(pipeline, cadence, _Watch(), lambda taken: self._progress(taken + 1))
        finally:
            gc.unfreeze()
        return latencies, spy.seen


class Film:
    """The frames of a scene as a model takes them, and its outputs as pixels."""

    def __init__(self, guest: Guest, device: torch.device, request: BeginPlaying, scene: int) -> None:
        """Read the scene (rows x width x 3 uint8, raw): into pinned memory where the device is a card."""
        self._model, self._execution = guest.model(request.execution), request.execution
        self._data_range, self._size, self._scale = guest.data_range, request.size, request.scale
        self.device, self.start, self._rows = device, 0, request.rows
        pixels = read_pixels(scene, Size(request.size.height + request.rows - 1, request.size.width))
        self._scene = _host(pixels.shape, device).copy_(pixels)

    @property
    def lr_shape(self) -> tuple[int, int, int]:
        """Shape of a frame: height, width, 3."""
        return self._size.height, self._size.width, 3

    @property
    def sr_shape(self) -> tuple[int, int, int]:
        """Shape of its SR image."""
        size = self._size.times(self._scale)
        return size.height, size.width, 3

    def frame(self, number: int) -> torch.Tensor:
        """Pixels of a frame, uint8 H x W x 3 in host memory; a view into the scene."""
        row = (self.start + number * SCENE_STEP) % self._rows
        return self._scene[row : row + self._size.height]

    def enhance(self, pixels: torch.Tensor) -> torch.Tensor:
        """SR pixels (uint8 H x W x 3, not contiguous) of a frame that lies on the device."""
        output = self._model(laid_out(tensor_of(pixels, self._data_range), self._execution))
        return pixels_of(shaped(output, 1, self._size.times(self._scale)), self._data_range)


class Spy:
    """Notes values of SR images, as frame, place and value; when an image has arrived, lots decide of which and where.

    Frame k is looked into with the probability `_SEEN_FRAMES` / (k + 1), so that a run of any length has some hundred.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, int]] = []

    def look(self, frame: int, sr: torch.Tensor) -> None:
        """Look into an SR image (uint8, in host memory), or not."""
        drawn = _random_bytes(_BYTES * (_SEEN_PLACES + 1))
        numbers = [int.from_bytes(drawn[at : at + _BYTES]) for at in range(0, len(drawn), _BYTES)]
        if numbers[0] * (frame + 1) < _SEEN_FRAMES << 64:
            flat = sr.view(-1)
            places = [number % flat.numel() for number in numbers[1:]]
            self.seen += zip([frame] * len(places), places, flat[torch.tensor(places)].tolist(), strict=True)


class _Watch:
    def now_ns(self) -> int:
        return perf_counter_ns()

    def sleep_ns(self, duration: int) -> None:
        sleep(duration / 1e9)


class OnHost:
    """The pipeline of a CPU: a frame is finished when `begin` returns, so that none can be begun `ahead`."""

    def __init__(self, film: Film) -> None:
        self._film, self.spy, self.ahead = film, Spy(), False
        self._waiting = 0
        self._sr = _empty(film.sr_shape, dtype=torch.uint8)
        self._finished: list[tuple[int, int]] = []

    def take(self, frame: int) -> None:
        """Note the frame: it lies in the scene."""
        self._waiting = frame

    def begin(self) -> None:
        """Enhance the frame that waits."""
        self._sr.copy_(self._film.enhance(self._film.frame(self._waiting)))
        self._finished.append((self._waiting, perf_counter_ns()))
        self.spy.look(self._waiting, self._sr)

    def busy(self) -> bool:
        """Never between two calls."""
        return False

    def pending(self) -> bool:
        """Never between two calls."""
        return False

    def finished(self) -> list[tuple[int, int]]:
        """The frame of the last call."""
        found, self._finished = self._finished, []
        return found


class OnCard:
    """The pipeline of a CUDA device: uploads, the model and downloads each on a stream, two buffers on each side.

    At a cadence a frame is begun when the model is done with the one before, so that the newest frame can still replace
    the one that waits. `ahead` begins one frame beside it, which hides the time that launching takes. Not yet tried on
    a card.
    """

    def __init__(self, film: Film, lanes: Lanes) -> None:
        self._film, self._lanes, self.spy, self.ahead = film, lanes, Spy(), False
        lanes.forget()
        self._inputs = [_empty(film.lr_shape, dtype=torch.uint8, device=film.device) for _ in range(2)]
        self._outputs = [_empty(film.sr_shape, dtype=torch.uint8, device=film.device) for _ in range(2)]
        self._host = [_host(film.sr_shape, film.device) for _ in range(2)]
        self._waiting = self._begun = 0
        self._flying: list[tuple[int, int]] = []

    def take(self, frame: int) -> None:
        """Upload the frame, once the model has left the buffer."""
        self._waiting, side = frame, self._begun % 2
        lanes = self._lanes
        lanes.wait("computed", side, on="upload")
        with lanes.on("upload"):
            self._inputs[side].copy_(self._film.frame(frame), non_blocking=True)
        lanes.record("uploaded", side, on="upload")

    def begin(self) -> None:
        """Queue the model on the frame that waits, and the download of its output."""
        side, lanes = self._begun % 2, self._lanes
        lanes.wait("uploaded", side, on="compute")
        with lanes.on("compute"):  # a guest may have left another stream in its place, and may again
            sr = self._film.enhance(self._inputs[side])
        lanes.wait("downloaded", side, on="compute")
        self._outputs[side].copy_(sr)
        lanes.record("computed", side, on="compute")
        lanes.wait("computed", side, on="download")
        with lanes.on("download"):
            self._host[side].copy_(self._outputs[side], non_blocking=True)
        lanes.record("downloaded", side, on="download")
        self._flying.append((self._waiting, side))
        self._begun += 1

    def busy(self) -> bool:
        """Whether both buffers are under way or, at a cadence, the model works."""
        if len(self._flying) > 1:
            return True
        return bool(self._flying) and not self.ahead and not self._lanes.is_over("computed", self._flying[-1][1])

    def pending(self) -> bool:
        """Whether a frame is under way."""
        return bool(self._flying)

    def finished(self) -> list[tuple[int, int]]:
        """Frames that were downloaded."""
        found = []
        while self._flying and self._lanes.is_over("downloaded", self._flying[0][1]):
            frame, side = self._flying.pop(0)
            found.append((frame, perf_counter_ns()))
            self.spy.look(frame, self._host[side])
        return found


def _host(shape: Any, device: torch.device) -> torch.Tensor:
    """Memory of the host for 8-bit pixels; pinned, where it is copied from and to a card."""
    return _empty(tuple(shape), dtype=torch.uint8, pin_memory=device.type == "cuda")
