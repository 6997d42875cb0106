"""The terminal as it is found: any encoding, a closed stream, a reader who left, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest_cli import LITTLE

from rtsr_bench.record import Fidelity
from rtsr_bench.store import load_records

COMMAND = (sys.executable, "-m", "rtsr_bench")
CONSOLES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "ascii:strict": {"PYTHONIOENCODING": "ascii:strict"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "utf-8:strict": {"PYTHONIOENCODING": "utf-8:strict"},
    "C": {"LC_ALL": "C"},
    "C, as it is": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


@pytest.fixture
def odd_set(tmp_path: Path) -> Path:
    """A data set whose file names no console can show: accents, another script, bytes that are no text, a mark."""
    import numpy as np
    from PIL import Image

    folder = tmp_path / "odd"
    rng = np.random.default_rng(4)
    for name in ("caf\xe9", "\u8d85\u5206", os.fsdecode(b"bo\xff"), "x\u202ey"):
        for place, size in (("GT", (32, 48)), ("LR2", (16, 24))):
            (folder / place).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / place / f"{name}.png")
    (folder / "LR2" / "caf\xe9.png").unlink()
    return folder


@pytest.mark.parametrize("console", CONSOLES)
def test_names_that_a_console_cannot_show_are_spelled_out(odd_set: Path, console: str) -> None:
    done = subprocess.run(
        [*COMMAND, "data", "verify", "odd", "--data-root", str(odd_set)], capture_output=True, check=False,
        env={**os.environ, **CONSOLES[console]}, timeout=100,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert b"missing  LR x2 of GT/caf" in done.stdout
    assert done.stderr == b""
    (odd_set / "GT" / "caf\xe9.png").unlink()
    listed = subprocess.run(
        [*COMMAND, "data", "list", "--data-root", str(odd_set)], capture_output=True, check=False,
        env={**os.environ, **CONSOLES[console]}, timeout=100,
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    assert b"\xe2\x80\xae" not in done.stdout + listed.stdout


@pytest.mark.parametrize("console", ["ascii:strict", "cp1252", "C, as it is"])
def test_an_error_that_a_console_cannot_show_is_still_the_users(console: str, tmp_path: Path) -> None:
    name = os.fsdecode(b"nirgends\xff\xc3\xa9")
    done = subprocess.run(
        [*COMMAND, "check", name], capture_output=True, check=False, env={**os.environ, **CONSOLES[console]},
        cwd=tmp_path, timeout=100,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"found nothing there" in done.stderr
    assert b"internal error" not in done.stderr


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        (">/dev/full", 3),
    ],
)
def test_a_stream_that_leads_nowhere_is_no_fault(redirected: str, code: int) -> None:
    line = f"{sys.executable} -m rtsr_bench tracks {redirected}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == code
    assert "fault" not in done.stderr
    assert "Traceback" not in done.stderr
    if code:
        said = "error: expected a writable output, found: No space left on device; free space"
        assert done.stderr.startswith(said)


def test_a_reader_who_left_is_no_failed_guest() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run([*COMMAND, "tracks"], stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (141, b"")


SHOWS = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from demo_records import record
from rtsr_bench.cli import console
from rtsr_bench.cli.progress import Display
console.prepare()
one = record(looking=True)
with Display() as display:
    for number in range(3):
        display.note(f"\xe9 {number}" + "x" * 100_000)
    display.result(one)
    display.table([one])
    display.table([])
Path("went_on").touch()
"""


@pytest.mark.parametrize("lost", ["2>&1 | true", ">/dev/full 2>&1", ">/dev/full 2>/dev/null", ">&- 2>&- <&-"])
def test_what_a_run_shows_stops_nothing(tmp_path: Path, lost: str) -> None:
    words = [sys.executable, "-c", SHOWS, str(Path(__file__).parents[1] / "core")]
    subprocess.run(
        ["/bin/sh", "-c", f'"$@" {lost}', "sh", *words], check=False, cwd=tmp_path, timeout=100, capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
    )  # fmt: skip
    assert (tmp_path / "went_on").exists()


def test_run_continues_without_a_reader(odd_set: Path, good: Path, tmp_path: Path) -> None:
    (odd_set / "GT" / "caf\xe9.png").unlink()
    words = [*COMMAND, "run", str(good), *LITTLE, "--data", "odd", "--data-root", str(odd_set)]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(words, stdout=pipe, stderr=pipe, check=False, cwd=tmp_path, timeout=200)
    assert done.returncode == 0
    (stored,) = load_records(tmp_path / "reports" / "records").records
    assert isinstance(stored.record.fidelity, Fidelity)
    names = [image.name for image in stored.record.fidelity.images]
    assert names == ["bo\\udcff.png", "x\\u202ey.png", "\u8d85\u5206.png"]
