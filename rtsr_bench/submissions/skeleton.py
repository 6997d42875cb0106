"""A submission to start from: complete, runnable, small, in any format that has a skeleton."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path
from string import Template

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.table import shown
from rtsr_bench.formats import FORMATS, Skeleton
from rtsr_bench.protocol import SCALES
from rtsr_bench.submissions.manifest import id_from_name
from rtsr_bench.text import ascii_safe

_FALLBACK_ID = "my_team"
_EXPORT_S = 300.0


def skeletons() -> dict[str, Skeleton]:
    """Return what a submission can be started from, by format."""
    return {name: form.skeleton for name, form in FORMATS.all().items() if form.skeleton is not None}


def create_skeleton(folder: Path, *, scale: int = 2, form: str = "python") -> list[Path]:
    """Write a working submission of this scale and format into a folder, made where it is missing; return its files.

    Formats with a file of their own come with the script that makes it, which is run once.
    UserError, one line, for a scale or format that is none, a folder that is not empty (nothing is overwritten) or
    read-only, reference models that are not there (before anything is written), and a package that the format needs and
    is not installed.
    """
    label = ascii_safe(str(folder))
    made = _chosen(scale, form)
    known = {"name": form, "scale": scale, "file": made.file}
    values = {
        "scale": str(scale),
        "id": id_from_name(folder.absolute().name) or _FALLBACK_ID,
        "model": made.lines.format(**known),
        "export": made.export,
        "file": made.file,
        "state": made.weights,
        "steps": made.steps.format(**known),
    }
    names = [*made.templates, *(["export.py"] if made.export else [])]
    templates = resources.files(__package__) / "skeleton_files"
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            raise UserError(f"{label}: expected an empty or a new folder, found files in it; name another folder")
        for name in names:
            template = Template((templates / f"{name}.template").read_text(encoding="utf-8"))
            path = folder / name.replace("_reference", "")
            path.write_text(template.substitute(values), encoding="utf-8")
            written.append(path)
    except FileExistsError:
        raise UserError(f"{label}: expected a folder, found a file; name another folder") from None
    except OSError as error:
        raise UserError(
            f"{label}: expected a folder that can be written, found: {error.strerror}; name another folder"
        ) from None
    if made.file:
        _export(folder, form, made.hint)
        written.append(folder / made.file)
    return written


def _chosen(scale: int, form: str) -> Skeleton:
    """Return the skeleton of a format; UserError for a scale or format that is none, and for what it lacks here."""
    if scale not in SCALES:
        raise UserError(f"--scale: expected 2, 3 or 4, found {scale}; give one of these")
    known = skeletons()
    if form not in known:
        raise UserError(f"--format: expected {', '.join(known)}, found {shown(form)}; give one of these")
    lacks = known[form].needs()
    if lacks:
        raise UserError(f"--format {form}: {lacks}")
    return known[form]


def _export(folder: Path, form: str, hint: str) -> None:
    """Run the script that was just written: in a process of its own, because it needs torch."""
    command = [sys.executable, "export.py"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_EXPORT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"{ascii_safe(str(folder))}: export.py could not be run: {error}") from error
    if done.returncode:
        extra = f"; {hint}" if hint else ""
        said = ascii_safe((done.stderr.strip().splitlines() or ["no reason given"])[-1])[:300]
        raise UserError(f"--format {form}: expected export.py to write the file, found: {said}{extra}; "
                        f"correct that and run it in {ascii_safe(str(folder))}")  # fmt: skip
