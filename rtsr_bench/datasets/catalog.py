"""From a data set's name to its image pairs, or to the reason why they are not available."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.datasets import prepared
from rtsr_bench.datasets.dataset import Dataset, ImageFile, ImagePair, Missing, RenderedImage
from rtsr_bench.datasets.layouts import entries, lacking, match, pair_up
from rtsr_bench.datasets.misplaced import misplaced
from rtsr_bench.datasets.places import candidates, data_roots, folders_below
from rtsr_bench.datasets.recipes import OWN, SetRecipe, own_recipe, published
from rtsr_bench.datasets.verify import difference, refuse_stand_ins
from rtsr_bench.errors import UserError
from rtsr_bench.files.hashing import files_sha256
from rtsr_bench.files.slug import slug
from rtsr_bench.protocol import SCALES, Size
from rtsr_bench.text import ascii_safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rtsr_bench.datasets.layouts import PairFiles


BARE = ("DIV2K",)
"""Sets without pinned hashes that are found below a root by their usual folder name."""

_WIDTH = 200
"""Maximum folders of a root that are searched for a suggestion."""


def known_sets() -> tuple[SetRecipe, ...]:
    """The recipes of every published set, in the order of their ids."""
    return tuple(published().values())


def own_sets(roots: Iterable[Path]) -> tuple[SetRecipe, ...]:
    """The user's own sets below these roots: folders with a `dataset.toml`, roots that are in a layout, and DIV2K.

    A folder without a recipe file takes its id and title from its name. UserError for an invalid recipe, or for two
    sets with the same id.
    """
    found: dict[str, SetRecipe] = {}
    for root in data_roots(roots):
        bare = [root, *(folder for name in BARE for folder in folders_below(root, name))]
        folders = [*bare, *sorted(entry.parent for entry in root.glob(f"*/{OWN}") if entry.parent not in bare)]
        recipes = [own_recipe(folder) or (_bare_folder(folder) if folder in bare else None) for folder in folders]
        for recipe in filter(None, recipes):
            other = found.setdefault(recipe.id, recipe).folder
            if other and recipe.folder and not other.samefile(recipe.folder):
                raise UserError(
                    f"expected unique ids of data sets, found {recipe.id!r} in both {other} and {recipe.folder}; "
                    f"give one of them another id in its {OWN}"
                )
    return tuple(found.values())


def degradation_words(degradation: str) -> str:
    """Return what a track's `degradation` does, for readers, empty for LR files; UserError for an unknown one."""
    from rtsr_bench.images.degrade import parse_degradation

    if degradation.startswith("files"):
        return ""
    return parse_degradation(degradation).sentence


def find_dataset(set_id: str, *, scale: int, degradation: str, roots: Sequence[Path] = ()) -> Dataset | Missing:
    """The data set of this id at this scale, from the roots, those of RTSR_BENCH_DATA_ROOT, or the cache.

    A `degradation` that starts with `files` takes LR from the set's files; any other makes LR from HR. A verified copy
    is preferred. UserError for an unknown id or degradation, and for invalid data: unpaired images, sizes that do not
    match, files that are not images, substitutes.
    """
    degradation_words(degradation)
    recipe = find_recipe(set_id, roots)
    if scale not in recipe.scales:
        has = ", ".join(f"x{known}" for known in recipe.scales)
        return _missing(recipe, f"it exists at {has}, not at x{scale}", "choose a track of one of these scales")
    if recipe.rendered:
        return _rendered(recipe, scale, degradation)
    folders = [recipe.folder] if recipe.folder else list(candidates(recipe.names, data_roots(roots)))
    first: Dataset | UserError | None = None
    for folder in folders:
        try:
            found = (prepared.assembled if recipe.preparation else _assembled)(recipe, folder, scale, degradation)
        except UserError as error:
            first = first or error
            continue
        if found and found.verified:
            return found
        first = first or found
    if isinstance(first, UserError):
        raise first
    if first is not None:
        return first
    if folders:
        if recipe.preparation:
            what = prepared.lacking(recipe, folders[0], scale)
        else:
            what = misplaced(folders[0], scale) or lacking(folders[0], scale)
        reason = what or f"no x{scale} image pairs in {folders[0]}"
        return _missing(recipe, reason, recipe.hint or "see docs/data.md")
    return _missing(recipe, "not in any data root, and not fetched", recipe.hint)


def find_recipe(set_id: str, roots: Sequence[Path] = ()) -> SetRecipe:
    """The recipe of a published set, or of a user's own set below these roots; UserError for an unknown id."""
    set_id = set_id.lower()  # ids are lower case, titles are not
    if set_id in published():
        return published()[set_id]
    own = {recipe.id: recipe for recipe in own_sets(roots)}
    if set_id not in own:
        for root in data_roots(roots):
            if _id(root.resolve().name) == set_id and (said := misplaced(root, None)):
                raise UserError(said)
        known = ", ".join((*published(), *own))
        raise UserError(
            f"no data set {set_id!r}: expected one of {known}, or one of your own: give its own folder with "
            f"--data-root{_named_for(set_id, roots)}, or put a dataset.toml into it (docs/data.md)"
        )
    return own[set_id]


