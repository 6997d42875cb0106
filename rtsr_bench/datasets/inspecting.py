"""Inspection of a user's own set, or one in another layout: every fault of every file, not only the first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from rtsr_bench.datasets.catalog import checked_size, find_dataset
from rtsr_bench.datasets.dataset import Missing
from rtsr_bench.datasets.findings import Audit
from rtsr_bench.datasets.layouts import Pairing, match, not_files, pairing
from rtsr_bench.datasets.misplaced import misplaced
from rtsr_bench.datasets.places import candidates, data_roots
from rtsr_bench.datasets.prepared import THREADS
from rtsr_bench.datasets.verify import difference, pinned_pairs, refuse_stand_ins
from rtsr_bench.errors import UserError
from rtsr_bench.files.hashing import file_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rtsr_bench.datasets.layouts import Match, PairFiles
    from rtsr_bench.datasets.recipes import SetRecipe
    from rtsr_bench.protocol import Size


def inspected(recipe: SetRecipe, scale: int, roots: Sequence[Path]) -> Audit:
    """Inspect one scale of a set: names, sizes, hashes if any; every image is read once.

    Of several copies, the one with the fewest faults is reported.
    """
    part = f"x{scale}"
    folders = [recipe.folder] if recipe.folder else list(candidates(recipe.names, data_roots(roots)))
    found = []
    for folder in folders:
        try:
            files = match(folder, scale, layout=recipe.layout)
        except UserError as error:
            found.append(Audit(part=part, where=str(folder), damaged=(str(error),)))
            continue
        if files is not None:
            found.append(_inspected(recipe, files, folder))
    if found:
        return min(found, key=lambda audit: audit.faults)
    try:
        lacking = find_dataset(recipe.id, scale=scale, degradation="files", roots=roots)
    except UserError as error:
        return Audit(part=part, damaged=(str(error),))
    if isinstance(lacking, Missing):
        return Audit(part=part, absent=f"{lacking.reason}; {lacking.hint}")
    # LR that the set does not publish is made from the HR of another scale, whose files are reported there.
    return Audit(part=part, where=str(lacking.folder), images=len(lacking.pairs), note=lacking.note)


def _inspected(recipe: SetRecipe, files: Match, folder: Path) -> Audit:
    paired = pairing(files)
    missing, damaged, foreign = _pairing_faults(files, paired, folder)
    every = [*files.hr, *files.lr]
    hashes: dict[Path, str] = {}
    for path in every:
        try:
            hashes[path] = file_sha256(path)
        except UserError as error:
            damaged[path] = str(error)
    for path, said in zip(every, _side_by_side([(path, path in files.hr) for path in every]), strict=True):
        if said:
            damaged.setdefault(path, said)
    for pair in paired.pairs:
        for culprit, said in _pair_faults(recipe, files.scale, pair, hashes):
            # An unreadable file is already reported.
            if pair.hr not in damaged and (pair.lr is None or pair.lr not in damaged):
                damaged[culprit] = said
    note = ""
    if not recipe.own and recipe.pins:
        note = _against_published(recipe, files, paired, hashes, folder, missing, foreign)
    elif recipe.pins:
        _against_own(recipe, files, hashes, folder, missing, damaged, foreign)
    else:
        note = difference(recipe, files.scale, paired.pairs, hashes, folder)
    why = misplaced(folder, files.scale) if not (files.hr and files.lr) else paired.why(files.scale)
    note = "; ".join(filter(None, (why, note)))
    return Audit(
        part=f"x{files.scale}",
        where=str(folder),
        images=len(every),
        missing=tuple(missing),
        damaged=tuple(damaged.values()),
        foreign=tuple(foreign.values()),
        note=note,
    )


def _pairing_faults(files: Match, paired: Pairing, folder: Path) -> tuple[list[str], dict[Path, str], dict[Path, str]]:
    damaged = not_files(files)
    spoilt = {path.stem for path in damaged}  # the other file of such a pair is not at fault
    missing = [f"LR x{files.scale} of {_inside(path, folder)}" for path in paired.hr_alone if path.stem not in spoilt]
    for one, other in paired.doubles:
        damaged[other] = f"{_inside(other, folder)}: same name as {one.name}: remove one of them"
    foreign = {
        path: f"{_inside(path, folder)} (no HR image of that name)"
        for path in paired.lr_alone
        if path.stem not in spoilt
    }
    return missing, damaged, foreign


def _side_by_side(files: Sequence[tuple[Path, bool]]) -> list[str]:
    """The fault of each image file, which is read completely; empty if there is none."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(_trouble, files))


