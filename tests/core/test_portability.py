"""What Linux alone has is asked for only by what runs a guest: the rest works on Windows and macOS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "rtsr_bench"

_BLOCKED = """
import asyncio, os, sys, platformdirs.unix  # what others have for such a system is not the subject

class Blocked:
    NAMES = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog"}

    def find_spec(self, name, path=None, target=None):
        if name in self.NAMES:
            raise ImportError(f"this system has no {name}")

for name in Blocked.NAMES:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocked())
for name in (
    "fork", "setsid", "killpg", "memfd_create", "pwrite", "preadv", "getuid", "sysconf", "statvfs", "sched_getaffinity",
    "getloadavg", "O_NOFOLLOW", "O_NONBLOCK", "fchmod", "pidfd_open", "waitid",
):
    if hasattr(os, name):
        delattr(os, name)
"""
"""Makes a process like one on a system without them, before anything of this package is imported."""


def without(code: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _BLOCKED + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=120)


def command(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return without("from rtsr_bench.cli import main\nmain()\n", *arguments, cwd=cwd)


def test_everything_but_the_child_and_the_training_is_imported_without_what_linux_alone_has(tmp_path: Path) -> None:
    """The child runs guests, and training needs torch, which decides by itself what it takes of a system."""
    parts = [path.relative_to(ROOT).with_suffix("").parts for path in sorted(PACKAGE.rglob("*.py"))]
    names = [".".join(part).removesuffix(".__init__") for part in parts if part[1] not in ("measuring", "training")]
    names = [name for name in names if not name.endswith("__main__")]
    assert len(names) > 100
    done = without(
        "import importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n", *names, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def test_report_and_tracks_run_without_them(tmp_path: Path) -> None:
    records = ROOT / "tests" / "records"
    done = command("report", "--records", records, "--out", "site", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
    done = command("tracks", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "open4k-x2" in done.stdout


def test_data_sets_are_listed_without_them(tmp_path: Path) -> None:
    done = command("data", "list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "set5" in done.stdout


@pytest.mark.parametrize("arguments", [("run", "reference_models/bicubic", "--track", "builtin-x2"), ("check",)])
def test_run_and_check_say_in_one_line_what_they_lack(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    model = ("reference_models/bicubic",) if arguments == ("check",) else ()
    done = command(*arguments, *model, cwd=tmp_path)
    assert done.returncode == 2, done.stderr + done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "models cannot be run on this system" in line
    assert "expected fcntl, resource, os.fork" in line
    assert "Traceback" not in done.stderr
    if arguments == ("check",):
        assert "bicubic: its manifest is in order: bicubic/x2, bicubic/x3, bicubic/x4" in done.stdout
