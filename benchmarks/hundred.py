"""A hundred submissions, good and bad, in one run that is killed again and again.

    python benchmarks/hundred.py [--number N] [--kills K] [--jobs J]

Guests are those of tests/guests and copies of a good one, as folders, archives and TorchScript; the timed input is
small. After the kills the same command is left to finish. Then every submission must have exactly one record: the good
ones a fidelity, the bad ones the failure that is written here; and no process and no temporary file may be left.
Prints the seconds of a record beyond its timed calls, how busy the machine was, and what became of each kind of guest.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from rtsr_bench.record import Failure, Fidelity, Record, Runtime
from rtsr_bench.store import load_records

PROJECT = Path(__file__).parents[1]
GUESTS = PROJECT / "tests" / "guests"
BAD = {
    "raises": "exception",
    "exits": "no_result",
    "segfault": "crashed",
    "wrong_scale": "bad_output",
    "nan_output": "bad_output",
    "integer_output": "bad_output",
    "returns_no_module": "bad_output",
    "import_error": "exception",
    "kills_itself": "crashed",
    "system_exit": "exception",
    "floods_output": "",
    "random_output": "inconsistent",
    "returns_a_cached_output": "inconsistent",
}
"""What a bad guest's record must say; an empty text: only that nothing breaks (it harms nobody, and may succeed)."""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ENTRY = 'entry = "arch:srmodel"'
MANIFEST = '[submission]\nid = "{0}"\nteam = "{0}"\ntitle = "{0}"\n\n[[model]]\nscale = 2\n' + ENTRY + "\n"


