"""Causes of failed entries, in groups: a shared cause is reported once, other causes in one line per entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsr_bench.text import ascii_safe, cut

if TYPE_CHECKING:
    from rtsr_bench.record import Failure

_MISSING = re.compile(r"ModuleNotFoundError: No module named '([^']{1,100})'")
_STUBBED = re.compile(
    r"StubUsedError: ([^ ]{1,100}) was [^:]{1,200} is not installed and "
    r"(?:was replaced by a stub|a stub stands in its place)"  # the second in records of earlier versions
)
_OWN = frozenset({"arch", "archs", "model", "models", "network", "networks", "option", "options", "util", "utils"})
"""Modules that are a submission's own wherever they are missing: no index has what was meant."""

_LONGEST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why an entry failed, was refused or was not measured.

    `group` follows a number of entries ("need einops"), `one` a single one ("needs einops"). `own` is what happened to
    this very entry, empty where the group says it all.
    """

    group: str
    one: str
    own: str = ""


def lacks(module: str, *, stubbed: bool = False) -> Cause:
    """The cause that a package is not installed, with the ways out; `stubbed`: its stub was used, so it is needed."""
    from rtsr_bench.submissions.requirements import distribution_of

    top = ascii_safe(module.partition(".")[0])
    if top in _OWN:
        own = f"module {ascii_safe(module)}"
        return Cause(group="lack a file of their own", one="lacks a file of its own", own=own)
    if "." in module and not stubbed:  # Python names the package alone where that is not there
        said = f"another version of {top}{_than(distribution_of(top))}"
        own = f"it has no {ascii_safe(module)}; requirements.txt can name a version, --with-requirements installs it"
        return Cause(group=f"need {said}", one=f"needs {said}", own=own)
    said = f"{top}: `pip install {distribution_of(top)}`, --with-requirements" + (
        " (a stub is not enough)" if stubbed else ", or --stub-missing if inference does not use it"
    )
    return Cause(group=f"need {said}", one=f"needs {said}")


def _than(distribution: str) -> str:
    """The words ` than VERSION` for the version that is installed here, empty for none."""
    from importlib import metadata

    try:
        return f" than {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:
        return ""


def refused(message: str) -> Cause:
    """The cause that a submission or its weights could not be accepted."""
    return Cause(group="refused", one="refused", own=message)


def not_measured(message: str) -> Cause:
    """The cause that lies in the machine and not in the entry."""
    return Cause(group="not measured", one="not measured", own=message)


def without_weights(message: str) -> Cause:
    """The cause that the weights of a model are not available."""
    return Cause(group="have no weights", one="has no weights", own=message)


def cause_of(failure: Failure) -> Cause:
    """Return the cause of a failure: a missing package, or how and where it failed."""
    from rtsr_bench.eligibility import KIND_WORDS, STAGE_WORDS

    missing = _MISSING.search(failure.message) or _STUBBED.search(failure.message)
    if missing:
        return lacks(missing[1], stubbed=missing.re is _STUBBED)
    said = f"{KIND_WORDS[failure.kind]} {STAGE_WORDS[failure.stage]}"
    return Cause(group=said, one=said, own=failure.brief)


def short(failure: Failure) -> str:
    """Say in a few words why a model failed, for a cell of a table."""
    missing = _MISSING.search(failure.message) or _STUBBED.search(failure.message)
    if missing:
        return f"failed: needs {ascii_safe(missing[1].partition('.')[0])}"
    return cut(f"failed: {failure.stage.value}: {failure.brief}", 100)


def grouped(found: Iterable[tuple[str, Cause]]) -> Iterator[str]:
    """Yield lines about entries by name and cause: the cause of most first; an entry with one cause is told once."""
    groups: dict[str, dict[str, Cause]] = {}
    for name, cause in found:
        groups.setdefault(cause.group, {}).setdefault(name, cause)
    for entries in sorted(groups.values(), key=len, reverse=True):
        causes = list(entries.values())
        said = causes[0].one if len(causes) == 1 else causes[0].group
        own = {cause.own for cause in causes}
        if len(own) == 1:
            same = f": {cut(own.pop(), _LONGEST)}" if own != {""} else ""
            yield f"{len(causes)} {said}{same}"
            yield f"    {', '.join(entries)}"
        else:
            yield f"{len(causes)} {said}:"
            for name, cause in entries.items():
                yield f"    {name}: {cut(cause.own, _LONGEST)}"
