"""The recipe of a data set: its name, layout, files and source, read strictly from a TOML file.

Hashes are in `[files]` (path = SHA-256) or, for long lists, in a text file next to it (`index`) with a line
`SHA-256 bytes path` for each file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rtsr_bench.datasets.layouts import LAYOUTS
from rtsr_bench.datasets.originals import read_originals
from rtsr_bench.datasets.preparation import Preparation, read_pins
from rtsr_bench.errors import UserError
from rtsr_bench.files.fetch import Recipe
from rtsr_bench.files.table import Table, kind_of, shown
from rtsr_bench.files.toml import read_toml
from rtsr_bench.protocol import SCALES, Size
from rtsr_bench.text import ascii_safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.resources.abc import Traversable

OWN_KEYS = ("id", "title", "layout", "license", "source", "summary", "scales", "hr_size", "index", "base_url")
"""Keys of `[set]` in a user's own folder."""
PLUGIN_KEYS = (*OWN_KEYS, "names", "cache", "hint")
CATALOG_KEYS = (*PLUGIN_KEYS, "rendered", "refuse")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[a-z0-9_-]+")
_TABLES = ("set", "files", "archive")
_PLUGIN_TABLES = (*_TABLES, "made", "prepared")
_LONGEST = 1000
"""Maximum characters of a text for readers."""
_FORM = "docs/data.md"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """The expected SHA-256 of a file, and its length if known."""

    sha256: str
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """LR that the source lacks at one scale, made from the HR files of another scale by a degradation."""

    hr_from: int
    degradation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A zip or tar file with files of a set; `inside` is the folder within it that becomes the set's folder."""

    url: str
    sha256: str
    bytes: int | None = None
    inside: str = ""
    license: str = ""

    @property
    def recipe(self) -> Recipe:
        """How it is fetched."""
        return Recipe(url=self.url, sha256=self.sha256, bytes=self.bytes, license=self.license)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetRecipe:
    """One data set: `names` are the folder names to look for, `pins` its files by path within such a folder.

    `base_url` is the base of the paths' URLs (empty: none), `archives` contain some of the files, `cache` is the folder
    for them below the cache. `refuse` maps file hashes and stems of other sets' images to those sets' titles,
    `preparation` says how images are made from originals, `folder` is that of a user's own set.
    """

    id: str
    title: str
    summary: str = ""
    source: str = ""
    license: str = ""
    hint: str = ""
    layout: str | None = None
    scales: tuple[int, ...] = SCALES
    rendered: bool = False
    names: tuple[str, ...] = ()
    hr_size: Size | None = None
    pins: Mapping[str, Pin] = field(default_factory=dict)
    made: Mapping[int, Made] = field(default_factory=dict)
    refuse: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    cache: str = ""
    folder: Path | None = None
    archives: tuple[Archive, ...] = ()
    preparation: Preparation | None = None
    plug_in: bool = False

    @property
    def own(self) -> bool:
        """Whether it is a user's and not this package's; its pins are then compared by path, not by content."""
        return self.plug_in or self.folder is not None


def read_recipe(file: Traversable | Path, folder: Traversable | Path, keys: tuple[str, ...]) -> SetRecipe:
    """Read a recipe whose `[set]` may have these keys; `folder` holds the files that it names.

    UserError, one line, if it is invalid.
    """
    root = Table(read_toml(file, what="a data set's recipe"), str(file))
    root.only(_TABLES if keys == OWN_KEYS else _PLUGIN_TABLES)
    head = root.section("set", keys, form=_FORM)
    license_ = head.paragraph("license", limit=_LONGEST)
    pins = _pins(root, head, folder)
    return SetRecipe(
        id=_id(head),
        title=head.text("title", limit=200, example='"My frames"'),
        summary=head.paragraph("summary", limit=_LONGEST),
        source=head.paragraph("source", limit=_LONGEST),
        license=license_,
        hint=head.paragraph("hint", limit=_LONGEST),
        layout=head.option("layout", LAYOUTS) if head.has("layout") else None,
        scales=head.wholes("scales", SCALES[0], SCALES[-1], default=SCALES, example="[2, 3]"),
        rendered=head.flag("rendered"),
        names=head.texts("names"),
        hr_size=_hr_size(root, head),
        pins=pins,
        made=_made(root),
        refuse=_read(head, "refuse", folder, _refused) if head.has("refuse") else {},
        base_url=_base_url(head, pins) if head.has("base_url") else "",
        cache=_cache(head) if head.has("cache") else "",
        archives=_archives(root, license_),
        preparation=_preparation(root, folder) if root.has("prepared") else None,
    )


def _id(head: Table) -> str:
    name = head.text("id", limit=100, example='"frames"')
    if not _ID.fullmatch(name):
        raise head.mistake("id", expected="lower-case letters, digits, - and _", hint='write id = "frames"')
    return name


def _hr_size(root: Table, head: Table) -> Size | None:
    if head.has("hr_size"):
        return Size(*head.wholes("hr_size", 1, count=2, example="[2160, 3840]"))
    if root.has("prepared"):
        expected = "the size of the images that are prepared"
        raise head.mistake("hr_size", expected=expected, hint="write hr_size = [2160, 3840]")
    return None


