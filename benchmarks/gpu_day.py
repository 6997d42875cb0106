"""What a graphics card is tried with while it is lent: tests, training, official runs, a report, within a time.

    python benchmarks/gpu_day.py --device cuda --minutes 12
    python benchmarks/gpu_day.py --device cuda --recipe reference_models/rt4ksr/recipes/s-x2.toml --data PICTURES
    python benchmarks/gpu_day.py --device cpu --minutes 2          # a rehearsal with tiny settings

Each step has a share of the time that is left. A step whose time is up is interrupted and keeps what it has finished:
`train` its checkpoint, `run` its records. The report is written in any case. `summary.json` says what became of each
step; the same command resumes. Exits with 1 if a step failed; one that ran out of time has not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

REPORT_S = 40.0
"""Seconds kept for the report; for less the other steps get nothing."""

ENDING_S, LEAST_S = 20.0, 5.0
"""Seconds that an interrupted step has to finish what it is at, before it is killed (a fifth of its time, if that is
less), and the least time for which a step is started."""

RTSR_BENCH = (sys.executable, "-m", "rtsr_bench")
GPU_TESTS = ("tests/guests/test_gpu_guests.py", "tests/sandbox/test_cuda.py", "tests/training/test_loop.py")
MODELS = ("bicubic/*", "rt4ksr/s*", "rt4ksr/xxs*", "espcn/*", "example_team/*")
TINY = ("--quick", "--images", "1", "--input", "24x40", "--warmup", "1", "--repeats", "3", "--model", "bicubic/x2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A command with a share (0..1) of the time that is left, and the exit codes that are no failure of it."""

    name: str
    command: tuple[str, ...]
    share: float
    good: tuple[int, ...] = (0,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a step ended: `finished`, `failed`, or `out of time`; its exit code, None where it never started."""

    name: str
    how: str
    code: int | None
    seconds: float


def main() -> int:
    """Run the steps and the report; returns the exit code."""
    asked = arguments()
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    ends = monotonic() + 60 * asked.minutes
    done = [run(step, out, ends - REPORT_S) for step in steps(asked)]
    done.append(run(report(out), out, max(ends, monotonic() + REPORT_S)))
    (out / "summary.json").write_text(json.dumps([asdict(one) for one in done], indent=1) + "\n", encoding="utf-8")
    for one in done:
        print(f"{one.name:<8} {one.how:<12} {one.seconds:6.0f} s  {out / one.name}.log")
    return 1 if any(one.how == "failed" for one in done) else 0


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu for a rehearsal")
    parser.add_argument("--minutes", type=float, default=12.0, help="time for everything")
    parser.add_argument("--recipe", type=Path, help="train with this recipe")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="folders of training pictures")
    parser.add_argument("--out", type=Path, default=Path("reports/gpu-day"), help="folder for records, site and logs")
    asked = parser.parse_args()
    if asked.recipe and not asked.data:
        parser.error("--recipe: name the folders of training pictures with --data")
    return asked


def steps(asked: argparse.Namespace) -> list[Step]:
    """The steps before the report, in order."""
    tests = (sys.executable, "-m", "pytest", "-m", "gpu", "-q", *GPU_TESTS)
    found = [Step(name="tests", command=tests, share=0.3, good=(0, 5))]  # 5: pytest found none to run
    if asked.recipe:
        data = [word for folder in asked.data for word in ("--data", str(folder))]
        command = (*RTSR_BENCH, "train", str(asked.recipe), *data, "--device", asked.device,
                   "--out", str(asked.out / "training"))  # fmt: skip
        found.append(Step(name="train", command=command, share=0.5))
    tiny = asked.device == "cpu"
    chosen = TINY if tiny else tuple(word for model in MODELS for word in ("--model", model))
    tracks = ("--track", "builtin-x2") if tiny else ("--track", "builtin-x2", "--track", "builtin-x3")
    command = (*RTSR_BENCH, "run", "reference_models", "submissions", *chosen, *tracks, "--device", asked.device,
               "--records", str(asked.out / "records"))  # fmt: skip
    found.append(Step(name="run", command=command, share=1.0, good=(0, 1)))  # 1: a model failed, which is a record
    return found


def report(out: Path) -> Step:
    """Write the site of what was measured."""
    (out / "records").mkdir(exist_ok=True)
    command = (*RTSR_BENCH, "report", "--records", str(out / "records"), "--out", str(out / "site"))
    return Step(name="report", command=command, share=1.0)


def run(step: Step, out: Path, ends: float) -> Ended:
    """Run a step in its share of the time until `ends` (on the monotonic clock); its output goes into a log."""
    began = monotonic()
    limit_s = step.share * (ends - began)
    ending_s = min(ENDING_S, limit_s / 5)
    if limit_s < LEAST_S:
        return Ended(name=step.name, how="out of time", code=None, seconds=0.0)
    print(f"{step.name}: {limit_s:.0f} s at most", flush=True)
    with (out / f"{step.name}.log").open("wb") as log:
        process = subprocess.Popen(step.command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        code, late = wait(process, limit_s - ending_s, ending_s)
    how = "out of time" if late else "finished" if code in step.good else "failed"
    return Ended(name=step.name, how=how, code=code, seconds=monotonic() - began)


def wait(process: subprocess.Popen[bytes], limit_s: float, ending_s: float) -> tuple[int, bool]:
    """Wait for a process; returns its exit code, and whether it was interrupted because its time was up."""
    try:
        return process.wait(limit_s), False
    except subprocess.TimeoutExpired:
        return interrupt(process, ending_s), True
    except KeyboardInterrupt:
        interrupt(process, ending_s)
        raise


def interrupt(process: subprocess.Popen[bytes], ending_s: float) -> int:
    """Ask a process to end, and kill it with all its children where it takes too long; returns its exit code."""
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(ending_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


if __name__ == "__main__":
    sys.exit(main())
