"""A submission to start from: complete, runnable, small."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Template

from rtsr_bench.errors import UserError
from rtsr_bench.protocol import SCALES
from rtsr_bench.submissions.manifest import id_from_name
from rtsr_bench.submissions.table import ascii_safe

_FILES = ("submission.toml", "arch.py", "README.md")
_FALLBACK_ID = "my_team"


def create_skeleton(folder: Path, *, scale: int = 2) -> list[Path]:
    """Write a working submission of this scale into a folder, which is made where it is missing; return its files.

    UserError, one line, for a scale that is none and a folder that is not empty (nothing is overwritten) or read-only.
    """
    label = ascii_safe(str(folder))
    if scale not in SCALES:
        raise UserError(f"--scale: expected 2, 3 or 4, found {scale}; give one of these")
    values = {"scale": str(scale), "id": id_from_name(folder.absolute().name) or _FALLBACK_ID}
    templates = resources.files(__package__) / "skeleton_files"
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            raise UserError(f"{label}: expected an empty or a new folder, found files in it; name another folder")
        for name in _FILES:
            template = Template((templates / f"{name}.template").read_text(encoding="utf-8"))
            (folder / name).write_text(template.substitute(values), encoding="utf-8")
            written.append(folder / name)
    except FileExistsError:
        raise UserError(f"{label}: expected a folder, found a file; name another folder") from None
    except OSError as error:
        raise UserError(
            f"{label}: expected a folder that can be written, found: {error.strerror}; name another folder"
        ) from None
    return written
