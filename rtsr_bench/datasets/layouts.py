"""Common folder layouts of image pairs, and strict pairing by name.

- `selfexsr`: `image_SRF_2/img_001_SRF_2_HR.png` and `image_SRF_2/img_001_SRF_2_LR.png`; results of other methods in
  the same folder (`..._SRCNN.png`) are ignored.
- `gt-lr`: one folder of HR (`GT`, `HR`, `GTmod12`) and one of LR for each scale (`LR2`, `LRx2`, `LR_x2`, `LRbicx2`,
  `LR_bicubic/X2`, `X2`), including the official RTSR layout.
- `div2k`: `DIV2K_valid_HR` and `DIV2K_valid_LR_bicubic/X2`.
- `div2k-lsdir`: `DIV2K_LSDIR_valid_HR/000001.png` and `DIV2K_LSDIR_valid_LR/000001x4.png`, with the scale only in the
  file names; and LSDIR's own `HR/val` and `X4/val`.

Folder names are case-insensitive. An LR file has the stem of its HR file, with or without a suffix of the scale
(`babyx2.png`, `baby_x2.png`); the extension may differ. If HR names themselves end like a scale, all LR files are read
with the suffix if only that pairs all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rtsr_bench.datasets.unpaired import why_unpaired, without_scale
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

LAYOUTS = ("selfexsr", "gt-lr", "div2k", "div2k-lsdir")

# Formats that images.io cannot decode (TIFF, GIF ...) are included, so that they are named and not reported as missing.
_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif", ".ppm"})
_HR_FOLDERS = ("gt", "hr", "gtmod12")
_LR_FOLDERS = ("lr{n}", "lrx{n}", "lr_x{n}", "lrbicx{n}", "lr_bicubic/x{n}", "x{n}")
_DIV2K = ("DIV2K_valid", "DIV2K_test", "DIV2K_train")
_LSDIR = ("DIV2K_LSDIR_valid", "DIV2K_LSDIR_test", "LSDIR_valid", "LSDIR_test")
_SHOWN = 3

_Files: TypeAlias = tuple[tuple[Path, ...], tuple[Path, ...] | None]
"""HR and LR files; LR is None if the folder has no LR folder for this scale."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The HR and LR files of a layout in a folder at one scale; `lr` is empty if only HR was requested."""

    layout: str
    folder: Path
    scale: int
    hr: tuple[Path, ...]
    lr: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairFiles:
    """An HR file and its LR file (None where LR is made from HR)."""

    hr: Path
    lr: Path | None


def match(folder: Path, scale: int, *, layout: str | None = None, hr_only: bool = False) -> Match | None:
    """The files of a folder at this scale, by the first layout that fits (or only by `layout`); None if none does.

    `hr_only` requests HR alone, for LR that is made from it. UserError for an unknown layout or an unreadable folder.
    """
    if layout is not None and layout not in LAYOUTS:
        raise UserError(f"{folder}: expected layout {' | '.join(LAYOUTS)}, found {layout!r}")
    for name, finder, _ in _FINDERS:
        if layout not in (None, name):
            continue
        hr, lr = finder(folder, scale)
        if hr_only and hr:
            return Match(layout=name, folder=folder, scale=scale, hr=hr, lr=())
        if not hr_only and lr is not None and (hr or lr):
            return Match(layout=name, folder=folder, scale=scale, hr=hr, lr=lr)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """Pairs by name in the order of the HR names, and unpaired files: HR alone, LR alone, and duplicates of a name."""

    pairs: tuple[PairFiles, ...]
    hr_alone: tuple[Path, ...]
    lr_alone: tuple[Path, ...]
    doubles: tuple[tuple[Path, Path], ...]

    @property
    def over(self) -> int:
        """Number of unpaired files."""
        return len(self.hr_alone) + len(self.lr_alone) + len(self.doubles)

    def why(self, scale: int) -> str:
        """Why similar names are not paired, and what to do; empty if there are none."""
        return why_unpaired(self.hr_alone, self.lr_alone, scale)


def pairing(files: Match) -> Pairing:
    """Pair HR with LR strictly by name, and list unpaired files without raising an error."""
    mixed = _paired(files, known={path.stem for path in files.hr})
    if not mixed.over:
        return mixed
    suffixed = _paired(files, known=())
    return mixed if suffixed.over else suffixed


