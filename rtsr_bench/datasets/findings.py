"""What was found of a data set: the noun of `data verify`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What was found of one part of a data set (`x2`): the names of faulty files, or why it is absent.

    `where` is the folder looked at, `images` how many files or images were compared; `note` says in a line what a
    reader should know beside it, such as that there are no published hashes.
    """

    part: str
    where: str = ""
    images: int = 0
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    absent: str = ""
    note: str = ""

    @property
    def faults(self) -> int:
        """How many files are not as they should be."""
        return len(self.missing) + len(self.damaged) + len(self.foreign)

    @property
    def ok(self) -> bool:
        """There, and every file as it should be."""
        return not self.absent and not self.faults
