"""Is the harness's runtime right? One model twice through the harness and through a plain loop, interleaved.

    python benchmarks/timing.py [--rounds 5] [--input 540x960] [--warmup 50] [--repeats 244]

Four processes hold RT4KSR-S x2: two timed by the harness call by call as in a run, two in a loop of five lines without
any harness. All keep freed memory (`measuring.memory.keep_freed`): otherwise page faults decide, in a plain loop too.
They take turns in chunks of two calls whose order changes, so that what drifts with the machine drifts for all.
Prints, for each round, the ratio of the means of the two harness processes and of the two loops, the ratio of the
harness to the loops (each wanted within 1 %), the pause between repeats, its jitter, and the foreign load. The ratio of
the two loops says how far the machine itself can be trusted: no harness can repeat a time better than that. Run it on
a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

from rtsr_bench.evaluate.conduct import Conductor
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.load import LoadMeter
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child, Loaded
from rtsr_bench.wire import Op

PROJECT = Path(__file__).parents[1]
FOLDER, ARGS = PROJECT / "reference_models" / "rt4ksr", {"size": "S", "scale": 2}
CHUNK = 2
WANTED = 0.01
PLAIN = """
import sys, time
sys.path.insert(0, sys.argv[1])
import torch, arch
from rtsr_bench.measuring import memory
memory.keep_freed()
size, seed = [int(one) for one in sys.argv[2].split("x")], 0
model = getattr(arch, sys.argv[3])(**{args!r}).eval()
print(torch.get_num_threads(), flush=True)
with torch.no_grad():
    for line in sys.stdin:
        for _ in range(int(line)):
            x = torch.randn(1, 3, *size)
            before = time.perf_counter_ns()
            y = model(x)
            print((time.perf_counter_ns() - before) / 1e6, flush=True)
"""


class Harness:
    """A child with the model, timed call by call."""

    def __init__(self, protocol: Protocol, entry: str) -> None:
        self.child = Child(timed=True)
        request = {"folder": str(FOLDER), "entry": f"arch:{entry}", "args": ARGS, "checkpoint": None, "data_range": 1.0,
                   "format": "python", "scale": 2}  # fmt: skip
        loaded = self.child.ask(Op.LOAD, Loaded, request, limit_s=120)
        if isinstance(loaded, Failure):
            raise SystemExit(f"not loaded: {loaded.message}")
        self.conductor = Conductor(self.child, protocol, Precision.FP32)
        failure = self.conductor.begin(protocol.warmup)
        if failure is not None:
            raise SystemExit(failure.message)
        self.pauses: list[float] = []

    def chunk(self, count: int) -> list[float]:
        """Time so many calls; one before them, which does not count, wakes what the others' turn put to sleep."""
        samples = []
        for number in range(count + 1):
            call = self.conductor.call(random_input())
            if isinstance(call, Failure):
                raise SystemExit(call.message)
            if number:
                samples.append(call.sample_ms)
                self.pauses.append(call.idle_ms or 0.0)
        return samples

    def close(self) -> None:
        """End the child."""
        self.child.close()


class Plain:
    """A process with the model in a plain loop."""

    def __init__(self, protocol: Protocol, entry: str) -> None:
        command = [sys.executable, "-c", PLAIN.format(args=ARGS), str(FOLDER), str(protocol.input), entry]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.threads = int(self.process.stdout.readline())
        self.chunk(protocol.warmup)

    def chunk(self, count: int) -> list[float]:
        """Time so many calls after one that does not count."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{count + 1}\n")
        self.process.stdin.flush()
        return [float(self.process.stdout.readline()) for _ in range(count + 1)][1:]

    def cpu_s(self) -> float:
        """Processor seconds of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def one_round(protocol: Protocol, entry: str) -> tuple[float, float, float]:
    """Time all four, print a line; returns the ratios of the harness to itself, of the loops, and of both."""
    first, second = Harness(protocol, entry), Harness(protocol, entry)
    loops = Plain(protocol, entry), Plain(protocol, entry)
    sides: tuple[Harness | Plain, ...] = (first, second, *loops)
    try:
        if loops[0].threads != first.child.hello.threads:
            raise SystemExit(f"{loops[0].threads} threads in the loop, {first.child.hello.threads} in the harness")
        meter = LoadMeter(lambda: sum(one.cpu_s() for one in (first.child, second.child, *loops)))
        samples: list[list[float]] = [[] for _ in sides]
        began, order = meter.mark(), list(range(len(sides)))
        while len(samples[0]) < protocol.repeats:
            random.shuffle(order)
            for side in order:
                samples[side] += sides[side].chunk(min(CHUNK, protocol.repeats - len(samples[side])))
        load = meter.since(began)
    finally:
        for one in sides:
            one.close()
    means = [statistics.fmean(one) for one in samples]
    pauses = [*first.pauses, *second.pauses]
    jitter = statistics.quantiles(pauses, n=20)
    ratios = means[1] / means[0], means[3] / means[2], (means[0] + means[1]) / (means[2] + means[3])
    print(
        f"harness {means[0]:.1f} and {means[1]:.1f} ms, loops {means[2]:.1f} and {means[3]:.1f} ms | harness/harness "
        f"{ratios[0]:.4f}, loop/loop {ratios[1]:.4f}, harness/loop {ratios[2]:.4f} | pause "
        f"{statistics.median(pauses):.2f} ms (5 to 95 %: {jitter[0]:.2f} to {jitter[-1]:.2f}) | foreign load "
        f"{100 * (load.foreign or 0):.1f} %",
        flush=True,
    )
    return ratios


def main() -> int:
    """Run the rounds; the exit code is 1 where the harness is further from 1 than 1 % and than the loops are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--input", default="540x960")
    parser.add_argument("--warmup", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=244)
    parser.add_argument("--entry", default="rt4ksr")
    options = parser.parse_args()
    height, width = map(int, options.input.split("x"))
    protocol = Protocol(
        scale=2, data_sets=(), degradation="", conventions=(), input=Size(height, width), precision={},
        warmup=options.warmup, repeats=options.repeats,
    )  # fmt: skip
    print(
        f"RT4KSR-S x2, input {protocol.input}, {protocol.warmup} warm-ups, {protocol.repeats} repeats each", flush=True
    )
    rounds = [one_round(protocol, options.entry) for _ in range(options.rounds)]
    names = ("harness/harness", "loop/loop", "harness/loop")
    for name, ratios in zip(names, zip(*rounds, strict=True), strict=True):
        near = sum(abs(ratio - 1) <= WANTED for ratio in ratios)
        print(f"{name}: {near} of {len(ratios)} within 1 %, geometric mean {statistics.geometric_mean(ratios):.4f}")
    own = max(abs(one[1] - 1) for one in rounds)
    whole = all(abs(ratio - 1) <= max(WANTED, own) for one in rounds for ratio in one)
    print(f"the harness is {'' if whole else 'NOT '}as near as the loops are to each other ({100 * own:.1f} %), or 1 %")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
