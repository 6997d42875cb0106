"""How fast models are as they are deployed: every available execution, one run a track, side by side.

    python benchmarks/backends.py [--track TRACK[:HxW]]... [--model PATTERN]... [--execution NAME]... [--warmup N]
                                  [--repeats N] [--images N] [--records DIR] [--print]

Runs `rtsr-bench run --execution all` on reference models and the example, once for each track (builtin-x2:540x960 by
default), and prints a Markdown table: median runtime, ratio to eager, the loss against eager fp32 in dB, seconds and
size of the set-up, foreign load. Each row is a record in DIR. The same command with the same DIR measures only what
has no record yet, so a run that was interrupted goes on; `--print` measures nothing. Models that a track's scale does
not fit are left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from rtsr_bench.leaderboard import derive_row
from rtsr_bench.record import Failure, Record, Runtime
from rtsr_bench.statistics import median
from rtsr_bench.store import load_records
from rtsr_bench.tracks import find_track

PROJECT = Path(__file__).parents[1]
MODELS = ("rt4ksr/s-x?", "rt4ksr/xxs-x?", "bicubic_pp/*", "span/*", "espcn/*", "example_team/*")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--track", action="append", default=[])
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--execution", action="append", default=[])
    parser.add_argument("--warmup", default="3")
    parser.add_argument("--repeats", default="20")
    parser.add_argument("--images", default="6")
    parser.add_argument("--records", type=Path)
    parser.add_argument("--print", action="store_true", dest="only_print")
    options = parser.parse_args()
    if options.only_print and not options.records:
        parser.error("--print needs --records DIR")
    with tempfile.TemporaryDirectory() as temporary:
        records = (options.records or Path(temporary, "records")).resolve()
        for track in [] if options.only_print else options.track or ["builtin-x2:540x960"]:
            _run(track, options, records)
        _print([stored.record for stored in load_records(records).records])


def _run(track: str, options: argparse.Namespace, records: Path) -> None:
    name, _, size = track.partition(":")
    command = [sys.executable, "-m", "rtsr_bench", "run", "reference_models", "submissions", "--track", name]
    command += ["--input", size] if size else []
    for option in ("warmup", "repeats", "images"):
        command += [f"--{option}", getattr(options, option)]
    for execution in options.execution or ["all"]:
        command += ["--execution", execution]
    for pattern in options.model or MODELS:
        command += ["--model", pattern]
    subprocess.run([*command, "--records", str(records), "--device", "cpu"], cwd=PROJECT, check=False)


def _print(records: list[Record]) -> None:
    by_model: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for one in records:
        untrained = " (untrained)" if one.model.untrained else ""
        by_model[f"{one.model.id}{untrained}", str(one.protocol.input)].append(one)
    print("| model | LR input | execution | ms | of eager | loss, dB | set-up, s | graph, kB | foreign load |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (model, size), mine in sorted(by_model.items()):
        eager = next((_median(one) for one in mine if one.protocol.backend == "eager"), None)
        for number, one in enumerate(sorted(mine, key=lambda one: _median(one) or float("inf"))):
            where = f"| {model} | {size}" if not number else "| |"
            print(f"{where} | {' | '.join(_cells(one, eager))} |")
    print(f"\n{len(records)} rows, measured in {sum(one.wall_s for one in records) / 60:.1f} minutes")


def _median(record: Record) -> float | None:
    return median(record.runtime.samples_ms) if isinstance(record.runtime, Runtime) else None


def _cells(record: Record, eager_ms: float | None) -> list[str]:
    words = record.execution.words if record.execution else record.protocol.backend
    execution = words.removesuffix(", fp32")
    if not isinstance(record.runtime, Runtime):
        failed = next((one for one in (record.fidelity, record.runtime) if isinstance(one, Failure)), None)
        return [execution, failed.brief if failed else "not timed", *[""] * 5]
    found = median(record.runtime.samples_ms)
    setup, loss = record.setup, derive_row("", record, find_track(record.track)).loss_db
    return [
        execution,
        f"{found:.2f}",
        f"{found / eager_ms:.2f}" if eager_ms else "",
        "" if loss is None else f"{round(loss, 4) + 0.0:.4f}",
        f"{setup.seconds:.1f}" if setup else "",
        f"{setup.graph_bytes / 1e3:.0f}" if setup else "",
        "" if record.runtime.foreign_load is None else f"{100 * record.runtime.foreign_load:.0f} %",
    ]


if __name__ == "__main__":
    main()