def _paired(files: Match, *, known: Collection[str]) -> Pairing:
    """Pair by LR stem: a stem in `known` is used as it is, any other without the suffix of the scale."""
    doubles: list[tuple[Path, Path]] = []
    hr = _named(((_key(files, path, None), path) for path in files.hr), doubles)
    lr = _named(((_key(files, path, known), path) for path in files.lr), doubles)
    return Pairing(
        pairs=tuple(PairFiles(hr=hr[key], lr=lr[key]) for key in sorted(hr.keys() & lr.keys())),
        hr_alone=tuple(hr[key] for key in sorted(hr.keys() - lr.keys())),
        lr_alone=tuple(lr[key] for key in sorted(lr.keys() - hr.keys())),
        doubles=tuple(doubles),
    )


def pair_up(files: Match, *, hr_only: bool = False) -> tuple[PairFiles, ...]:
    """Pair HR with LR strictly by name, in the order of the HR names.

    UserError, naming the files, for an HR image without LR, an LR image without HR, two files of one name.
    """
    found = pairing(files)
    for said in not_files(files).values() if found.hr_alone or found.lr_alone else ():
        raise UserError(said)
    for one, other in found.doubles:
        role = "HR" if one in files.hr else "LR"
        raise UserError(
            f"{files.folder} x{files.scale}: expected one {role} image of a name, found {one.name} and {other.name}: "
            "remove one of them"
        )
    if hr_only:
        return tuple(PairFiles(hr=path, lr=None) for path in found.hr_alone)
    where = f"{files.folder} x{files.scale}"
    if said := found.why(files.scale):
        raise UserError(f"{where}: expected an LR image with each HR image's name, found other names: {said}")
    if found.hr_alone:
        raise UserError(
            f"{where}: expected one LR image for each of {len(files.hr)} HR images, found none for "
            f"{shown(path.name for path in found.hr_alone)}: add the LR images or remove the HR images"
        )
    if found.lr_alone:
        raise UserError(
            f"{where}: expected one HR image for each of {len(files.lr)} LR images, found none for "
            f"{shown(path.name for path in found.lr_alone)}: add the HR images or remove the LR images"
        )
    return found.pairs


def _named(keyed: Iterable[tuple[str, Path]], doubles: list[tuple[Path, Path]]) -> dict[str, Path]:
    by_key: dict[str, Path] = {}
    for key, path in keyed:
        first = by_key.setdefault(key, path)
        if first is not path:
            doubles.append((first, path))
    return by_key


def lacking(folder: Path, scale: int) -> str:
    """What a folder in one of the layouts lacks at this scale, in a few words; empty if no layout is recognised."""
    for name, finder, expected in _FINDERS:
        hr, lr = finder(folder, scale)
        if hr and lr is None and name != "selfexsr":
            return f"{name} in {folder}: {len(hr)} HR images, no LR for x{scale} (expected {expected.format(n=scale)})"
    for pattern in _LR_FOLDERS:
        if place := subfolder(folder, pattern.format(n=scale)):
            return f"{folder}: found {place.relative_to(folder)}, but no HR (expected one of {', '.join(_HR_FOLDERS)})"
    return ""


def shown(names: Iterable[str]) -> str:
    """The first few names and how many more there are, for a message of one line."""
    names = list(names)
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def subfolder(folder: Path, path: str) -> Path | None:
    """The folder at this relative path, case-insensitive (an exact match first); None if there is none."""
    for part in filter(None, path.split("/")):
        exact = folder / part
        if not exact.is_dir():
            found = sorted(entry for entry in entries(folder) if entry.name.lower() == part.lower() and entry.is_dir())
            if not found:
                return None
            exact = found[0]
        folder = exact
    return folder


def places(folder: Path, scale: int | None) -> tuple[Path, ...]:
    """The existing folders of any layout: those of HR, and those of LR if a scale is given."""
    names = [*_HR_FOLDERS, *(f"{stem}_HR" for stem in (*_DIV2K, *_LSDIR))]
    if scale is not None:
        names += [name.format(n=scale) for name in ("image_SRF_{n}", *_LR_FOLDERS)]
        names += [f"{stem}_LR_bicubic/X{scale}" for stem in _DIV2K]
    return tuple(filter(None, (subfolder(folder, name) for name in names)))


