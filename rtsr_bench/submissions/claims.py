"""Whose an id is: a manifest may claim any, and no entry takes another's off the leaderboard by claiming it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.files.unpack import archive_suffix
from rtsr_bench.submissions.hubs import Address, is_address
from rtsr_bench.submissions.loose import loose_suffix
from rtsr_bench.submissions.manifest import MANIFEST, id_from_name
from rtsr_bench.submissions.submission import Submission
from rtsr_bench.text import ascii_safe


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Why something that was looked at is not among the submissions, in one line that names it."""

    source: Path
    message: str


def own_name(source: Path) -> str | None:
    """Return the id that the name of a submission's folder, archive, file or repository gives; None for none."""
    if is_address(source):
        source = Path(Address.of(str(source)).last)
    suffix = None if source.is_dir() else archive_suffix(source) or loose_suffix(source)
    name = source.absolute().name
    return id_from_name(name[: -len(suffix)] if suffix else name)


def without_clashes(submissions: Iterable[Submission]) -> tuple[tuple[Submission, ...], list[Note]]:
    """Leave each id to whom it belongs and refuse the others that claim it; all of them where that can't be told.

    It belongs to the one whose folder or archive bears it as its name, which is whoever runs the challenge's to say. A
    reference model keeps its own even from a submission of that name.
    """
    claims: dict[str, list[Submission]] = {}
    for submission in submissions:
        claims.setdefault(submission.id, []).append(submission)
    kept: list[Submission] = []
    clashes: list[Note] = []
    for claimants in claims.values():
        owner = _owner(claimants)
        kept += [owner] if owner is not None else []
        for submission in claimants:
            if submission is not owner:
                other = owner or next(one for one in claimants if one is not submission)
                clashes.append(Note(source=submission.source, message=_refusal(submission, other, owned=bool(owner))))
    return tuple(kept), clashes


def _owner(claimants: list[Submission]) -> Submission | None:
    bearing = [one for one in claimants if own_name(one.source) == one.id]
    for group in ([one for one in bearing if one.origin == "reference"], bearing, claimants):
        if group:
            return group[0] if len(group) == 1 else None
    return None


def _refusal(submission: Submission, other: Submission, *, owned: bool) -> str:
    source, elsewhere = ascii_safe(str(submission.source)), ascii_safe(str(other.source))
    expected = f"{source}: expected an id of its own, found {submission.id!r}"
    if owned:
        return f"{expected}, which is the name of {elsewhere}; give it another id in its {MANIFEST} or another name"
    return f"{expected} also in {elsewhere}; give one of them another id in its {MANIFEST} or another name"
