"""The only clock: milliseconds of the model call, each repeat by itself.

As the official `runtime_demo.py` of NTIRE 2023 RTSR does it: a batch of random numbers, `cudnn.benchmark`, untimed
warm-up, then per repeat an event, the call, an event, a synchronisation. On a CPU `perf_counter_ns` stands for the
events. The clock's functions are bound before any guest is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

import torch

from rtsr_bench.measuring.enhance import checked
from rtsr_bench.measuring.guest import Guest, autocast, dtype_of
from rtsr_bench.measuring.memory import MemoryWatch
from rtsr_bench.protocol import Precision, Size

_Event = torch.cuda.Event
_synchronize = torch.cuda.synchronize


def measure_runtime(
    guest: Guest, request: Mapping[str, Any], watch: MemoryWatch, progress: Callable[[int], None]
) -> dict[str, Any]:
    """Time `repeats` calls after `warmup` untimed ones; every sample in ms, in order, the host's share beside it."""
    size, batch, scale = Size(*request["size"]), int(request["batch"]), int(request["scale"])
    precision = Precision(request["precision"])
    warmup, repeats = int(request["warmup"]), int(request["repeats"])
    torch.backends.cudnn.benchmark = True
    generator = torch.Generator(device=guest.device).manual_seed(int(request["seed"]))
    tensor = torch.randn(batch, 3, size.height, size.width, generator=generator, device=guest.device)
    tensor = tensor.to(dtype_of(precision))
    model = guest.model(precision)
    watch.start()
    started = perf_counter_ns()
    output: object = None
    with torch.inference_mode(), autocast(precision, guest.device):
        for done in range(warmup):
            output = model(tensor)
            progress(done + 1)
        if warmup:
            _settle(guest.device)
            _checked_shape(output, batch, size.times(scale))
        output = None
        progress(warmup)
        timed = _cuda_samples if guest.device.type == "cuda" else _cpu_samples
        region = perf_counter_ns()
        samples, host = timed(model, tensor, repeats, lambda done: progress(warmup + done))
        region_s = (perf_counter_ns() - region) / 1e9
    return {
        "samples_ms": samples,
        "host_ms": host,
        "region_s": region_s,
        "wall_s": (perf_counter_ns() - started) / 1e9,
        "memory": watch.stop(),
    }


def _checked_shape(output: object, batch: int, size: Size) -> None:
    """See that what is timed is the whole job; random numbers may overflow in half precision: only the shape counts."""
    checked(torch.zeros_like(output) if isinstance(output, torch.Tensor) else output, batch, size)


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        _synchronize(device)


def _cuda_samples(
    model: torch.nn.Module, tensor: torch.Tensor, repeats: int, progress: Callable[[int], None]
) -> tuple[list[float], list[float]]:
    start, end = _Event(enable_timing=True), _Event(enable_timing=True)
    samples, host = [], []
    for done in range(repeats):
        before = perf_counter_ns()
        start.record()
        model(tensor)
        end.record()
        host.append((perf_counter_ns() - before) / 1e6)
        _synchronize(tensor.device)
        samples.append(float(start.elapsed_time(end)))
        progress(done + 1)
    return samples, host


def _cpu_samples(
    model: torch.nn.Module, tensor: torch.Tensor, repeats: int, progress: Callable[[int], None]
) -> tuple[list[float], list[float]]:
    samples = []
    for done in range(repeats):
        before = perf_counter_ns()
        output = model(tensor)
        samples.append((perf_counter_ns() - before) / 1e6)
        del output  # giving 4K of memory back to the system is not the model's time
        progress(done + 1)
    return samples, []
