"""Is the harness's runtime right? One model in two processes, each timed by the harness and by a plain loop in turns.

    python benchmarks/timing.py [--rounds 5] [--input 540x960] [--warmup 50] [--repeats 244] [--chunk 4] [--model NAME]

Two children hold one model (RT4KSR-S x2, or the one of the folder NAME of reference_models/). Each is timed by the
harness call by call as in a run, and by a loop of five lines that runs within the same process, between two of the
harness's calls: where the system has put a process's memory decides a few percent of its runtime, so a loop in a
process of its own would tell little. All take turns in chunks of a few calls whose order changes, so that what drifts
with the machine drifts for all. The speed of a shared processor changes within some 50 ms: for a model with short calls
`--chunk 1` and more repeats let that cancel, too.
Prints, for each round, with standard errors from the chunks: the ratio of the means of the harness and of the loop in
each process; the ratio of the two processes by the harness and by the loop; the pause between repeats, its jitter, and
the foreign load. Then the ratios over all rounds. The exit code is 1 where the harness and the loop differ by more than
1 % over all rounds, or the two processes do so by the harness and not by the loop. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import Input, random_input
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.load import LoadMeter
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import LoadModel, LookAtOutput, Places

PROJECT = Path(__file__).parents[1]
WANTED = 0.01
GUEST = """
import time
import torch
import arch

class Both(torch.nn.Module):
    def __init__(self, **args):
        super().__init__()
        self.model = arch.{entry}(**args)

    def forward(self, x):
        if x[0, 0, 0, :8].any():
            return self.model(x)
        times = []
        for _ in range({calls}):
            x = torch.randn(x.shape)
            before = time.perf_counter_ns()
            y = self.model(x)
            times.append((time.perf_counter_ns() - before) / 1e6)
        y.view(-1)[:{calls}] = torch.tensor(times)
        return y
"""


class Process:
    """A child with the model, timed by the harness and by a loop of its own."""

    def __init__(self, folder: Path, protocol: Protocol, model: str, chunk: int) -> None:
        self.child, self.chunk = Child(timed=True), chunk
        args = {"scale": 2, **({"size": "S"} if model == "rt4ksr" else {})}
        request = LoadModel(format="python", folder=folder, entry="both:Both", args=args, scale=2)
        loaded = self.child.ask(request, limit_s=120)
        if isinstance(loaded, Failure):
            raise SystemExit(f"not loaded: {loaded.message}")
        self.conductor = Conductor(self.child, protocol, EAGER_FP32)
        failure = self.conductor.begin(protocol.warmup)
        if failure is not None:
            raise SystemExit(failure.message)
        self.black = bytes(protocol.input.pixels * 3)
        self.pauses: list[float] = []
        self.harness: list[float] = []
        self.loop: list[float] = []

    def wake(self) -> None:
        """Make one call that does not count: the other process's turn has put this one to sleep."""
        self._call(random_input())

    def by_harness(self) -> None:
        """Time a chunk of calls."""
        calls = [self._call(random_input()) for _ in range(self.chunk)]
        self.harness.append(statistics.fmean(call.sample_ms for call in calls))
        self.pauses += [call.idle_ms or 0.0 for call in calls]

    def by_loop(self) -> None:
        """Let the guest's own loop time a chunk of calls."""
        self._call(Input(image=self.black))
        request = LookAtOutput(probe=Places(output=tuple(range(self.chunk))))
        seen = self.child.ask(request, limit_s=60)
        if isinstance(seen, Failure):
            raise SystemExit(seen.message)
        self.loop.append(statistics.fmean(value for value in seen.probe if value is not None))

    def _call(self, given: Input) -> Call:
        call = self.conductor.call(given)
        if isinstance(call, Failure):
            raise SystemExit(call.message)
        return call


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two means and its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, over: list[float], under: list[float]) -> Ratio:
        """Return the ratio of the means of two lists of chunks that were timed in turns (delta method)."""
        value = statistics.fmean(over) / statistics.fmean(under)
        rest = [one - value * other for one, other in zip(over, under, strict=True)]
        return cls(value, statistics.stdev(rest) / math.sqrt(len(rest)) / statistics.fmean(under))

    def __str__(self) -> str:
        return f"{self.value:.4f} ± {self.error:.4f}"

    @property
    def near(self) -> bool:
        """Whether it is within 1 % of 1."""
        return abs(self.value - 1) <= WANTED


