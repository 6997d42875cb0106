"""A virtual environment for what a submission requires: made on demand, kept, and never entered by the harness.

It sees what is installed here and holds what is missing or asked for in another version; torch, numpy, safetensors and
msgspec stay those of the harness, which the child has loaded before it sees the submission. Submissions that require
the same share one. Only wheels are taken, from the index that pip is set up for: a source package would run a
stranger's code while it is built.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.cache import cache_folder
from rtsr_bench.submissions.packages import Wanted, constraints, wanted
from rtsr_bench.submissions.shelf import BOUND_VARIABLE, kept
from rtsr_bench.submissions.submission import Submission
from rtsr_bench.text import ascii_safe

Tell = Callable[[str], object]

_LIMIT_S = 1800
_NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")
_CONFLICT = "The conflict is caused by:"
_PROGRESS = re.compile(r"(Downloading|Using cached|Installing|Building) (?!.*\.metadata\b).*")


def _say_nothing(line: str) -> None:
    del line


class _AbsentError(UserError):
    """The index has no wheel of one of the requirements, `line`."""

    def __init__(self, message: str, line: str) -> None:
        super().__init__(message)
        self.line = line


def with_packages(submission: Submission, *, tell: Tell = _say_nothing, partly: bool = False) -> Submission:
    """Return the submission with the folder of packages that the child puts before its own, the same where none lacks.

    `tell` gets a line about each requirement that is not passed on as it is, about what pip is doing, and about the
    size of what it made. With `partly`, a requirement without a wheel is left out if others can be installed.
    UserError, one line, if pip cannot install them; HarnessError if the environment cannot be written.
    """
    from dataclasses import replace

    found = wanted(submission)
    for note in found.notes:
        tell(f"{submission.id}: {note}")
    while found.lines:
        try:
            return replace(submission, packages=_site(_environment(found, submission, tell)))
        except _AbsentError as error:
            found = replace(found, lines=tuple(line for line in found.lines if line != error.line))
            if not partly or not found.lines:
                raise
            tell(f"{submission.id}: {error.line} has no wheel in pip's index and is left out")
    return submission


def _environment(found: Wanted, submission: Submission, tell: Tell) -> Path:
    """Return the place of an environment that holds what is wanted; it is made where there is none."""
    held = (*constraints(), sys.version, sysconfig.get_path("purelib"))
    words = "\n".join((*found.lines, *held))
    key = hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def make(place: Path) -> tuple[str, ...]:
        tell(f"{submission.id}: installing {', '.join(found.lines)}, for all submissions that require the same")
        return _make(place, found, submission, tell)

    try:
        done = kept(key, make)
    except OSError as error:
        raise HarnessError(
            f"{submission.id}: no environment can be made in {ascii_safe(str(cache_folder() / 'environments'))}: "
            f"{error.strerror or error}; make room there or set RTSR_BENCH_CACHE to another folder"
        ) from error
    for note in done.notes:
        tell(f"{submission.id}: {note}")
    if done.fresh:
        tell(f"{submission.id}: its packages take {done.size / 1e6:,.1f} MB in {ascii_safe(str(done.place))}; "
             f"{BOUND_VARIABLE} bounds all of them")  # fmt: skip
    return done.place


def _site(place: Path) -> Path:
    schemes = {"base": str(place), "platbase": str(place)}
    return Path(sysconfig.get_path("purelib", "venv", vars=schemes))


def _make(place: Path, found: Wanted, submission: Submission, tell: Tell) -> tuple[str, ...]:
    """Make an environment; returns notes about it. UserError if pip cannot install the packages."""
    import venv

    with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as work:
        venv.create(place, with_pip=False, symlinks=os.name != "nt")
        here = _site(place)
        for number, path in enumerate(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))):
            (here / f"outer{number}.pth").write_text(f"{path}\n", encoding="utf-8")
        lines, fixed = Path(work) / "requirements.txt", Path(work) / "constraints.txt"
        lines.write_text("\n".join(found.lines) + "\n", encoding="utf-8")
        fixed.write_text("\n".join(constraints()) + "\n", encoding="utf-8")
        python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-input", "--progress-bar"]
        command += ["off", "--disable-pip-version-check", "--only-binary", ":all:"]
        command += ["--requirement", str(lines), "--constraint", str(fixed)]
        code, said = _run(command, lambda line: tell(f"{submission.id}: pip: {line}"))
    if code:
        message = (
            f"{submission.id}: requirements.txt: expected packages that pip can install as wheels, found: "
            f"{_reason(said)}; check the network, pip's index and the required versions"
        )
        absent = _absent(said, found.lines)
        raise _AbsentError(message, absent) if absent else UserError(message)
    return tuple(_without_other_builds(here))


def _run(command: list[str], tell: Tell) -> tuple[int, list[str]]:
    """Run pip and tell of its progress; its exit code (1 where it took too long) and all it said."""
    said: list[str] = []
    late = threading.Event()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:

        def end() -> None:
            late.set()
            pip.kill()

        timer = threading.Timer(_LIMIT_S, end)
        timer.daemon = True
        timer.start()
        try:
            assert pip.stdout is not None
            for line in pip.stdout:
                said.append(line.rstrip())
                if _PROGRESS.fullmatch(line.strip()):
                    tell(ascii_safe(line.strip())[:200])
        except BaseException:
            pip.kill()
            raise
        finally:
            timer.cancel()
    if late.is_set():
        return 1, [f"no end after {_LIMIT_S} s"]
    return pip.returncode, said


def _reason(said: list[str]) -> str:
    """Why pip failed: the conflict that it reports, else its last error, else its last line."""
    lines = [line.strip() for line in said if line.strip()]
    if _CONFLICT in lines:
        conflict: list[str] = []
        for line in lines[lines.index(_CONFLICT) + 1 :]:
            if line.startswith(("To fix this", "Additionally", "ERROR")):
                break
            conflict.append(line)
        return ascii_safe("; ".join(conflict))[:300]
    errors = [line.removeprefix("ERROR: ").strip() for line in lines if line.startswith("ERROR: ")]
    return ascii_safe((errors or lines[-1:] or ["pip printed nothing"])[-1])[:200]


def _absent(said: list[str], lines: Sequence[str]) -> str:
    """The requirement of which pip found no wheel; empty if something else failed, or what a requirement requires."""
    named = {match[1] for match in map(_NO_WHEEL.search, said) if match}
    return next((line for line in lines if line in named), "")


def _without_other_builds(site: Path) -> Iterator[str]:
    """Remove torchvision and torchaudio that were built for CUDA where torch was not: importing them would fail."""
    libraries = Path(str(metadata.distribution("torch").locate_file("torch/lib")))
    if any(libraries.glob("*torch_cuda*")):
        return
    for name in ("torchvision", "torchaudio"):
        if not any(_needs_cuda(path) for path in (site / name).rglob("*.so")):
            continue
        version = next((one.version for one in metadata.distributions(name=name, path=[str(site)])), "")
        for path in (*site.glob(f"{name}-*.dist-info"), site / f"{name}.libs", site / name):
            shutil.rmtree(path, ignore_errors=True)
        yield (
            f"{name} {version} is built for CUDA and the torch that is installed is not, so it was left out; let pip "
            "find a build for the CPU (an extra index in its settings), or run with --stub-missing"
        )


def _needs_cuda(library: Path) -> bool:
    try:
        data = library.read_bytes()
    except OSError:
        return False
    return b"libtorch_cuda" in data or b"libcudart" in data
