"""`data verify`: every missing, damaged and foreign file of a data set, by name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rtsr_bench.datasets.catalog import find_recipe
from rtsr_bench.datasets.dataset import RenderedImage
from rtsr_bench.datasets.findings import Audit
from rtsr_bench.datasets.inspecting import inspected
from rtsr_bench.datasets.layouts import images_in, subfolder
from rtsr_bench.datasets.places import candidates, data_roots
from rtsr_bench.datasets.preparation import GT
from rtsr_bench.datasets.prepared import ORIGINALS, decode, differences, kept, side_by_side
from rtsr_bench.errors import RtsrBenchError, UserError
from rtsr_bench.files.hashing import files_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rtsr_bench.datasets.builtin import BuiltinImage
    from rtsr_bench.datasets.preparation import Preparation
    from rtsr_bench.datasets.prepared import Decoded
    from rtsr_bench.datasets.recipes import SetRecipe


def audit(set_id: str, roots: Sequence[Path]) -> tuple[Audit, ...]:
    """Compare every available file of a data set with its hash; one Audit per scale (one for a rendered set).

    Of several copies, the one with the fewest faults is reported. UserError for an unknown id.
    """
    recipe = find_recipe(set_id, roots)
    if recipe.rendered:
        return (_rendered(recipe),)
    if recipe.preparation:
        copies = [_prepared_parts(recipe, folder) for folder in candidates(recipe.names, data_roots(roots))]
        copies = [audits for audits in copies if any(not part.absent for part in audits)]
        return min(copies, key=_faults, default=(Audit(part=GT, absent=f"not fetched; {recipe.hint}"),))
    if recipe.pins and not recipe.own:
        found = [_by_path(recipe, folder) for folder in candidates(recipe.names, data_roots(roots))]
        if found := [audits for audits in found if any(not part.absent for part in audits)]:
            return min(found, key=_faults)
    return tuple(inspected(recipe, scale, roots) for scale in recipe.scales)


def _prepared_parts(recipe: SetRecipe, folder: Path) -> tuple[Audit, ...]:
    """Each folder of a prepared set: originals by the hash of the file, images by that of their decoded pixels."""
    preparation = recipe.preparation
    assert preparation is not None, "called only for prepared sets"
    parts = dict.fromkeys(path.partition("/")[0] for path in preparation.pins)
    originals = {original.name: original.sha256 for original in preparation.originals}
    return (
        _originals(folder / ORIGINALS, originals),
        *(_prepared(recipe, preparation, folder, part) for part in parts),
    )


def _originals(place: Path, expected: dict[str, str]) -> Audit:
    if not place.is_dir():
        return Audit(part=ORIGINALS, absent=f"no folder {place}")
    hashes = {path.name: sha256 for path, sha256 in files_sha256(images_in(place)).items()}
    return Audit(
        part=ORIGINALS,
        where=str(place),
        images=len(expected),
        missing=tuple(name for name in expected if name not in hashes),
        damaged=tuple(name for name, sha256 in expected.items() if hashes.get(name, sha256) != sha256),
        foreign=tuple(name for name in hashes if name not in expected),
    )


def _prepared(recipe: SetRecipe, preparation: Preparation, folder: Path, part: str) -> Audit:
    place = folder / part
    if not place.is_dir():
        return Audit(part=part, absent=f"no folder {place}")
    expected = [path for path in preparation.pins if path.startswith(f"{part}/")]
    there = [path for path in expected if (folder / path).is_file()]
    hashes = files_sha256([folder / path for path in there])
    notes = kept(folder)
    found, damaged = {}, []
    read = side_by_side(lambda path: _decoded(folder / path, hashes, recipe), there)
    for path, decoded in zip(there, read, strict=True):
        pin = preparation.pins[path]
        as_made = hashes[folder / path] in (pin.file, notes.get(path, {}).get("file"))
        if isinstance(decoded, str):
            damaged.append(decoded)
        elif decoded.pixels != pin.pixels and not as_made:
            damaged.append(f"{path.partition('/')[2]}: other pixels than prepared")
        else:
            found[path] = decoded
    names = {path.partition("/")[2] for path in expected}
    return Audit(
        part=part,
        where=str(place),
        images=len(expected),
        missing=tuple(path.partition("/")[2] for path in expected if path not in there),
        damaged=tuple(damaged),
        foreign=tuple(path.name for path in images_in(place) if path.name not in names),
        note="; ".join(differences(recipe, folder, found)),
    )


def _decoded(path: Path, hashes: dict[Path, str], recipe: SetRecipe) -> Decoded | str:
    try:
        return decode(path, hashes[path], recipe)
    except UserError as error:
        return str(error)


def _faults(audits: tuple[Audit, ...]) -> tuple[int, int]:
    return sum(part.faults for part in audits), sum(bool(part.absent) for part in audits)


def _rendered(recipe: SetRecipe) -> Audit:
    from rtsr_bench.datasets.builtin import builtin_images, left_out

    images = builtin_images()
    return Audit(
        part="images",
        images=len(images),
        missing=tuple(f"{name}: {reason}" for name, reason in left_out().items()),
        damaged=tuple(_drawn_otherwise(images)),
        note=recipe.hint,
    )


def _drawn_otherwise(images: Iterable[BuiltinImage]) -> Iterator[str]:
    for image in images:
        try:
            found = hashlib.sha256(RenderedImage(image=image).read().tobytes()).hexdigest()
        except RtsrBenchError as error:
            yield str(error)
        else:
            if found != image.sha256:
                yield f"{image.name}: expected pixels with SHA-256 {image.sha256[:16]}..., found {found[:16]}..."


def _by_path(recipe: SetRecipe, folder: Path) -> tuple[Audit, ...]:
    return tuple(_part(recipe, folder, part) for part in sorted({path.rpartition("/")[0] for path in recipe.pins}))


def _part(recipe: SetRecipe, folder: Path, part: str) -> Audit:
    """One folder of a published set, such as `image_SRF_2`."""
    place = subfolder(folder, part)
    scale = f"x{part.rpartition('_')[2]}"
    if place is None:
        return Audit(part=scale, where=str(folder), absent=f"no folder {part}")
    expected = {path.rpartition("/")[2]: pin for path, pin in recipe.pins.items() if path.startswith(f"{part}/")}
    hashes = {path.name: sha256 for path, sha256 in files_sha256(images_in(place)).items()}
    # Other methods' results are often in the same folder under other names; they are ignored.
    paired = [name for name in hashes if name.rpartition(".")[0].endswith(("_HR", "_LR"))]
    return Audit(
        part=scale,
        where=str(place),
        images=len(expected),
        missing=tuple(name for name in expected if name not in hashes),
        damaged=tuple(name for name, pin in expected.items() if hashes.get(name, pin.sha256) != pin.sha256),
        foreign=tuple(name for name in paired if name not in expected),
    )