def one_round(folder: Path, protocol: Protocol, model: str, chunk: int) -> tuple[Process, Process]:
    """Time both processes and print a line; returns them, closed."""
    first, second = both = [Process(folder, protocol, model, chunk) for _ in range(2)]
    try:
        meter = LoadMeter(lambda: sum(one.child.cpu_s() for one in both))
        began = meter.mark()
        while len(first.harness) * chunk < protocol.repeats:
            for one in random.sample(both, 2):
                one.wake()
                for turn in random.sample((one.by_harness, one.by_loop), 2):
                    turn()
        load = meter.since(began)
    finally:
        first.child.close()
        second.child.close()
    pauses = [*first.pauses, *second.pauses]
    jitter = statistics.quantiles(pauses, n=20)
    means = [f"{statistics.fmean(x):.1f}" for x in (first.harness, second.harness, first.loop, second.loop)]
    print(
        f"harness {means[0]} and {means[1]} ms, loop {means[2]} and {means[3]} ms | harness/loop "
        f"{Ratio.of(first.harness, first.loop)} and {Ratio.of(second.harness, second.loop)} | second/first process "
        f"by the harness {Ratio.of(second.harness, first.harness)}, by the loop {Ratio.of(second.loop, first.loop)} | "
        f"pause {statistics.median(pauses):.2f} ms (5 to 95 %: {jitter[0]:.2f} to {jitter[-1]:.2f}) | "
        f"foreign load {100 * (load.foreign or 0):.1f} %",
        flush=True,
    )
    return both


def main() -> int:
    """Run the rounds and count what is within 1 %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--input", default="540x960")
    parser.add_argument("--warmup", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=244)
    parser.add_argument("--model", default="rt4ksr", help="folder of reference_models/, which is its entry, too")
    parser.add_argument("--chunk", type=int, default=4, help="calls in a row")
    options = parser.parse_args()
    height, width = map(int, options.input.split("x"))
    protocol = Protocol(
        scale=2, data_sets=(), degradation="", conventions=(), input=Size(height, width), precision={},
        warmup=options.warmup, repeats=options.repeats,
    )  # fmt: skip
    print(
        f"{options.model} x2, input {protocol.input}, {protocol.warmup} warm-ups, {protocol.repeats} repeats each, "
        f"{options.chunk} in a row",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as place:
        for file in (PROJECT / "reference_models" / options.model).glob("*.py"):
            shutil.copy(file, place)
        (Path(place) / "both.py").write_text(GUEST.format(entry=options.model, calls=options.chunk))
        rounds = [one_round(Path(place), protocol, options.model, options.chunk) for _ in range(options.rounds)]
    firsts, seconds = [one for one, _ in rounds], [other for _, other in rounds]
    harness, loop = chunks(firsts + seconds)
    (harness_1, loop_1), (harness_2, loop_2) = chunks(firsts), chunks(seconds)
    against_loop = Ratio.of(harness, loop)
    by_harness, by_loop = Ratio.of(harness_2, harness_1), Ratio.of(loop_2, loop_1)
    print(
        f"over all rounds: harness/loop {against_loop}; second/first by the harness {by_harness}, by the loop {by_loop}"
    )
    own = [Ratio.of(one.harness, one.loop) for one in firsts + seconds]
    print(f"harness/loop within 1 % in {sum(one.near for one in own)} of {len(own)} processes")
    right = against_loop.near and (by_harness.near or abs(by_harness.value / by_loop.value - 1) <= WANTED)
    print(f"the harness is {'' if right else 'NOT '}right within 1 %")
    return 0 if right else 1


def chunks(processes: list[Process]) -> tuple[list[float], list[float]]:
    """Return all chunks of some processes by the harness, and those by the loop."""
    return [x for one in processes for x in one.harness], [x for one in processes for x in one.loop]


if __name__ == "__main__":
    sys.exit(main())