def _trouble(file: tuple[Path, bool]) -> str:
    from rtsr_bench.images.io import read_rgb

    path, is_hr = file
    try:
        read_rgb(path, what="HR image" if is_hr else "LR image")
    except UserError as error:
        return str(error)
    return ""


def _pair_faults(recipe: SetRecipe, scale: int, pair: PairFiles, hashes: dict[Path, str]) -> list[tuple[Path, str]]:
    try:
        hr = checked_size(recipe, pair, scale)
        if all(file in hashes for file in (pair.hr, pair.lr) if file is not None):
            refuse_stand_ins(recipe, [pair], hashes)
    except UserError as error:
        return [(pair.lr if pair.lr and str(error).startswith(str(pair.lr)) else pair.hr, str(error))]
    small = too_small(hr, scale)
    return [(pair.hr, f"{pair.hr}: {small}")] if small else []


def too_small(hr: Size, scale: int) -> str:
    """Why an HR image of this size cannot be measured on the tracks of a scale; empty if it can."""
    from rtsr_bench.metric import known
    from rtsr_bench.tracks import all_tracks

    rules = [track.protocol for track in all_tracks().values() if track.scale == scale]
    asked = {
        (convention, metric.least_side, metric.title)
        for protocol in rules
        for metric in known(protocol.metrics)
        for convention in protocol.conventions
    }
    for convention, side, title in sorted(asked, key=lambda one: -2 * one[0].border - one[1]):
        step = scale * convention.lr_multiple
        left = min(hr.height // step, hr.width // step) * step - 2 * convention.border
        if left < side:
            return (
                f"expected at least {side}x{side} pixels inside a border of {convention.border} for {title} at "
                f"x{scale}, found an image of {hr}: remove it"
            )
    return ""


def _against_own(
    recipe: SetRecipe,
    files: Match,
    hashes: dict[Path, str],
    folder: Path,
    missing: list[str],
    damaged: dict[Path, str],
    foreign: dict[Path, str],
) -> None:
    """Compare with a user's own hashes: files that are missing, differ, or are not listed."""
    paths = {_inside(path, folder): path for path in (*files.hr, *files.lr)}
    places = {path.rpartition("/")[0] for path in paths}
    gone = [path for path in recipe.pins if path.rpartition("/")[0] in places and not (folder / path).is_file()]
    # A missing LR image is reported by its own name if the recipe lists it.
    if gone:
        missing.clear()
        missing += gone
    for name, path in paths.items():
        if name not in recipe.pins:
            foreign.setdefault(path, f"{name} (not in the recipe)")
        elif path in hashes and hashes[path] != recipe.pins[name].sha256:
            expected, found = recipe.pins[name].sha256[:16], hashes[path][:16]
            damaged.setdefault(path, f"{name}: expected SHA-256 {expected}..., found {found}...")


def _against_published(
    recipe: SetRecipe,
    files: Match,
    paired: Pairing,
    hashes: dict[Path, str],
    folder: Path,
    missing: list[str],
    foreign: dict[Path, str],
) -> str:
    """Compare a copy under other names by content: files that are not published, and published files missing."""
    expected = {sha256 for pair in pinned_pairs(recipe, files.scale) for sha256 in pair}
    for path, found in hashes.items():
        if expected and found not in expected:
            foreign.setdefault(path, f"{_inside(path, folder)} (not one of the published files)")
    there = set(hashes.values())
    missing += [path for path, pin in recipe.pins.items() if pin.sha256 in expected - there]
    if all(file in hashes for pair in paired.pairs for file in (pair.hr, pair.lr) if file is not None):
        return difference(recipe, files.scale, paired.pairs, hashes, folder)
    return ""


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
