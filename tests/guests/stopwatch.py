"""Timing guests in tests: on a machine that is said to be quiet, so that a busy one does not hide a cheat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from rtsr_bench.evaluate.expectations import Expected, expect_outputs, measure_gap
from rtsr_bench.evaluate.quiet import Machine
from rtsr_bench.evaluate.runtime import Measured, Watching, measure_runtime
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.load import Load, LoadMeter, Mark
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure, Telemetry
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import Loaded, LoadModel

GUESTS = Path(__file__).parent


class SaidQuiet(LoadMeter):
    """Says of any machine that nothing else runs on it."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)

    def since(self, before: Mark) -> Load:
        return Load(wall_s=max(1e-9, self.mark().wall_s - before.wall_s), foreign=0.0, stalled=0.0)


def watching(meter: LoadMeter | None = None, *, official: bool = False) -> Watching:
    """Watch with a meter, or say that the machine is quiet."""
    machine = Machine(meter or SaidQuiet(), official=official, sleep=lambda seconds: None)
    return Watching(machine=machine, read_state=lambda when: Telemetry(when=when))


def request(guest: str, args: dict[str, Any] | None = None) -> LoadModel:
    """What loads a guest of this folder."""
    return LoadModel(format="python", folder=GUESTS / guest, entry="arch:srmodel", args=args or {}, scale=2)


def pictures(size: Size) -> Any:
    """Data of one smooth picture of a size that is not the timed one."""
    rows, columns = np.mgrid[0 : size.height + 7, 0 : size.width + 5]
    waves = [127 + 125 * np.sin(rows / (5 + k)) * np.cos(columns / (6 + k)) for k in range(3)]
    pixels = np.stack(waves, axis=-1).astype(np.uint8)
    pair = SimpleNamespace(name="a picture", lr=lambda: pixels, size=size.times(2))
    return cast("Any", [SimpleNamespace(pairs=(pair,))])


def timed(
    guest: str,
    protocol: Protocol,
    args: dict[str, Any] | None = None,
    *,
    meter: Callable[[Child], LoadMeter] | None = None,
) -> Measured | Failure:
    """Time a guest as a run does: expectations from one process, the timing in another."""
    execution = EAGER_FP32
    with Child(threads=1) as child:
        loaded = child.ask(request(guest, args), limit_s=60)
        assert isinstance(loaded, Loaded), loaded
        expected = expect_outputs(child, pictures(protocol.input), protocol, execution)
    assert isinstance(expected, Expected), expected
    with Child(threads=1, timed=True) as child:
        looking = meter(child) if meter else None
        gap = measure_gap(child, protocol, execution)
        assert not isinstance(gap, Failure), gap
        assert isinstance(child.ask(request(guest, args), limit_s=60), Loaded)
        timing = measure_runtime(child, protocol, execution, gap=gap, expected=expected, watching=watching(looking))
        return timing.measured