def _base_url(head: Table, pins: Mapping[str, Pin]) -> str:
    url = head.text("base_url", limit=2000, example='"https://..."')
    if not re.match(r"(https?://[^/]|file://)", url):
        raise head.mistake("base_url", expected="a URL with https, http or file", hint="give the full address")
    if not pins:
        expected = "[files] or index with the SHA-256 of its files"
        raise head.mistake("base_url", expected=expected, found="none", hint="add one of them")
    return url.rstrip("/") + "/"


def _cache(head: Table) -> str:
    path = head.text("cache", limit=300, example='"GameFrames"')
    if {"", ".", ".."} & set(path.split("/")):
        expected = "a path within the folder of fetched data"
        raise head.mistake("cache", expected=expected, hint='write cache = "GameFrames"')
    return path


def _pins(root: Table, head: Table, folder: Traversable | Path) -> dict[str, Pin]:
    files = root.section("files", form=_FORM, required=False)
    pins = {path: Pin(sha256=_sha256(files, path)) for path in files}
    if head.has("index"):
        pins |= _read(head, "index", folder, _index)
    for path in pins:
        if path.startswith("/") or {"", ".", ".."} & set(path.split("/")):
            raise UserError(
                f"{root.where}: expected paths of files within the set's folder, found {shown(path)}; correct it"
            )
    return pins


def _made(root: Table) -> dict[int, Made]:
    table = root.section("made", tuple(map(str, SCALES)), form=_FORM, required=False)
    made = {}
    for scale in table:
        rule = table.section(scale, ("hr_from", "degradation"), form=_FORM)
        made[int(scale)] = Made(
            hr_from=int(rule.choice("hr_from", SCALES, example="2")),
            degradation=rule.text("degradation", limit=_LONGEST, example='"matlab-bicubic"'),
        )
    return made


def _archives(root: Table, license_: str) -> tuple[Archive, ...]:
    archives = root.value("archive")
    if archives is None:
        return ()
    if not isinstance(archives, list) or not all(isinstance(one, dict) for one in archives):
        raise UserError(
            f"{root.where}: expected tables headed [[archive]], with double brackets, found {kind_of(archives)}; "
            "write [[archive]] before each"
        )
    tables = [Table(one, f"{root.where}: [[archive]] {number}") for number, one in enumerate(archives, 1)]
    return tuple(_archive(table, license_) for table in tables)


def _archive(table: Table, license_: str) -> Archive:
    table.only(("url", "sha256", "bytes", "inside"))
    return Archive(
        url=table.text("url", limit=2000, example='"https://..."'),
        sha256=_sha256(table, "sha256"),
        bytes=table.whole("bytes", 0) if table.has("bytes") else None,
        inside=table.text("inside", limit=300, default="", example='"frames-v1"'),
        license=license_,
    )


def _preparation(root: Table, folder: Traversable | Path) -> Preparation:
    table = root.section("prepared", ("originals", "pins", "take", "lr"), form=_FORM)
    lr = Table(table.table("lr"), f"{table.where} lr")
    degradations = {name: lr.text(name, limit=_LONGEST, example='"pillow-bicubic"') for name in lr}
    if not degradations:
        example = '{ "LR{n}" = "pillow-bicubic" }'
        raise table.mistake("lr", expected="the degradation of each folder of LR", hint=f"write lr = {example}")
    return Preparation(
        originals=_read(table, "originals", folder, read_originals),
        pins=_read(table, "pins", folder, read_pins),
        degradations=degradations,
        take=table.option("take", tuple(degradations)),
    )


def _read(table: Table, key: str, folder: Traversable | Path, form: Callable[[str], T]) -> T:
    """What is in the text file beside the recipe that a key names; `form` reads it, ValueError if it is invalid."""
    name = table.text(key, limit=300, example=f'"frames.{key}"')
    try:
        return form((folder / name).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        found = f"other bytes at {error.start}"
    except OSError as error:
        found = f"none: {error.strerror}"
    except ValueError as error:
        raise UserError(f"{table.where} {key}: {ascii_safe(name)}, {error}; see {_FORM} for the form") from None
    raise table.mistake(key, expected=f"a UTF-8 text file at {folder / name}", found=found, hint="check the path")


def _index(text: str) -> dict[str, Pin]:
    pins = {}
    for number, line in enumerate(text.splitlines(), 1):
        sha256, count, path = (*line.split(" ", 2), "", "")[:3]
        if not path or not count.isdecimal() or not _SHA256.fullmatch(sha256):
            raise ValueError(f"line {number}: expected SHA-256, bytes and path, found {shown(line)}")
        pins[path] = Pin(sha256=sha256, bytes=int(count))
    return pins


def _refused(text: str) -> dict[str, str]:
    known = {}
    for number, line in enumerate(text.splitlines(), 1):
        title, sha256, stem = (*line.split(" ", 2), "", "")[:3]
        if not stem or not _SHA256.fullmatch(sha256):
            raise ValueError(f"line {number}: expected title, SHA-256 and stem, found {shown(line)}")
        known[sha256] = title
        known[stem.lower()] = title
    return known


def _sha256(table: Table, key: str) -> str:
    value = table.value(key)
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        expected = "a SHA-256 of 64 lower-case hex digits"
        raise table.mistake(key, expected=expected, hint="write what `sha256sum FILE` prints")
    return value
