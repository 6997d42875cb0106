"""Writing each entry of a checkout as a submission: its files copied as they are, and a manifest beside them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rtsr_bench.errors import UserError
from rtsr_bench.submissions.folder import inner_file
from rtsr_bench.submissions.manifest import MANIFEST, id_from_name
from rtsr_bench.submissions.ntire_esr.following import Needs, follow
from rtsr_bench.submissions.ntire_esr.reading import SCRIPT, Entry, read_entries
from rtsr_bench.submissions.requirements import REQUIREMENTS, canonical_name, distribution_of, read_requirements
from rtsr_bench.text import ascii_safe

SCALE = 4
_LICENSE = "LICENSE"
_SHARED = frozenset({"models", "model_zoo", "utils"})
"""Folders of the template, which belong to no entry alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of one entry: `folder` None where it could not be imported, `line` says it all in one line.

    `lacking` are the modules that its files import and that are neither in the checkout nor installed here.
    """

    entry: Entry
    folder: Path | None
    lacking: tuple[str, ...]
    line: str


def import_entries(checkout: Path, out: Path, *, only: tuple[int, ...] = ()) -> Iterator[Imported]:
    """Write one submission for each entry (or for the numbered ones) into a folder, and tell of each.

    UserError, one line, where the checkout is none, a number is unknown, or a folder of a submission exists already.
    """
    label = ascii_safe(str(checkout))
    entries = read_entries(checkout)
    unknown = sorted(set(only) - {entry.model_id for entry in entries})
    if unknown:
        known = ", ".join(dict.fromkeys(entry.number for entry in entries if entry.model_id is not None))
        raise UserError(f"{label}: expected numbers of entries ({known}), found {unknown[0]}; correct --only")
    chosen = [entry for entry in entries if not only or entry.model_id in only]
    for entry in chosen:
        if not entry.trouble and (out / _id(entry)).exists():
            raise UserError(
                f"{ascii_safe(str(out / _id(entry)))}: expected no such folder, found one; "
                "remove it or name another --out"
            )
    source = _Source(
        checkout=checkout,
        label=label,
        pins={canonical_name(line): line for line in read_requirements(checkout, label=label) if _is_plain(line)},
        shared=_shared(checkout, entries),
    )
    for entry in chosen:
        try:
            yield _import(source, out, entry)
        except UserError as error:
            yield Imported(entry=entry, folder=None, lacking=(), line=f"left out: {_name(entry)}: {error}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A checkout: `pins` are lines of its requirements by the names of the packages, `shared` folders of several."""

    checkout: Path
    label: str
    pins: dict[str, str]
    shared: Collection[str]


def _is_plain(requirement: str) -> bool:
    """Whether a requirement is a name with versions, and no address or file, which only its author has."""
    return not requirement.startswith("-") and "@" not in requirement and "://" not in requirement


def _shared(checkout: Path, entries: Sequence[Entry]) -> frozenset[str]:
    """Folders at the top of the checkout from which several entries take something."""
    tops = Counter[str]()
    for entry in entries:
        places = {module.partition(".")[0] for module in entry.modules}
        places |= {path.partition("/")[0] for path in entry.weights}
        tops.update(place for place in places if (checkout / place).is_dir())
    return _SHARED | {place for place, times in tops.items() if times > 1}


def _import(source: _Source, out: Path, entry: Entry) -> Imported:
    checkout, label = source.checkout, source.label
    if entry.placeholder:
        return Imported(entry=entry, folder=None, lacking=(), line=f"{_name(entry)} is {entry.trouble}")
    if entry.trouble:
        raise UserError(f"expected a branch of {SCRIPT} for `model_id == N`, found {entry.trouble}")
    problems = [f"{path}, {problem}" for path in entry.weights if (problem := inner_file(checkout, path))]
    if entry.data_range not in (1.0, 255.0):
        problems.append(f"a data range other than 1 or 255 ({entry.data_range})")
    needs = follow(checkout, entry, shared=source.shared, label=label)
    if not needs.files:
        problems.append("no import of a file of the checkout")
    if problems:
        line = f"left out: {_name(entry)}: expected what {SCRIPT} names, found {'; '.join(problems)}"
        return Imported(entry=entry, folder=None, lacking=tuple(needs.lacking), line=line)
    folder = out / _id(entry)
    names = (SCRIPT, *needs.files, *entry.weights, *needs.beside)
    try:
        for name in dict.fromkeys((*names, *([_LICENSE] if (checkout / _LICENSE).is_file() else []))):
            target = folder / PurePosixPath(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / name, target)
        (folder / MANIFEST).write_text(_manifest(entry), encoding="utf-8")
        wanted = [source.pins.get(canonical_name(top), distribution_of(top)) for top in needs.lacking]
        if wanted:
            (folder / REQUIREMENTS).write_text("\n".join(wanted) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{ascii_safe(str(folder))}: expected a folder that can be written, found: {error.strerror}; "
            "name another --out"
        ) from None
    return Imported(entry=entry, folder=folder, lacking=tuple(needs.lacking), line=_line(entry, folder, needs))


def _line(entry: Entry, folder: Path, needs: Needs) -> str:
    how = f"data range {entry.data_range:g}"
    how += f", tiles of {entry.tile}" if entry.tile else ""
    how += f", run by {entry.forward}" if entry.forward not in ("", "forward") else ""
    line = f"wrote {ascii_safe(str(folder))} ({how})"
    extra = [name for name in needs.beside if name not in entry.weights]
    if extra:
        places = dict.fromkeys(PurePosixPath(name).parent.as_posix() for name in extra)
        line += f"; with {len(extra)} files beside its code from {_some([ascii_safe(place) for place in places])}"
    if needs.lacking:
        wants = ", ".join(f"{ascii_safe(top)} (imported by {ascii_safe(by)})" for top, by in needs.lacking.items())
        line += f"; not installed here: {wants}; see its {REQUIREMENTS}"
    if needs.cuda:
        line += f"; asks for CUDA in {', '.join(map(ascii_safe, needs.cuda))}: gets the measured device instead"
    return line


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _name(entry: Entry) -> str:
    return f"entry {entry.number} ({ascii_safe(entry.name)})" if entry.name else f"entry {entry.number}"


def _id(entry: Entry) -> str:
    return id_from_name(f"team{entry.model_id:02}_{entry.name}") or f"team{entry.model_id:02}"


def _manifest(entry: Entry) -> str:
    forward = f"forward = {_toml(entry.forward)}\n" if entry.forward else ""
    return f"""# Written by `rtsr-bench import ntire-esr`; the files beside it are the repository's own, unchanged.

[submission]
id = {_toml(_id(entry))}
team = "team {entry.model_id:02}"
title = {_toml(entry.name)}

[[model]]
scale = {SCALE}
format = "ntire-esr"
entry = "test_demo:select_model"
args = {{ model_id = {entry.model_id} }}
{forward}data_range = {entry.data_range}
"""


def _toml(text: str) -> str:
    """A text as TOML: JSON's escapes are TOML's, which wants one more character escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
