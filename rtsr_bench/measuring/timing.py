"""Milliseconds of the model call, each repeat by itself, and the peak of memory afterwards.

As the official `runtime_demo.py` of NTIRE 2023 RTSR does it: a batch of random numbers, `cudnn.benchmark`, untimed
warm-up, then per repeat an event, the call, an event, a synchronisation. On a CPU `perf_counter_ns` stands for the
events (`clocks`). The parent conducts: each repeat gets its input, from a seed that did not exist before, outside of
the timed part, and its output is looked into only when the parent says where, after the call.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

import numpy as np
import torch

from rtsr_bench.measuring import memory, numerics
from rtsr_bench.measuring.clocks import Clock
from rtsr_bench.measuring.deployed import Deployed
from rtsr_bench.measuring.enhance import image_tensor, shaped
from rtsr_bench.measuring.guest import Guest, autocast, dtype_of, laid_out, no_gradients
from rtsr_bench.wire import (
    BeginTiming,
    Finished,
    FinishTiming,
    LookAtOutput,
    Looked,
    PeakMemory,
    Places,
    Repeated,
    TimeCall,
    Warmed,
)

BUSY_MS = 20.0
"""How long a CUDA device works on untimed calls before a timed one, at least one call long.

A loop without pauses keeps the device at its clock; between two repeats the device waits for parent and child, and its
clock may drop. How fast clocks react is an estimate, not measured and not yet tried on a card."""

_WAKES = 3
_convolve = torch.conv2d

_IDLE_SHARE = 0.005
"""A pause of less than this share of a call cannot change its time by 1 %: no untimed call is needed then."""


class Timing:
    """One model made ready to be timed under one execution at one input size. Without a guest: what the rest costs."""

    def __init__(
        self,
        guest: Guest | None,
        device: torch.device,
        clock: Clock,
        request: BeginTiming,
        watch: memory.MemoryWatch | None,
        progress: Callable[[int], None],
    ) -> None:
        """Make the input ready and run the untimed calls; whoever makes it closes it."""
        self._guest, self._device, self._clock, self._watch = guest, device, clock, watch
        self._size, self._batch, self._scale = request.size, request.batch, request.scale
        self._execution = request.execution
        self._prepare()
        self._generator = torch.Generator(device=device)
        self._random: torch.Tensor | None = None
        self._small, self._kernel = torch.zeros(1, 3, 64, 64), torch.zeros(3, 3, 3, 3)
        self._model: Callable[[torch.Tensor], Any] = self._enlarge if guest is None else guest.model(self._execution)
        self._output: object = None
        self._input: torch.Tensor | None = None
        self._seed = self._version = 0
        self._ended_ns, self._sample_ms, self._idle_ms = 0, 0.0, 0.0
        with contextlib.ExitStack() as block:
            block.enter_context(autocast(self._execution, device))  # one block: weights are cast once, as in real use
            for done in range(request.warmup):
                self._output = None
                self._output = self._untimed(request.seed + done)
                progress(done + 1)
            clock.settle()
            if request.warmup:
                shaped(self._output, self._batch, self._size.times(self._scale))
            self._output = None
            self._block = block.pop_all()
        self._ended_ns = perf_counter_ns()

    def close(self) -> None:
        """Leave the autocast block."""
        self._block.close()

    def _prepare(self) -> None:
        """Set what decides how fast and how exactly torch computes: a guest may have changed it."""
        numerics.settle(tf32=self._execution.tf32)
        memory.keep_freed()
        torch.backends.cudnn.benchmark = True

    def _enlarge(self, tensor: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(tensor, scale_factor=self._scale, mode="nearest")

    def _numbers(self, seed: int | None = None) -> torch.Tensor:
        """Random numbers of a seed, or the next ones, in the number format of the model's input."""
        generator = self._generator if seed is None else self._generator.manual_seed(seed)
        return laid_out(self._buffer().normal_(generator=generator), self._execution)

    def _pixels(self, image: int) -> torch.Tensor:
        """Pixels of a file, in the memory of the random numbers: in memory of their own, short calls take longer."""
        data_range = 1.0 if self._guest is None else self._guest.data_range
        pixels = image_tensor(image, self._size, self._device, data_range)
        return laid_out(self._buffer().copy_(pixels), self._execution)

    def _buffer(self) -> torch.Tensor:
        if self._random is None:
            self._random = torch.empty(self._batch, 3, self._size.height, self._size.width, device=self._device)
        return self._random

    def _call(self, tensor: torch.Tensor) -> object:
        return self._model(tensor)

    def _untimed(self, seed: int | None = None) -> object:
        tensor = self._numbers(seed)
        with no_gradients():
            return self._call(tensor)

    def warm(self) -> Warmed:
        """Keep a CUDA device busy for `BUSY_MS` with untimed calls.

        Asked for by itself, right before the repeat: nothing of the timed input is known here, so no work on it can be
        hidden in this time, and the pause that is left is one message between two processes. The output of the call
        before has been looked into already: a guest cannot complete it here.
        """
        self._output = self._input = None
        began = perf_counter_ns()
        if began - self._ended_ns > _IDLE_SHARE * self._sample_ms * 1e6:
            self._prepare()
            while perf_counter_ns() - began < BUSY_MS * 1e6:
                self._untimed()
                self._clock.settle()
                self._ended_ns = perf_counter_ns()
        return Warmed()

    def repeat(self, request: TimeCall, image: int | None) -> Repeated:
        """Look into the output of the repeat before, then make a new input and time one call.

        The input is random numbers of `seed`, or the pixels of a file. `idle_ms` is how long the device had no call of
        the model to work on before.
        """
        seen = self._look(request.probe)
        self._output = self._input = None
        self._prepare()
        tensor = self._numbers(request.seed) if image is None else self._pixels(image)
        self._seed, self._version = request.seed, tensor._version  # noqa: SLF001 - see _as_given
        with no_gradients():
            self._wake()
            sample_ms, host_ms = self._timed(tensor)
        self._input = tensor
        return Repeated(sample_ms=sample_ms, host_ms=host_ms, idle_ms=self._idle_ms, probe=seen.probe, given=seen.given)

    def _wake(self) -> None:
        """Compute a little on a CPU before a timed call, the same whatever the input is.

        An image takes more work between two calls than random numbers do. Without this a call of 0.25 ms took 0.15 ms
        longer on images: caches and threads were cold.
        """
        if self._device.type == "cpu":
            for _ in range(_WAKES):
                _convolve(self._small, self._kernel)

    def _timed(self, tensor: torch.Tensor) -> tuple[float, float | None]:
        timed = self._clock.time(lambda: self._call(tensor))
        self._output = timed.output  # giving 4K of memory back to the system is not the model's time
        self._idle_ms = max(0.0, (timed.began_ns - self._ended_ns) / 1e6)
        self._ended_ns, self._sample_ms = timed.ended_ns, timed.sample_ms
        return timed.sample_ms, timed.host_ms

    def finish(self, request: FinishTiming) -> Finished:
        """Look into the last output and, where `memory` asks for it, tell the peak of memory."""
        seen = self._look(request.probe)
        self._output = self._input = None
        return Finished(probe=seen.probe, given=seen.given, memory=self._peak() if request.memory else None)

    def _peak(self) -> PeakMemory | None:
        """The peak of memory of calls on random numbers, made in the input's own number format."""
        if self._watch is None:
            return None
        self._prepare()
        self._random = None
        shape = (self._batch, 3, self._size.height, self._size.width)
        tensor = torch.empty(shape, dtype=dtype_of(self._execution), device=self._device)
        tensor = laid_out(tensor, self._execution).normal_(generator=self._generator)
        network = self._model if isinstance(self._model, Deployed) else self._guest and self._guest.module
        arena = isinstance(network, Deployed) and network.own_arena
        if isinstance(network, Deployed):
            network.give_back()
        with no_gradients():
            return self._watch.peak(
                lambda: shaped(self._call(tensor), self._batch, self._size.times(self._scale)), arena=arena
            )

    def look(self, request: LookAtOutput) -> Looked:
        """Look into the output of the call before, with nothing else to be done: what was put off shows here.

        With `whole` all of the output is read, as whoever shows it does.
        """
        if request.whole:
            shaped(self._output, self._batch, self._size.times(self._scale)).clone()
        return self._look(request.probe)

    def _look(self, where: Places | None) -> Looked:
        """Return values of the output and of its input at places told after the call; None where not finite."""
        if where is None:
            return Looked()
        output = shaped(self._output, self._batch, self._size.times(self._scale))
        with no_gradients():
            return Looked(
                probe=_values(output, where.output),
                given=_values(self._as_given(), where.given) if where.given else (),
            )

    def _as_given(self) -> torch.Tensor:
        """Return the input of the last call as it was given: made again where the model has changed it in place."""
        assert self._input is not None
        if self._input._version == self._version:  # noqa: SLF001 - how torch tells that a tensor was changed
            return self._input
        return self._numbers(self._seed)


def _values(tensor: torch.Tensor, places: Sequence[int]) -> tuple[float | None, ...]:
    if tensor.is_contiguous():
        found = tensor.reshape(-1)[torch.tensor(places).to(tensor.device)]
    else:  # another memory format has no flat view: `reshape` would copy all of a 4K output
        where = np.unravel_index(np.array(places), tuple(tensor.shape))
        found = tensor[tuple(torch.from_numpy(one).to(tensor.device) for one in where)]
    return tuple(value if math.isfinite(value) else None for value in found.to(torch.float64).tolist())
