"""Crops of a record, read as untrusted files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtsr_bench.store import SHARED_CROPS

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("hr", "sr", "bicubic")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}\.png$")
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 8 * 1024 * 1024
_MOST_CROPS = 64
_LONGEST_SIDE = 100_000
_FORM = {"image": str, "data_set": str, "top": int, "left": int, "height": int, "width": int, "files": dict}


@dataclass(frozen=True, kw_only=True, slots=True)
class Crop:
    """One window of one image as HR, SR and bicubic: PNG bytes by part; place and size in HR pixels."""

    image: str
    data_set: str
    top: int
    left: int
    height: int
    width: int
    files: dict[str, bytes]


def read_crops(folder: Path) -> tuple[Crop, ...]:
    """The crops in a folder's index; ValueError with one sentence if something is invalid."""
    index = folder / "index.json"
    try:
        entries = json.loads(_bytes(index).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{folder.name}/index.json cannot be read: {type(error).__name__}") from None
    if not isinstance(entries, list) or len(entries) > _MOST_CROPS:
        raise ValueError(f"{folder.name}/index.json: expected a list of at most {_MOST_CROPS} crops")
    return tuple(_crop(folder, entry) for entry in entries)


def _crop(folder: Path, entry: Any) -> Crop:
    where = f"{folder.name}/index.json"
    form = _FORM.keys() if isinstance(entry, dict) else ()
    wrong = [key for key in form if type(entry.get(key)) is not _FORM[key]]
    if not form or wrong:
        raise ValueError(f"{where}: expected each crop as an object with {', '.join(_FORM)}")
    if not all(0 <= entry[side] <= _LONGEST_SIDE for side in ("top", "left", "height", "width")):
        raise ValueError(f"{where}: expected top, left, height and width of up to {_LONGEST_SIDE} pixels")
    if not (entry["height"] and entry["width"]):
        raise ValueError(f"{where}: expected a crop's height and width above 0")
    return Crop(
        image=entry["image"],
        data_set=entry["data_set"],
        top=entry["top"],
        left=entry["left"],
        height=entry["height"],
        width=entry["width"],
        files={part: _png(folder, entry["files"].get(part)) for part in PARTS},
    )


def _png(folder: Path, name: Any) -> bytes:
    """The PNG of a crop: in the record's own folder, or in the one that records share."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise ValueError(f"{folder.name}/index.json: {name!r} is not a plain name of a PNG file")
    path = folder / name
    if not path.exists() and not path.is_symlink():
        path = folder.parent / SHARED_CROPS / name
    try:
        data = _bytes(path)
    except OSError as error:
        raise ValueError(f"{folder.name}/{name} cannot be read: {error.strerror}") from None
    if not data.startswith(_PNG):
        raise ValueError(f"{folder.name}/{name} is not a PNG file")
    return data


def _bytes(path: Path) -> bytes:
    """The bytes of a plain file of limited size; links are refused because they could lead anywhere."""
    if path.is_symlink() or not path.is_file():
        raise FileNotFoundError(2, "not a plain file")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path.parent.name}/{path.name} is larger than {_MOST_BYTES} bytes")
    return path.read_bytes()
