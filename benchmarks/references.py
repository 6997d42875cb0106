"""How far the fixed references can be trusted: how they vary within a process, and from process to process.

    python benchmarks/references.py [--processes N] [--times M] [--pause SECONDS] [--device DEVICE]

Starts N processes like that of a run, one after the other, and times the references M times in each, with a pause in
between, as long as a small model takes to be timed. Prints the medians of each process, by how much a median differs
from that before it in the same process (what a record shows as change), how the medians of processes differ, and what
timing them costs. Beside it: the share of the processors that other programs used.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise

from rtsr_bench.load import LoadMeter
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child
from rtsr_bench.statistics import mean, median, percentile
from rtsr_bench.wire import TimeReference

Medians = tuple[float, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--pause", type=float, default=1.0)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    found = [_process(options.device, options.times, options.pause) for _ in range(options.processes)]
    for which, name in enumerate(("convs", "bicubic")):
        series = [[one[which] for one in medians] for medians in found]
        typical = [median(one) for one in series]
        changes = [abs(after / before - 1) for one in series for before, after in pairwise(one)]
        apart = [max(one, other) / min(one, other) - 1 for one in typical for other in typical if one is not other]
        print(f"{name}: {mean(typical):.3f} ms")
        print(f"  change within a process: {_shares(changes)}")
        print(f"  two processes apart:     {_shares(apart)}")


def _shares(values: list[float]) -> str:
    if not values:
        return "unknown"
    parts = ((50, "median"), (95, "95 %"), (100, "largest"))
    return ", ".join(f"{name} {100 * percentile(values, percent):.1f} %" for percent, name in parts)


def _process(device: str, times: int, pause_s: float) -> list[Medians]:
    found: list[Medians] = []
    with Child(device=device, timed=True) as child:
        meter = LoadMeter(child.cpu_s)
        before, took = meter.mark(), []
        for _ in range(times):
            time.sleep(pause_s)
            began = time.perf_counter()
            timed = child.ask(TimeReference(), limit_s=60)
            took.append(time.perf_counter() - began)
            if isinstance(timed, Failure):
                raise SystemExit(timed.message)
            found.append((median(timed.convs.samples_ms), median(timed.bicubic.samples_ms)))
        load = meter.since(before)
    words = " ".join(f"{convs:.2f}" for convs, _ in found)
    print(f"convs {words}; first {took[0]:.2f} s, then {median(took[1:] or took):.2f} s; {load.words}", flush=True)
    return found


if __name__ == "__main__":
    main()