def _named_for(set_id: str, roots: Sequence[Path]) -> str:
    """The folder below a root that is in a layout and has this name, or the only one in a layout; empty if none."""
    below = [child for root in data_roots(roots) for child in sorted(entries(root)) if child.is_dir()]
    fitting = [child for child in below[:_WIDTH] if _in_a_layout(child)]
    meant = [child for child in fitting if _id(child.name) == set_id] or (fitting if len(fitting) == 1 else [])
    return f" {meant[0]}" if meant else ""


def _missing(recipe: SetRecipe, reason: str, hint: str) -> Missing:
    return Missing(id=recipe.id, title=recipe.title, reason=reason, hint=hint)


def _bare_folder(root: Path) -> SetRecipe | None:
    name = root.resolve().name
    if name.lower() in {taken.lower() for recipe in published().values() for taken in recipe.names}:
        return None  # a published set's own folder, given as a root
    if not _in_a_layout(root):
        return None
    plain = _id(name)
    return SetRecipe(id=f"own-{plain}" if plain in published() else plain, title=f"folder {name}", folder=root)


def _in_a_layout(folder: Path) -> bool:
    return any(match(folder, scale, hr_only=hr_only) for scale in SCALES for hr_only in (False, True))


def _id(folder_name: str) -> str:
    return slug(folder_name, most=200, dashes=True, empty="own")


def _rendered(recipe: SetRecipe, scale: int, degradation: str) -> Dataset:
    from rtsr_bench.datasets.builtin import builtin_images, left_out

    if degradation.startswith("files"):
        raise UserError(f"{recipe.id}: expected a degradation to make LR with, found {degradation!r}: see docs/data.md")
    lacking = left_out()
    return Dataset(
        id=recipe.id,
        title=f"{recipe.title} (incomplete)" if lacking else recipe.title,
        scale=scale,
        pairs=tuple(
            ImagePair(
                name=image.name,
                scale=scale,
                size=_cropped(image.size, scale),
                hr_source=RenderedImage(image=image),
                degradation=degradation,
            )
            for image in builtin_images()
        ),
        verified=not lacking,  # pixels are compared with their SHA-256 when they are drawn
        note=f"{len(lacking)} images left out: {'; '.join(lacking.values())}" if lacking else "",
        license=recipe.license,
    )


def _assembled(recipe: SetRecipe, folder: Path, scale: int, degradation: str) -> Dataset | None:
    """The set in this folder; None if the folder has nothing at this scale."""
    lr_made = not degradation.startswith("files")
    files = match(folder, scale, layout=recipe.layout, hr_only=lr_made)
    published_scale = scale
    notes = []
    if files is None and not lr_made and (rule := recipe.made.get(scale)):
        files = match(folder, rule.hr_from, layout=recipe.layout, hr_only=True)
        lr_made, degradation, published_scale = True, rule.degradation, rule.hr_from
        notes.append(f"the published set has no x{scale}")
    if lr_made:
        notes.insert(0, f"LR made from HR by {degradation}")
    if files is None:
        return None
    if (not files.hr or not (files.lr or lr_made)) and (said := misplaced(folder, None if lr_made else scale)):
        raise UserError(said)
    pairs = pair_up(files, hr_only=lr_made)
    sizes = {pair.hr: checked_size(recipe, pair, scale) for pair in pairs}
    hashes = files_sha256([file for pair in pairs for file in (pair.hr, pair.lr) if file is not None])
    refuse_stand_ins(recipe, pairs, hashes)
    differs = difference(recipe, published_scale, pairs, hashes, folder)
    if differs:
        notes.insert(0, differs)
    return Dataset(
        id=recipe.id,
        title=recipe.title if recipe.own or not differs else f"{recipe.title} (unverified copy)",
        scale=scale,
        pairs=tuple(_pair(pair, scale, sizes[pair.hr], hashes, degradation) for pair in pairs),
        verified=not differs,
        note="; ".join(notes),
        license=recipe.license,
        folder=folder,
    )


def _pair(pair: PairFiles, scale: int, size: Size, hashes: dict[Path, str], degradation: str) -> ImagePair:
    return ImagePair(
        name=ascii_safe(pair.hr.name),  # records cannot hold undecodable bytes
        scale=scale,
        size=_cropped(size, scale),
        hr_source=ImageFile(path=pair.hr, sha256=hashes[pair.hr], what="HR image"),
        lr_source=ImageFile(path=pair.lr, sha256=hashes[pair.lr], what="LR image") if pair.lr else None,
        degradation=degradation,
    )


def checked_size(recipe: SetRecipe, pair: PairFiles, scale: int) -> Size:
    """A pair's HR size, from the headers; UserError if the recipe requires another, or LR does not match."""
    from rtsr_bench.images.io import read_size

    hr = read_size(pair.hr, what="HR image")
    if recipe.hr_size not in (None, hr):
        raise UserError(
            f"{pair.hr}: expected HR of {recipe.hr_size} (height x width) in the {recipe.title}, found {hr}: "
            + (recipe.hint or "remove it")
        )
    expected = Size(hr.height // scale, hr.width // scale)
    if expected.pixels == 0:
        raise UserError(f"{pair.hr}: expected HR of at least one LR pixel at x{scale}, found {hr}: remove it")
    if pair.lr and (lr := read_size(pair.lr, what="LR image")) != expected:
        raise UserError(
            f"{pair.lr}: expected {expected} (HR {pair.hr.name} is {hr}, x{scale}), found {lr}: "
            "check that they belong together"
        )
    return hr


def _cropped(size: Size, scale: int) -> Size:
    return Size(size.height - size.height % scale, size.width - size.width % scale)
