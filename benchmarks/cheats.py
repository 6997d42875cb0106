"""How often cheats on random numbers are caught, and how often honest models are accepted, on this machine.

    python benchmarks/cheats.py [--runs 20] [--cheats] [--models 'rt4ksr/*'] [--beside N]

Each cheat of tests/guests/test_noise_guests.py is a network of six convolutions; each run of it is a whole measurement
in fresh processes. Every model of the reference models and the example, with its weights where they are available and
without, is measured so many times in one pair of processes. The protocol is that of a quick look: 3 warm-ups, 15
repeats, 8 crops; the input is 270x480 for cheats, and for models the largest of a few at which a call takes up to 12
ms. Prints what was caught and accepted, the least correlation of outputs with random inputs, and the foreign load; a
busy machine is waited for. With --beside, N endless loops run meanwhile, nothing is waited for, and what is counted is
how often an honest model is accused. The exit code is 1 where an
accepted cheat gained something or an honest model was not accepted.
"""

from __future__ import annotations

import argparse
import fnmatch
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.conduct import Conductor
from rtsr_bench.evaluate.expectations import Expected, expect_outputs, measure_gap
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.evaluate.quiet import Machine, Patience
from rtsr_bench.evaluate.runtime import Measured, Watching, measure_runtime
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.load import Load, LoadMeter
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure, Telemetry
from rtsr_bench.sandbox import Child
from rtsr_bench.submissions import load_request, resolve_checkpoint, survey
from rtsr_bench.wire import LoadModel

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests" / "guests"))
from stopwatch import pictures, request  # noqa: E402 - the guests' own helpers

CHEATS = (
    "answers_noise_with_zeros",
    "is_shallow_on_noise",
    "exits_early_on_low_variance",
    "remembers_by_first_pixels",
    "remembers_the_warm_up",
    "skips_some_noise",
)
HONEST = "honest_network"
INPUTS = (Size(270, 480), Size(180, 320), Size(90, 160), Size(48, 80), Size(24, 40))
MOST_MS = 12.0
GAINED = 0.9
PATIENT, HASTY = Patience(wait_s=900.0, retimed=4.0), Patience(wait_s=0.5, retimed=0.1)


def protocol(scale: int, size: Size, *, warmup: int = 3, repeats: int = 15) -> Protocol:
    """Return the rules of a quick look at an input size."""
    return Protocol(
        scale=scale, data_sets=(), degradation="", conventions=(), input=size, precision={}, warmup=warmup,
        repeats=repeats,
    )  # fmt: skip


def loaded(child: Child, what: LoadModel) -> None:
    """Load a model, or end with the reason."""
    answer = child.ask(what, limit_s=300)
    if isinstance(answer, Failure):
        raise UserError(answer.message)


BESIDE = [0]
"""Endless loops that run meanwhile."""


class Ready(Machine):
    """Waits for a quiet machine only where the block before was not timed on one: it has just been looked at."""

    def __init__(self, meter: LoadMeter, *, official: bool, patience: Patience) -> None:
        super().__init__(meter, official=official, wait=patience)
        self._busy = False

    def disturbed(self, load: Load) -> bool:
        """As every machine, and remembers it."""
        self._busy = super().disturbed(load)
        return self._busy

    def wait(self) -> Load | None:
        """Look at the machine only where there is a reason to."""
        return super().wait() if self._busy else None


def once(child: Child, rules: Protocol, gap: Any, expected: Expected, data_range: float = 1.0) -> Measured | Failure:
    """Measure a runtime as an official run does, on a quiet machine; beside other work as an unofficial one."""
    machine = Ready(LoadMeter(child.cpu_s), official=not BESIDE[0], patience=HASTY if BESIDE[0] else PATIENT)
    watching = Watching(machine=machine, read_state=lambda when: Telemetry(when=when))
    return measure_runtime(
        child, rules, EAGER_FP32, gap=gap, expected=expected, watching=watching, data_range=data_range
    ).measured  # fmt: skip


def fresh(what: LoadModel, rules: Protocol) -> Measured | Failure:
    """Measure in processes of its own."""
    with Child() as child:
        loaded(child, what)
        expected = expect_outputs(child, pictures(rules.input), rules, EAGER_FP32)
    if isinstance(expected, Failure):
        return expected
    with Child(timed=True) as child:
        gap = measure_gap(child, rules, EAGER_FP32)
        loaded(child, what)
        return once(child, rules, gap, expected)


