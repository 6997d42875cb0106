"""Verification: files against published hashes, and refusal of substitutes."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.datasets.layouts import shown
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.datasets.layouts import PairFiles
    from rtsr_bench.datasets.recipes import SetRecipe


def difference(
    recipe: SetRecipe, scale: int, pairs: Sequence[PairFiles], hashes: Mapping[Path, str], folder: Path
) -> str:
    """How these pairs differ from the recipe's hashes, in one line; empty if every file matches.

    A published set is compared by content, so layout and names do not matter; a user's own set is compared by the paths
    in its recipe. `scale` is the scale under which the files are published.
    """
    if not recipe.pins:
        return "no hashes to compare with" if recipe.own else "no published hashes to compare with"
    return _from_own(recipe, pairs, hashes, folder) if recipe.own else _from_published(recipe, scale, pairs, hashes)


def refuse_stand_ins(recipe: SetRecipe, pairs: Sequence[PairFiles], hashes: Mapping[Path, str]) -> None:
    """Raise UserError if images of another known set have this set's name.

    File hashes and stems are compared with the recipe's list and with the published sets' hashes. The pixels of the
    first HR image, and of any with a built-in image's name, are compared with pinned pixels.
    """
    if not recipe.refuse:
        return
    from rtsr_bench.datasets.builtin import builtin_images
    from rtsr_bench.datasets.recipes import published
    from rtsr_bench.images.io import read_rgb

    drawn = {image.sha256: Path(image.name).stem for image in builtin_images()}
    files = {pin.sha256: other.title for other in published().values() for pin in other.pins.values()}
    for index, pair in enumerate(pairs):
        known = (
            recipe.refuse.get(hashes[pair.hr]) or recipe.refuse.get(pair.hr.stem.lower()) or files.get(hashes[pair.hr])
        )
        if known is None and (index == 0 or pair.hr.stem in drawn.values()):
            pixels = hashlib.sha256(read_rgb(pair.hr, what="HR image").tobytes()).hexdigest()
            known = "the built-in set" if pixels in drawn else recipe.refuse.get(pixels)
        if known is not None:
            raise UserError(
                f"{pair.hr}: expected an image of the {recipe.title}, which was announced and never released, "
                f"found one of {known}: {recipe.hint}"
            )


def pinned_pairs(recipe: SetRecipe, scale: int) -> list[tuple[str, str]]:
    """The hashes of HR and LR of each published pair at this scale."""
    pairs = []
    for path, pin in recipe.pins.items():
        stem, found, extension = path.rpartition(f"_SRF_{scale}_HR")
        if found:
            pairs.append((pin.sha256, recipe.pins[f"{stem}_SRF_{scale}_LR{extension}"].sha256))
    return pairs


def _from_published(recipe: SetRecipe, scale: int, pairs: Sequence[PairFiles], hashes: Mapping[Path, str]) -> str:
    expected = pinned_pairs(recipe, scale)
    if not expected:
        return f"no published hashes at x{scale}"
    with_lr = any(pair.lr for pair in pairs)
    published = {sha for pair in expected for sha in (pair if with_lr else pair[:1])}
    files = [file for pair in pairs for file in (pair.hr, pair.lr) if file is not None]
    foreign = [file.name for file in files if hashes[file] not in published]
    said = []
    if foreign:
        said.append(f"{len(foreign)} of {len(files)} files are not the published ones ({shown(foreign)})")
    if len(pairs) != len(expected):
        said.append(f"{len(pairs)} image pairs, not {len(expected)}")
    found = Counter((hashes[pair.hr], hashes[pair.lr] if pair.lr else "") for pair in pairs)
    if not said and found != Counter((hr, lr if with_lr else "") for hr, lr in expected):
        said.append("the published files, paired differently")
    return "; ".join(said)


def _from_own(recipe: SetRecipe, pairs: Sequence[PairFiles], hashes: Mapping[Path, str], folder: Path) -> str:
    files = {
        file.relative_to(folder).as_posix(): hashes[file]
        for pair in pairs
        for file in (pair.hr, pair.lr)
        if file is not None
    }
    places = {path.rpartition("/")[0] for path in files}
    said = []
    if unlisted := [path for path in files if path not in recipe.pins]:
        said.append(f"{len(unlisted)} of {len(files)} files have no hash ({shown(unlisted)})")
    if other := [path for path, sha in files.items() if path in recipe.pins and recipe.pins[path].sha256 != sha]:
        said.append(f"{len(other)} of {len(files)} files differ from their hash ({shown(other)})")
    beside = [path for path in recipe.pins if path.rpartition("/")[0] in places]
    if gone := [path for path in beside if not (folder / path).is_file()]:
        said.append(f"{len(gone)} listed files are missing ({shown(gone)})")
    return "; ".join(said)
