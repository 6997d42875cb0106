"""What an entry costs beyond its own work: with children started ahead and without, turn by turn, side by side.

    python benchmarks/entries.py [--entries N] [--rounds R] [--submission FOLDER] [--checks C] [--track TRACK]

Each round measures N copies of a small model on three tiny images (or on the images of TRACK), once with
`Bench.start_ahead` and once without it, each time in a run of its own, in turns, so that both meet the same machine.
An entry's seconds are those from the beginning of its measurement to its record, without the seconds of its timed
calls; below them stands where they went. Its own work is loading, images, counting and timed calls. The tiny images
are the worst case: the less time images take, the less can be started beside them.
Then `rtsr-bench check` is run C times. Beside each round: the load average, and the share of the processors that other
programs used.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from rtsr_bench.cli.running import run_submissions
from rtsr_bench.evaluate import Bench, measure_and_save, stages
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.evaluate.reference_processes import ReferenceProcesses
from rtsr_bench.evaluate.settings import Output, Selection, Settings
from rtsr_bench.executors import local
from rtsr_bench.load import LoadMeter
from rtsr_bench.protocol import Size
from rtsr_bench.record import Runtime
from rtsr_bench.sandbox import Child, Stock
from rtsr_bench.wire import (
    BeginTiming,
    CountOperations,
    FinishTiming,
    KeepWarm,
    LoadModel,
    LookAtOutput,
    Request,
    TimeCall,
)

PROJECT = Path(__file__).parents[1]
PARTS = ("starting children", "loading", "images", "without a model", "references", "timed calls", "counting",
         "ending children")  # fmt: skip
MANIFEST = '[submission]\nid = "{0}"\nteam = "{0}"\ntitle = "{0}"\n\n[[model]]\nscale = 2\nentry = "arch:srmodel"\n'
_HARNESS = ("starting children", "without a model", "references", "ending children")
_TIMED = (BeginTiming, KeepWarm, TimeCall, LookAtOutput, FinishTiming)


class Stopwatch:
    """Seconds of entries, by entry and by part."""

    def __init__(self) -> None:
        self.beyond: list[float] = []
        self.parts: dict[str, float] = defaultdict(float)
        self._timed: Child | None = None
        self._loaded = False
        self._inside = False

    def around(self, function: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        """Add a function's seconds to the part that `name` tells from its arguments; calls inside of it are its own."""

        def timed(*arguments: Any, **keywords: Any) -> Any:
            if self._inside:
                return function(*arguments, **keywords)
            self._inside, began = True, time.perf_counter()
            try:
                return function(*arguments, **keywords)
            finally:
                self._inside = False
                self.parts[name(*arguments)] += time.perf_counter() - began

        return timed

    def part_of(self, child: Child, request: Request[Any]) -> str:
        """Name the part that a request to a child belongs to."""
        self._loaded = self._loaded or (isinstance(request, LoadModel) and child is self._timed)
        if isinstance(request, _TIMED) and child is self._timed:
            return "timed calls" if self._loaded else "without a model"
        if isinstance(request, LoadModel):
            return "loading"
        return "counting" if isinstance(request, CountOperations) else "images"

    def start(self, begin: Callable[..., Child]) -> Callable[..., Child]:
        """Return what starts a child as `begin` does, and remembers the one that is timed."""
        measured = self.around(begin, lambda *_: "starting children")

        def started(bench: Bench, *, timed: bool = False) -> Child:
            child: Child = measured(bench, timed=timed)
            if timed:
                self._timed, self._loaded = child, False
            return child

        return started

    def overhead(self) -> float:
        """Mean seconds an entry that the harness itself costs."""
        return math.fsum(self.parts[part] for part in _HARNESS) / len(self.beyond)

    def entry(self, *arguments: Any, **keywords: Any) -> Any:
        """Measure a job as the executor does, and keep its seconds beyond the timed calls."""
        began = time.perf_counter()
        kept = measure_and_save(*arguments, **keywords)
        if not isinstance(kept.record.runtime, Runtime):
            raise SystemExit(f"not measured: {kept.record.runtime}")
        self.beyond.append(time.perf_counter() - began - kept.record.runtime.wall_s)
        return kept

    @contextlib.contextmanager
    def watching(self, *, ahead: bool) -> Iterator[None]:
        """Look on while the block runs; without `ahead` no child is started before it is needed."""
        with contextlib.ExitStack() as patches:

            def put(owner: object, name: str, value: object) -> None:
                patches.enter_context(mock.patch.object(owner, name, value))

            put(Bench, "start_child", self.start(Bench.start_child))
            put(Child, "ask", self.around(Child.ask, self.part_of))
            put(Child, "close", self.around(Child.close, lambda *_: "ending children"))
            put(local, "measure_and_save", self.entry)
            put(stages, "time_references", self.around(stages.time_references, lambda *_: "references"))
            put(ReferenceProcesses, "settle", self.around(ReferenceProcesses.settle, lambda *_: "starting children"))
            put(Stock, "settle", self.around(Stock.settle, lambda *_: "starting children"))
            if not ahead:
                put(Bench, "start_ahead", lambda *_, **__: None)
            yield


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--checks", type=int, default=3)
    parser.add_argument("--track", help="use the images of this track, such as builtin-x2")
    parser.add_argument("--submission", type=Path, default=PROJECT / "tests" / "guests" / "good")
    options = parser.parse_args()
    ways = {"ahead": Stopwatch(), "when needed": Stopwatch()}
    with tempfile.TemporaryDirectory(prefix="entries-") as name:
        place = Path(name)
        _entries(place / "entries", options.submission, options.entries)
        _images(place / "data" / "Set5" / "image_SRF_2")
        for number in range(options.rounds):
            for way, watch in list(ways.items())[:: 1 if number % 2 else -1]:
                with _load_told(f"round {number + 1}, {way}"), watch.watching(ahead=way == "ahead"):
                    _run(place, place / f"records-{number}-{way.replace(' ', '-')}", options.track)
        _print(ways)
        checks = [_check(place / "entries" / "e0") for _ in range(options.checks)]
    if checks:
        print(f"rtsr-bench check: {' '.join(f'{one:.2f}' for one in checks)} s")