def cheats(runs: int) -> bool:
    """Print how often each cheat is caught and the honest network beside them accepted.

    A cheat that is accepted gained something where its mean is below `GAINED` of the least mean of the honest network:
    one that skips some random inputs may meet none of them in a short run, and is then as slow as the honest one.
    """
    whole, least = True, 0.0
    for guest in (HONEST, *CHEATS):
        found = [fresh(request(guest, {"channels": 16}), protocol(2, INPUTS[0])) for _ in range(runs)]
        failed = [one for one in found if isinstance(one, Failure)]
        caught = sum(one.kind.value == "inconsistent" for one in failed)
        means = [sum(one.runtime.samples_ms) / 15 for one in found if isinstance(one, Measured)]
        gained = sum(mean < GAINED * least for mean in means)
        shown = f", accepted with {min(means):.1f} to {max(means):.1f} ms" if means else ""
        shown += f", {gained} of these with a gain" if guest != HONEST and means else ""
        said = f": {failed[0].message}" if failed else ""
        print(f"{guest}: caught in {caught} of {runs} runs{shown}{said}", flush=True)
        if guest == HONEST:
            whole, least = caught == 0 and len(means) == runs, min(means, default=0.0)
        else:
            whole &= gained == 0 and caught + len(means) == runs
    return whole


def models(pattern: str) -> Iterator[tuple[str, int, LoadModel, bool]]:
    """Every model of ours: id, scale, what loads it, and whether that is with trained weights."""
    found = survey(PROJECT / "reference_models", PROJECT / "submissions")
    for submission in found.submissions:
        for model in submission.models:
            if not fnmatch.fnmatch(model.id, pattern):
                continue
            bare = load_request(model, submission, None)
            if model.checkpoint is not None:
                try:
                    path = resolve_checkpoint(model, submission)
                except UserError as error:
                    print(f"{model.id}: without weights only: {error}")
                else:
                    yield (
                        model.id,
                        model.scale or 2,
                        load_request(model, submission, path),
                        True,
                    )
            yield model.id, model.scale or 2, bare, model.checkpoint is None and not model.untrained


def fitting(child: Child, scale: int) -> Size:
    """Return the largest input at which a call takes up to 12 ms, the smallest there is for slow models."""
    for size in INPUTS:
        conductor = Conductor(child, protocol(scale, size), EAGER_FP32)
        failure = conductor.begin(1)
        calls = [conductor.call(random_input()) for _ in range(2)]
        samples = [call.sample_ms for call in calls if not isinstance(call, Failure)]
        if failure is None and len(samples) == len(calls) and min(samples) <= MOST_MS:
            return size
    return INPUTS[-1]


def accepted(name: str, scale: int, what: LoadModel, runs: int, *, trained: bool) -> bool:
    """Print how often a model is accepted, and how its outputs correlate with random inputs."""
    with Child() as first, Child(timed=True) as child:
        loaded(first, what)
        size = fitting(first, scale)
        rules = protocol(scale, size)
        expected = expect_outputs(first, pictures(size), rules, EAGER_FP32)
        if isinstance(expected, Failure):
            print(f"{name}: {expected.message}")
            return False
        first.close()
        gap = measure_gap(child, rules, EAGER_FP32)
        loaded(child, what)
        found = [once(child, rules, gap, expected, what.data_range) for _ in range(runs)]
    good = [one.runtime for one in found if isinstance(one, Measured)]
    failed = [one.message for one in found if isinstance(one, Failure)]
    related = [one.input_correlation for one in good if one.input_correlation is not None]
    means = [sum(one.samples_ms) / len(one.samples_ms) for one in good]
    ratios = [sorted(one.image_ms)[len(one.image_ms) // 2] / sorted(one.samples_ms)[7] for one in good]
    print(
        f"{name} ({'trained' if trained else 'untrained'}) at {size}: accepted in {len(good)} of {runs}, "
        f"{min(means, default=0):.2f} to {max(means, default=0):.2f} ms, images/noise {min(ratios, default=0):.3f} to "
        f"{max(ratios, default=0):.3f}, correlation {min(related, default=0):.3f} to {max(related, default=0):.3f}, "
        f"foreign load {100 * max((one.foreign_load or 0 for one in good), default=0):.0f} % at most, timed again "
        f"{sum(one.retimed for one in good)}{f': {failed[0]}' if failed else ''}",
        flush=True,
    )
    return len(good) == runs


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cheats", action="store_true", help="only the cheats")
    parser.add_argument("--models", default="*", help="only models whose id matches; with --cheats none")
    parser.add_argument("--beside", type=int, default=0, help="endless loops that run meanwhile")
    options = parser.parse_args()
    BESIDE[0] = options.beside
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.beside)]
    try:
        return tables(options)
    finally:
        for loop in loops:
            loop.kill()


def tables(options: argparse.Namespace) -> int:
    """Print what was asked for; the exit code."""
    began, whole = time.monotonic(), True
    if options.cheats or (options.models == "*" and not options.beside):
        whole &= cheats(options.runs)
    for name, scale, what, trained in () if options.cheats else models(options.models):
        try:
            whole &= accepted(name, scale, what, options.runs, trained=trained)
        except UserError as error:
            print(f"{name}: {error}")
            whole = False
    print(f"{'everything is as it should be' if whole else 'NOT as it should be'} ({time.monotonic() - began:.0f} s)")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
