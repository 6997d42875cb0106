"""Finding submissions: in a folder, in an archive, in a folder of both. Reads, never imports or runs a guest's code.

What counts as a submission, in this order: a folder with a `submission.toml`; a folder in the layout of the NTIRE 2023
RTSR challenge, that is with an `arch.py` whose `srmodel()` returns the model with its weights loaded; an archive of
either, its files at the top or in one folder; a file that is a model by itself (see `loose`). An address on a hub
(see `hubs`) stands for what is fetched from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.files.unpack import ARCHIVES, archive_suffix
from rtsr_bench.formats.python import DEFAULT_ENTRY
from rtsr_bench.submissions.claims import Note, own_name, without_clashes
from rtsr_bench.submissions.digest import folder_digest
from rtsr_bench.submissions.hubs import Address, fetched, is_address
from rtsr_bench.submissions.loose import loose, loose_suffix, loose_suffixes
from rtsr_bench.submissions.manifest import MANIFEST, read_manifest
from rtsr_bench.submissions.misnamed import misnamed, refuse_misnamed
from rtsr_bench.submissions.references import is_reference, named_by
from rtsr_bench.submissions.requirements import read_requirements
from rtsr_bench.submissions.strays import why_refused
from rtsr_bench.submissions.submission import ModelSpec, Submission
from rtsr_bench.submissions.unpacked import unpacked
from rtsr_bench.text import ascii_safe

ARCHITECTURE = "arch.py"

_JUNK = frozenset({"__MACOSX", "__pycache__"})
_DEPTH = 4
_WIDTH = 200
"""Folders of a level that are looked into for what was packed too deep: it is a hint, not a search."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What was found: submissions in the order of the paths, then of names.

    `refused` are submissions that cannot be accepted (a broken manifest, an archive with links, another's id), things
    in a folder of submissions that seem meant as one and, where several paths were named, those that hold none;
    `skipped` are other things in a folder of submissions.
    """

    submissions: tuple[Submission, ...]
    refused: tuple[Note, ...]
    skipped: tuple[Note, ...]


def discover(*paths: Path) -> tuple[Submission, ...]:
    """Return all submissions of these folders and archives, at least one.

    UserError, one line, for a path that holds none and for the first submission it refuses (`survey` goes on).
    HarnessError where an archive can't be unpacked for lack of room.
    """
    found = survey(*paths)
    if found.refused:
        raise UserError(found.refused[0].message)
    return found.submissions


def _say_nothing(line: str) -> None:
    del line


def survey(*paths: Path, tell: Callable[[str], object] = _say_nothing) -> Survey:
    """Look at these folders, archives, files and addresses on a hub, and go on where one can't be accepted.

    `tell` gets a line about what is fetched, and the commit where an address names none.
    UserError, one line, only where a single path is named that is missing or holds nothing that was submitted. Of
    several it is refused like a submission: a stray file in `submissions/*` or a mistyped name is no reason to measure
    none of the others.
    """
    submissions: list[Submission] = []
    refused: list[Note] = []
    skipped: list[Note] = []
    seen: set[Path] = set()
    named = [one for path in paths for one in named_by(path)]
    for path in named:
        if len(named) > 1 and path.name in _JUNK:
            continue
        try:
            hub = fetched(Address.of(str(path)), tell=tell) if is_address(path) else None
            sources, strays, others = _sources(hub.place if hub else path, label=str(path))
        except UserError as error:
            if len(named) == 1:
                raise
            refused.append(Note(source=path, message=str(error)))
            continue
        refused += strays
        skipped += others
        for source in sources:
            if source.resolve() in seen:
                continue
            seen.add(source.resolve())
            address = Path(str(hub.address_of(source))) if hub else None
            try:
                submissions.append(_submission(source, address))
            except UserError as error:
                refused.append(Note(source=source, message=str(error)))
            except OSError as error:
                refused.append(Note(source=source, message=_unreadable(source, error)))
    accepted, clashes = without_clashes(submissions)
    return Survey(submissions=accepted, refused=(*refused, *clashes), skipped=tuple(skipped))


def _sources(path: Path, *, label: str) -> tuple[list[Path], list[Note], list[Note]]:
    """Split what the user named (`label`) into submissions, what seems meant as one, and other things."""
    label = ascii_safe(label)
    strays: list[Note] = []
    skipped: list[Note] = []
    try:
        if not path.exists():
            raise UserError(
                f"{label}: expected a submission's folder or archive, found nothing there; correct the path"
            )
        if not path.is_dir() or _is_submission(path):
            return [path], [], []
        children = [child for child in path.iterdir() if not _is_junk(child)]
        children.sort(key=lambda child: by_number(child.name))
    except OSError as error:
        raise UserError(_unreadable(path, error)) from None
    packed = [one for one in children if (_seems_one(one) if one.is_dir() else archive_suffix(one) and one.is_file())]
    if not packed and misnamed(path) is not None:
        return [path], [], []
    sources = [one for one in children if one in packed or (one.is_file() and loose_suffix(one))]
    for child in children:
        if child not in sources:
            why = why_refused(child, expected=f"{MANIFEST} or {ARCHITECTURE}")
            note = Note(source=child, message=f"{ascii_safe(str(child))}: {why or _why_not(child)}")
            (skipped if why is None else strays).append(note)
    if not sources:
        raise UserError(
            f"{label}: expected a submission ({MANIFEST} or {ARCHITECTURE}) or a folder of submissions, "
            f"found {_listing(children)}{_deeper(path)}; `rtsr-bench new DIR` writes a submission to start from"
        )
    return sources, strays, skipped


def by_number(name: str) -> list[tuple[int, str]]:
    """Return a key to sort names by that puts team9 before team10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _unreadable(path: Path, error: OSError) -> str:
    return (
        f"{ascii_safe(str(path))}: expected a folder or archive that can be read, found: {error.strerror}; correct it"
    )


def _is_submission(folder: Path) -> bool:
    """Whether it looks like one; a folder that can't be looked into does, so that reading it says what is wrong."""
    try:
        return _is_there(folder / MANIFEST) or (folder / ARCHITECTURE).exists()
    except OSError:
        return True


def _is_there(path: Path) -> bool:
    """Whether anything has this name; a link that leads nowhere is a broken manifest, and not a missing one."""
    return path.exists() or path.is_symlink()


def _seems_one(folder: Path) -> bool:
    """Whether a folder is a submission, or would be under the right name of its manifest: reading it says so."""
    return _is_submission(folder) or misnamed(folder) is not None


def _is_junk(path: Path) -> bool:
    return path.name.startswith(".") or path.name in _JUNK


def _why_not(child: Path) -> str:
    if child.is_dir():
        return f"a folder without {MANIFEST} or {ARCHITECTURE}, left out"
    return f"neither a folder nor an archive ({', '.join(ARCHIVES)}), left out"


def _listing(children: Iterable[Path]) -> str:
    names = [ascii_safe(child.name)[:40] for child in children]
    if not names:
        return "an empty folder"
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"only {', '.join(names[:4])}{more}"


def _deeper(folder: Path) -> str:
    """Name the first few manifests and architectures that lie too deep to be seen, `, and a/b/arch.py` or nothing."""
    found: list[Path] = []
    level = [folder]
    for _ in range(_DEPTH):
        level = [child for parent in level for child in _subfolders(parent)][:_WIDTH]
        found += [child / name for child in level for name in (MANIFEST, ARCHITECTURE) if (child / name).is_file()]
    names = [ascii_safe(path.relative_to(folder).as_posix())[:80] for path in found]
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f", and deeper inside {', '.join(names[:3])}{more}"


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if one.is_dir() and not one.is_symlink() and not _is_junk(one))
    except OSError:
        return []