def images_in(folder: Path) -> tuple[Path, ...]:
    """The image files of a folder, by extension, sorted, without hidden files."""
    return tuple(
        sorted(
            entry
            for entry in entries(folder)
            if entry.suffix.lower() in _IMAGES and not entry.name.startswith(".") and entry.is_file()
        )
    )


def not_files(files: Match) -> dict[Path, str]:
    """Entries with an image's name that are not files, with a message of one line each."""
    found = {}
    for folder in dict.fromkeys(path.parent for path in (*files.hr, *files.lr)):
        for entry in sorted(entries(folder)):
            if entry.suffix.lower() in _IMAGES and not entry.name.startswith(".") and not entry.is_file():
                what = "a folder" if entry.is_dir() else "a broken link" if entry.is_symlink() else "no file"
                found[entry] = f"{entry}: expected an image file, found {what}: remove it or replace it by the image"
    return found


def entries(folder: Path) -> list[Path]:
    """The entries of a folder, including hidden ones; UserError if it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder}: expected a readable folder, found: {error.strerror}") from error


def _key(files: Match, path: Path, known: Collection[str] | None) -> str:
    if files.layout == "selfexsr":
        return re.sub(rf"_SRF_{files.scale}_(HR|LR)$", "", path.stem)
    if known is None or path.stem in known:
        return path.stem
    return without_scale(path.stem, files.scale)


def _selfexsr(folder: Path, scale: int) -> _Files:
    inner = subfolder(folder, f"image_SRF_{scale}")
    if inner is None:
        return (), None
    images = images_in(inner)
    hr = tuple(path for path in images if path.stem.endswith(f"_SRF_{scale}_HR"))
    lr = tuple(path for path in images if path.stem.endswith(f"_SRF_{scale}_LR"))
    return hr, lr


def _gt_lr(folder: Path, scale: int) -> _Files:
    hr = next(filter(None, (subfolder(folder, name) for name in _HR_FOLDERS)), None)
    if hr is None:
        return (), None
    lr = next(filter(None, (subfolder(folder, name.format(n=scale)) for name in _LR_FOLDERS)), None)
    return images_in(hr), images_in(lr) if lr else None


def _div2k(folder: Path, scale: int) -> _Files:
    # A full download has train and valid; papers test on valid.
    for stem in _DIV2K:
        if hr := subfolder(folder, f"{stem}_HR"):
            lr = subfolder(folder, f"{stem}_LR_bicubic/X{scale}")
            return images_in(hr), images_in(lr) if lr else None
    return (), None


def _div2k_lsdir(folder: Path, scale: int) -> _Files:
    for stem in _LSDIR:
        if hr := subfolder(folder, f"{stem}_HR"):
            place = subfolder(folder, f"{stem}_LR")
            # All scales are in one folder: files of other scales are ignored, files without a scale are reported.
            lr = [path for path in images_in(place) if _named_scale(path) in (None, scale)] if place else []
            return images_in(hr), tuple(lr) or None
    hr, lr_folder = subfolder(folder, "HR/val"), subfolder(folder, f"X{scale}/val")
    if hr is None:
        return (), None
    return images_in(hr), images_in(lr_folder) if lr_folder else None


def _named_scale(path: Path) -> int | None:
    found = re.search(r"x([2348])$", path.stem, flags=re.IGNORECASE)
    return int(found[1]) if found else None


_FINDERS: tuple[tuple[str, Callable[[Path, int], _Files], str], ...] = (
    ("selfexsr", _selfexsr, "image_SRF_{n}"),
    ("div2k-lsdir", _div2k_lsdir, "DIV2K_LSDIR_valid_LR/...x{n}.png or X{n}/val"),
    ("gt-lr", _gt_lr, "a folder LR{n}, LRx{n}, LR_x{n}, LRbicx{n}, LR_bicubic/X{n} or X{n}"),
    ("div2k", _div2k, "DIV2K_valid_LR_bicubic/X{n}"),
)
"""In the order they are tried, the most specific first. The third element says where LR is expected."""
