"""A virtual environment for what a submission requires: made on demand, kept, and never entered by the harness.

It sees what is installed here (torch above all) and holds what is missing or asked for in another version. Only wheels
are taken, from the index that pip is set up for: a source package would run a stranger's code while it is built.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.cache import cache_folder
from rtsr_bench.submissions.requirements import NOT_COMPARED, unmet
from rtsr_bench.submissions.submission import Submission
from rtsr_bench.text import ascii_safe

_DONE = "complete"
_LIMIT_S = 1800


def with_packages(submission: Submission) -> Submission:
    """Return the submission with the folder of packages that the child puts before its own, the same where none lacks.

    UserError, one line, where pip can't have them; HarnessError where the environment can't be written.
    """
    from dataclasses import replace

    wanted = _comparable(submission)
    if not unmet(wanted):
        return submission
    shelf = cache_folder() / "environments"
    words = (*wanted, sys.version, sysconfig.get_path("purelib"))
    place = shelf / hashlib.sha256("\n".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    try:
        if not (place / _DONE).exists():
            shutil.rmtree(place, ignore_errors=True)
            shelf.mkdir(parents=True, exist_ok=True)
            _make(place, wanted, submission)
    except OSError as error:
        raise HarnessError(
            f"{submission.id}: no environment can be made in {ascii_safe(str(shelf))}: {error.strerror or error}; "
            "make room there or set RTSR_BENCH_CACHE to another folder"
        ) from error
    return replace(submission, packages=_site(place))


def _comparable(submission: Submission) -> tuple[str, ...]:
    """The requirements, each a name with versions; UserError for what pip would follow elsewhere."""
    from packaging.requirements import Requirement

    for line in submission.requirements:
        try:
            plain = Requirement(line).url is None
        except NOT_COMPARED:
            plain = False
        if not plain:
            raise UserError(
                f"{submission.id}: requirements.txt: expected names of packages with versions, found {line[:80]}; "
                "install it yourself if you trust it, and run without --with-requirements"
            )
    return submission.requirements


def _site(place: Path) -> Path:
    schemes = {"base": str(place), "platbase": str(place)}
    return Path(sysconfig.get_path("purelib", "venv", vars=schemes))


def _make(place: Path, wanted: tuple[str, ...], submission: Submission) -> None:
    import venv

    with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as work:
        venv.create(place, with_pip=False, symlinks=os.name != "nt")
        here = _site(place)
        for number, path in enumerate(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))):
            (here / f"outer{number}.pth").write_text(f"{path}\n", encoding="utf-8")
        lines = Path(work) / "requirements.txt"
        lines.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:", "--requirement", str(lines)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
            said, good = done.stderr, done.returncode == 0
        except subprocess.TimeoutExpired:
            said, good = f"no end after {_LIMIT_S} s", False
    if not good:
        shutil.rmtree(place, ignore_errors=True)
        raise UserError(
            f"{submission.id}: requirements.txt: expected packages that pip can install as wheels, found: "
            f"{_reason(said)}; look at the network, at pip's index, and at the versions asked for"
        )
    (place / _DONE).touch()


def _reason(said: str) -> str:
    """The first error of pip that names what it could not have, else its last line."""
    lines = [line.removeprefix("ERROR: ").strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ").strip() for line in said.splitlines() if line.startswith("ERROR: ")]
    chosen = (errors or lines[-1:] or ["no word of pip"])[-1]
    return ascii_safe(chosen)[:200]