def _submission(source: Path, address: Path | None) -> Submission:
    """Read what lies at a path; `address` is where it was fetched from, and stands for it from then on."""
    shown = address or source
    label, name = ascii_safe(str(shown)), own_name(shown)
    if source.is_dir():
        found = _read(source, source, label=label, default_id=name)
    elif source.is_file() and archive_suffix(source):
        found = _read(_top(unpacked(source, label=label), label), source, label=label, default_id=name)
    elif source.is_file() and loose_suffix(source):
        found = loose(source, label=label)
    else:
        raise UserError(
            f"{label}: expected a submission's folder, an archive ({', '.join(ARCHIVES)}) or a model "
            f"({', '.join(loose_suffixes())}), found another kind of file; name the folder that holds it"
        )
    return found if address is None else replace(found, source=address, fetched_from=str(address))


def _top(folder: Path, label: str) -> Path:
    """Step into the one folder of an archive that was packed with its folder around it."""
    children = sorted(child for child in folder.iterdir() if not _is_junk(child))
    only = children[0] if len(children) == 1 and children[0].is_dir() else folder
    for fits in (_is_submission, _seems_one):
        for found in (folder, only):
            if fits(found):
                return found
    raise UserError(
        f"{label}: expected {MANIFEST} or {ARCHITECTURE} at the top of the archive or in its one folder, "
        f"found {_listing(children)}{_deeper(folder)}; pack one submission an archive, with nothing around its folder"
    )


def _read(folder: Path, source: Path, *, label: str, default_id: str | None) -> Submission:
    folder = folder.absolute()
    origin = "reference" if is_reference(source) else "guest"
    requirements = read_requirements(folder, label=label)
    if not _is_there(folder / MANIFEST):
        refuse_misnamed(folder, label)
        if default_id is None:
            raise UserError(
                f"{label}: expected a name that gives an id (a-z, 0-9, _ and -), found none in it; "
                f"rename it or add a {MANIFEST}"
            )
        return Submission(
            id=default_id,
            team=default_id,
            title=default_id,
            folder=folder,
            source=source,
            models=(ModelSpec(submission=default_id, scale=None, entry=DEFAULT_ENTRY),),
            digest=folder_digest(folder, label=label),
            origin=origin,
            requirements=requirements,
        )
    manifest = read_manifest(folder, label=label, default_id=default_id)
    return Submission(
        id=manifest.id,
        team=manifest.team,
        title=manifest.title,
        folder=folder,
        source=source,
        models=manifest.models,
        digest=folder_digest(folder, label=label),
        origin=origin,
        authors=manifest.authors,
        paper=manifest.paper,
        code=manifest.code,
        license=manifest.license,
        notes=manifest.notes,
        requirements=requirements,
    )
