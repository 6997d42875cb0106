"""Where the reference models lie: beside the package in a checkout, within it when installed, and in plug-ins."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import rtsr_bench
from rtsr_bench import plugins

REFERENCE_FOLDER = "reference_models"
_PACKAGE = Path(rtsr_bench.__file__).parent


def shipped_folder() -> Path:
    """The folder of the reference models that came with this package; where it was stripped of them, none is there."""
    inside = _PACKAGE / f"_{REFERENCE_FOLDER}"
    return inside if inside.is_dir() else _PACKAGE.parent / REFERENCE_FOLDER


def is_reference(source: Path) -> bool:
    """Whether what lies there is a reference model: one in a folder of that name, a shipped one, or a plug-in's."""
    place = source.absolute()
    return place.parent.name in (REFERENCE_FOLDER, shipped_folder().name) or place in plugins.model_folders()


def named_by(path: Path) -> tuple[Path, ...]:
    """What a path names: itself, or reference models, so that their name works in any folder.

    `reference_models` stands for the folder of that name here, or else for the shipped one, and for those of plug-ins;
    `reference_models/NAME`, where nothing is there, for the shipped and plug-in models of that name or pattern, and a
    path below it for what lies in them.
    """
    if path == Path(REFERENCE_FOLDER):
        return (path if path.exists() else shipped_folder(), *plugins.model_folders())
    if path.parts[:1] != (REFERENCE_FOLDER,) or path.exists():
        return (path,)
    name, *below = path.parts[1:]
    shipped = sorted(manifest.parent for manifest in shipped_folder().glob(f"*/{plugins.MANIFEST}"))
    models = [one for one in (*shipped, *plugins.model_folders()) if fnmatchcase(one.name, name)]
    found = [one.joinpath(*below) for one in models]
    return tuple(one for one in found if one.exists()) or (path,)