def main() -> int:
    """Carry it out; the exit code is 1 where anything is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    # In the background it is ignored, and so it would be by what is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="hundred-") as name:
        place = Path(name)
        os.environ["TMPDIR"] = str(place / "temporary")
        (place / "temporary").mkdir()
        expected = _hand_ins(place / "entries", options.number)
        _images(place / "data" / "Set5" / "image_SRF_2")
        command = [
            sys.executable, "-m", "rtsr_bench", "run", str(place / "entries"), "--records", str(place / "records"),
            "--data-root", str(place / "data"), "--track", "classic-x2", "--input", "48x64", "--warmup", "2",
            "--repeats", "6", "--device", "cpu", "--jobs", str(options.jobs),
        ]  # fmt: skip
        began, load = time.monotonic(), [os.getloadavg()[0]]
        wrong = []
        for number in range(options.kills):
            aim = (number + 1) * options.number // (options.kills + 1)
            wrong += _run_until(command, place / "records", aim, SIGNALS[number % len(SIGNALS)])
            load.append(os.getloadavg()[0])
        with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as done:
            said = done.communicate()[1]
        took = time.monotonic() - began
        load.append(os.getloadavg()[0])
        wrong += [f"WRONG: left behind at the end: {line}" for line in _left_of(done.pid)]
        print(f"{options.number} submissions, {options.kills} kills, --jobs {options.jobs}: {took:.0f} s in all")
        print(f"the last run ended with exit code {done.returncode}; its summary:")
        print("\n".join(f"    {line}" for line in said.splitlines()[-6:]))
        print(f"load average {min(load):.1f} to {max(load):.1f} on {os.cpu_count()} cores")
        wrong += _judge(place / "records", expected)
        wrong += [f"WRONG: left behind: {path}" for path in (place / "temporary").iterdir()]
    print("everything is as it should be" if not wrong else "\n".join(wrong))
    return 1 if wrong else 0


def _hand_ins(folder: Path, number: int) -> dict[str, str]:
    """Make the submissions, good and bad, in several forms; returns what each must come to."""
    expected = {}
    bad = list(BAD)
    for index in range(number):
        guest = "good" if index % 3 else bad[index // 3 % len(bad)]
        name = f"e{index:03}-{guest.replace('_', '-')}"
        shutil.copytree(GUESTS / guest, folder / name)
        (folder / name / "submission.toml").write_text(MANIFEST.format(name))
        expected[name] = BAD.get(guest, "good")
        if index % 6 == 2:
            _as_torchscript(folder / name)
        if index % 4 == 1:
            shutil.make_archive(str(folder / name), "zip", folder / name)
            shutil.rmtree(folder / name)
    return expected


def _as_torchscript(folder: Path) -> None:
    """Let the network of a folder be saved as TorchScript, with nothing of its code left."""
    file = folder / "arch.py"
    scope: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    torch.jit.trace(scope["srmodel"](), torch.zeros(1, 3, 8, 8)).save(str(folder / "model.pt"))
    manifest = folder / "submission.toml"
    manifest.write_text(manifest.read_text().replace(ENTRY, 'format = "torchscript"\ncheckpoint = "model.pt"'))
    file.unlink()


def _images(folder: Path) -> None:
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(5).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(coarse, 1):
        hr = Image.fromarray(pixels).resize((192, 128), Image.Resampling.BICUBIC)
        hr.save(folder / f"img_{number:03}_SRF_2_HR.png")
        hr.resize((96, 64), Image.Resampling.BICUBIC).save(folder / f"img_{number:03}_SRF_2_LR.png")


def _run_until(command: list[str], records: Path, aim: int, sign: signal.Signals) -> list[str]:
    """Run until so many records are there, and a moment longer; then send the signal; returns what it left."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while len(list(records.glob("[!.]*.json"))) < aim and running.poll() is None:
            time.sleep(0.05)
        time.sleep(random.uniform(0, 4))
        running.send_signal(sign)
        running.wait()
        deadline = time.monotonic() + 15
        while _left_of(running.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
    left = [f"WRONG: left behind after {sign.name}: {line}" for line in _left_of(running.pid)]
    print(f"{sign.name} with {len(list(records.glob('[!.]*.json')))} records", flush=True)
    return left


def _left_of(pid: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"rtsr_bench.measuring.worker" in words and str(pid).encode() in words:
                found.append(b" ".join(words).decode())
    return found


def _judge(folder: Path, expected: dict[str, str]) -> list[str]:
    loaded = load_records(folder)
    wrong = [f"WRONG: {problem}" for problem in loaded.problems]
    found: dict[str, list[Record]] = defaultdict(list)
    for stored in loaded.records:
        found[stored.record.submission.id].append(stored.record)
    beyond: list[float] = []
    outcomes: Counter[str] = Counter()
    for name, what in expected.items():
        if len(found[name]) != 1:
            wrong.append(f"WRONG: {name}: {len(found[name])} records")
            continue
        record = found[name][0]
        kinds = [
            part.kind.value
            for part in (record.fidelity, record.runtime, record.complexity, record.memory)
            if isinstance(part, Failure)
        ]
        outcomes[f"{name.partition('-')[2]}: {kinds[0] if kinds else 'measured'}"] += 1
        if (what == "good" and kinds) or (what not in ("", "good") and what not in kinds):
            wrong.append(f"WRONG: {name}: expected {what}, found {', '.join(kinds) or 'no failure'}")
        if what == "good" and isinstance(record.fidelity, Fidelity) and isinstance(record.runtime, Runtime):
            beyond.append(record.wall_s - record.runtime.wall_s)
    for outcome, count in sorted(outcomes.items()):
        print(f"    {count:3} {outcome}")
    if beyond:
        print(
            f"seconds of a record beyond its timed calls (images of 96x64 take next to none): median "
            f"{statistics.median(beyond):.2f}, largest {max(beyond):.2f}, over {len(beyond)} good ones"
        )
    left = [path for path in folder.iterdir() if path.name.startswith(".") and path.suffix != ".lock"]
    return wrong + [f"WRONG: left behind: {path}" for path in left]


if __name__ == "__main__":
    sys.exit(main())