def _entries(folder: Path, source: Path, count: int) -> None:
    for number in range(count):
        shutil.copytree(source, folder / f"e{number}")
        (folder / f"e{number}" / "submission.toml").write_text(MANIFEST.format(f"e{number}"))


def _images(folder: Path) -> None:
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(5).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(coarse, 1):
        hr = Image.fromarray(pixels).resize((192, 128), Image.Resampling.BICUBIC)
        hr.save(folder / f"img_{number:03}_SRF_2_HR.png")
        hr.resize((96, 64), Image.Resampling.BICUBIC).save(folder / f"img_{number:03}_SRF_2_LR.png")


def _run(place: Path, records: Path, track: str | None) -> None:
    roots = () if track else (place / "data",)
    selection = Selection(paths=(place / "entries",), tracks=(track or "classic-x2",), roots=roots)
    overrides = Overrides(input=Size(48, 64), warmup=2, repeats=6)
    settings = Settings(
        selection=selection, output=Output(records=records), places=(Place(device="cpu"),), overrides=overrides
    )
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        code = run_submissions(settings)
    if code:
        raise SystemExit(f"the run ended with exit code {code}")


@contextlib.contextmanager
def _load_told(what: str) -> Iterator[None]:
    """Print how busy the machine was with other things than this process and what it started."""
    meter = LoadMeter(lambda: sum(os.times()[2:4]))
    before = meter.mark()
    yield
    load = meter.since(before)
    foreign = "unknown" if load.foreign is None else f"at most {100 * load.foreign:.0f} %"
    print(f"{what}: {load.wall_s:.1f} s, load average {os.getloadavg()[0]:.1f}, other programs {foreign}", flush=True)


def _print(ways: dict[str, Stopwatch]) -> None:
    print(f"\n{'seconds an entry':<26}" + "".join(f"{way:>14}" for way in ways))
    rows: list[tuple[str, Callable[[Stopwatch], float]]] = [
        ("beyond timed calls, median", lambda watch: statistics.median(watch.beyond)),
        ("beyond timed calls, worst", lambda watch: max(watch.beyond)),
        (
            "beyond its own work, mean",
            lambda watch: math.fsum(watch.parts[part] for part in _HARNESS) / len(watch.beyond),
        ),
        *((f"  {part}", lambda watch, part=part: watch.parts[part] / len(watch.beyond)) for part in PARTS),
    ]
    for name, value in rows:
        print(f"{name:<26}" + "".join(f"{value(watch):14.2f}" for watch in ways.values()))


def _check(folder: Path) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "rtsr_bench", "check", str(folder), "--device", "cpu"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
