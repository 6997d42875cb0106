"""Which of a submission's requirements are installed for it, in a form that is equal for all who want the same."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.guarded import Guards, guards_of
from rtsr_bench.submissions.digest import left_out
from rtsr_bench.submissions.requirements import NOT_COMPARED, REQUIREMENTS, distribution_of, unmet

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from rtsr_bench.submissions.submission import Submission

HELD = ("torch", "numpy", "safetensors", "msgspec")
"""What the child has loaded before the submission's code: another version beside it would not be the one in use."""

PAIRED = ("torchvision", "torchaudio")
"""Packages of which one version fits a version of torch: theirs name it, and pip finds it."""

_MOST_FILES = 2_000
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Requirements for pip, normalised and sorted, and sentences about those that are not passed on as they are."""

    lines: tuple[str, ...]
    notes: tuple[str, ...]


def wanted(submission: Submission) -> Wanted:
    """Choose what to install: what is not met, but for what the child has already and what every file does without.

    UserError, one line, for a requirement that is no name of a package with versions: pip would follow it elsewhere.
    """
    lines: set[str] = set()
    notes: list[str] = []
    for line in submission.requirements:
        asked = _parsed(line, submission)
        if asked.marker is not None and not asked.marker.evaluate():
            continue
        if not unmet((line,)):
            continue
        name = _canonical(asked.name)
        if name in HELD:
            notes.append(f"{line}: not installed; models run with {name} {metadata.version(name)}, as the harness does")
            continue
        if name in PAIRED and asked.specifier:
            if not unmet((name,)):
                continue
            notes.append(f"{line}: taken as {name}, in the version that fits torch {metadata.version('torch')}")
            asked.specifier = type(asked.specifier)("")
        extras = f"[{','.join(sorted(map(_canonical, asked.extras)))}]" if asked.extras else ""
        lines.add(f"{name}{extras}{asked.specifier}")
    guarded = _guarded(submission.folder) if lines else {}
    for line in sorted(lines):
        name = _canonical(distribution_of(line))
        if name in guarded:
            lines.discard(line)
            notes.append(f"{line}: not installed; {guarded[name]}, the only place that imports it, goes on without it")
    return Wanted(lines=tuple(sorted(lines)), notes=tuple(notes))


def is_held(line: str) -> bool:
    """Whether a requirement is on a package of which the child has its own, whatever is asked for."""
    return _canonical(distribution_of(line)) in HELD


def constraints() -> tuple[str, ...]:
    """Return the versions that pip must keep to, one line each: those of what the child has already."""
    return tuple(f"{name}=={metadata.version(name)}" for name in HELD)


def _parsed(line: str, submission: Submission) -> Requirement:
    # It comes along with scikit-image, and only submissions with requirements want it.
    from packaging.requirements import Requirement

    try:
        asked = Requirement(line)
        if asked.url is None and (asked.marker is None or asked.marker.evaluate() in (True, False)):
            return asked
    except NOT_COMPARED:
        pass
    raise UserError(
        f"{submission.id}: {REQUIREMENTS}: expected names of packages with versions, found {line[:80]}; "
        "install it yourself if you trust it, and run without --with-requirements"
    )


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def _guarded(folder: Path) -> dict[str, str]:
    """Packages that the files import only where they go on without them, each with one of these files.

    A name that is not needed may belong to an unrelated package on an index.
    """
    by: dict[str, str] = {}
    plain: set[str] = set()
    for path in _python_files(folder):
        found = _read(path)
        plain |= {_canonical(distribution_of(top)) for top in found.plain}
        for top in found.guarded:
            by.setdefault(_canonical(distribution_of(top)), path.relative_to(folder).as_posix())
    return {name: file for name, file in by.items() if name not in plain}


def _python_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not left_out((here / name).relative_to(folder)))
        found += [here / name for name in sorted(files) if name.endswith(".py")]
        if len(found) >= _MOST_FILES:
            break
    return found[:_MOST_FILES]


def _read(path: Path) -> Guards:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return Guards()
        return guards_of(path.read_text(encoding="utf-8-sig"))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return Guards()
