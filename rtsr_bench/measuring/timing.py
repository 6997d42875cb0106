"""The only clock: milliseconds of the model call, each repeat by itself.

As the official `runtime_demo.py` of NTIRE 2023 RTSR does it: a batch of random numbers, `cudnn.benchmark`, untimed
warm-up, then per repeat an event, the call, an event, a synchronisation. On a CPU `perf_counter_ns` stands for the
events. The clock's functions are bound before any guest is imported, and the parent conducts: each repeat gets its
input, from a seed that did not exist before, outside of the timed part, and its output is looked into only when the
parent says where, after the call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

import torch

from rtsr_bench.measuring.enhance import checked, image_tensor
from rtsr_bench.measuring.guest import BadGuest, Guest, autocast, dtype_of, no_gradients
from rtsr_bench.measuring.memory import MemoryWatch
from rtsr_bench.protocol import Precision, Size

_Event = torch.cuda.Event
_synchronize = torch.cuda.synchronize


class Timing:
    """One model made ready to be timed in one precision at one input size. Without a guest: what the rest costs."""

    def __init__(
        self,
        guest: Guest | None,
        device: torch.device,
        request: Mapping[str, Any],
        watch: MemoryWatch | None,
        progress: Callable[[int], None],
    ) -> None:
        """Make the input ready and run the untimed calls."""
        self._guest, self._device, self._watch = guest, device, watch
        self._size, self._batch, self._scale = Size(*request["size"]), int(request["batch"]), int(request["scale"])
        self._precision = Precision(request["precision"])
        torch.backends.cudnn.benchmark = True
        self._generator = torch.Generator(device=device).manual_seed(int(request["seed"]))
        self._random = torch.empty(self._batch, 3, self._size.height, self._size.width, device=device)
        self._model: Callable[[torch.Tensor], Any] = self._enlarge if guest is None else guest.model(self._precision)
        if watch is not None:
            watch.start()
        self._output: object = None
        warmup = int(request["warmup"])
        with no_gradients(), autocast(self._precision, device):
            for done in range(warmup):
                self._output = None
                tensor = self._random.normal_(generator=self._generator).to(dtype_of(self._precision))
                self._output = self._model(tensor)
                progress(done + 1)
        self._settle()
        if warmup:
            self._checked(self._output)
        self._output = None

    def _enlarge(self, tensor: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(tensor, scale_factor=self._scale, mode="nearest")

    def _settle(self) -> None:
        if self._device.type == "cuda":
            _synchronize(self._device)

    def _checked(self, output: object) -> torch.Tensor:
        """See that what is timed is the whole job; random numbers may overflow in half precision: only shape counts."""
        size = self._size.times(self._scale)
        return checked(torch.zeros_like(output) if type(output) is torch.Tensor else output, self._batch, size)

    def repeat(self, request: Mapping[str, Any], image: int | None) -> dict[str, Any]:
        """Look into the output of the repeat before, then make a new input and time one call.

        The input is random numbers of `seed`, or the pixels of a file. With `whole` the time includes a copy of the
        whole output, made at once.
        """
        probe = self._look(request["probe"])
        self._output = None
        if image is None:
            tensor = self._random.normal_(generator=self._generator.manual_seed(int(request["seed"])))
        else:
            data_range = 1.0 if self._guest is None else self._guest.data_range
            tensor = image_tensor(image, self._size, self._device, data_range).expand(self._batch, -1, -1, -1)
        tensor = tensor.to(dtype_of(self._precision)).contiguous()
        timed = self._timed_on_cuda if self._device.type == "cuda" else self._timed_on_cpu
        with no_gradients(), autocast(self._precision, self._device):
            sample, host = timed(tensor, whole=bool(request["whole"]))
        return {"sample_ms": sample, "host_ms": host, "probe": probe}

    def _timed_on_cpu(self, tensor: torch.Tensor, *, whole: bool) -> tuple[float, float | None]:
        before = perf_counter_ns()
        output = self._model(tensor)
        if whole:
            output = output.clone()
        sample = (perf_counter_ns() - before) / 1e6
        self._output = output  # giving 4K of memory back to the system is not the model's time
        return sample, None

    def _timed_on_cuda(self, tensor: torch.Tensor, *, whole: bool) -> tuple[float, float | None]:
        start, end = _Event(enable_timing=True), _Event(enable_timing=True)
        _synchronize(self._device)  # the input is there, and nothing else is left to do
        before = perf_counter_ns()
        start.record()
        output = self._model(tensor)
        if whole:
            output = output.clone()
        end.record()
        host = (perf_counter_ns() - before) / 1e6
        _synchronize(self._device)
        self._output = output
        return float(start.elapsed_time(end)), host

    def finish(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Look into the last output and tell the peak of memory."""
        return {"probe": self._look(request["probe"]), "memory": self._watch.stop() if self._watch else None}

    def look(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Look into the output of the call before, with nothing else to be done: what was put off shows here."""
        return {"probe": self._look(request["probe"])}

    def _look(self, where: Mapping[str, Any] | None) -> list[float | None]:
        """Return the output's values at places that are told after the call; None stands for what is not finite."""
        if where is None:
            return []
        output = self._output
        if type(output) is not torch.Tensor:
            raise BadGuest(f"the model returned a {type(output).__name__}, expected a tensor")
        if tuple(output.shape) != (self._batch, 3, *_pair(self._size.times(self._scale))):
            raise BadGuest(f"a timed call returned the shape {tuple(output.shape)}")
        places = torch.tensor(where["places"])
        with no_gradients():
            values = output.reshape(-1)[places.to(output.device)].to(torch.float64).tolist()
        return [value if math.isfinite(value) else None for value in values]


def _pair(size: Size) -> tuple[int, int]:
    return size.height, size.width
