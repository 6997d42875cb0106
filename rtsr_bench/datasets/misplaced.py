"""Images that are a few folders too deep for a layout, and folders of a layout without images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.datasets.layouts import entries, images_in, places, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DEPTH = 3
_WIDTH = 50
"""Maximum folders searched per level: this is a hint, not a full search."""


def misplaced(folder: Path, scale: int | None) -> str:
    """Say which folder of a layout has no images, and where they are; empty if every folder has some.

    Only HR folders if `scale` is None. UserError if a folder cannot be read.
    """
    empty = []
    for place in places(folder, scale):
        if images_in(place):
            continue
        for inner in _below(place):
            if images := images_in(inner):
                return (
                    f"{place} holds no images, {len(images)} are deeper in {inner.relative_to(folder).as_posix()} "
                    f"({shown(path.name for path in images)}): move them up into {place.name}"
                )
        empty.append(place.relative_to(folder).as_posix())
    return f"{folder}: {' and '.join(empty)} {'holds' if len(empty) == 1 else 'hold'} no images" if empty else ""


def _below(place: Path) -> Iterator[Path]:
    """The folders below, level by level, without links."""
    level = [place]
    for _ in range(_DEPTH):
        level = [child for parent in level for child in sorted(entries(parent)) if _is_folder(child)][:_WIDTH]
        yield from level


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
