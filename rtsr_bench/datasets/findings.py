"""The result of `data verify`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """The result for one part of a data set (`x2`): the names of faulty files, or why the part is absent.

    `where` is the folder, `images` the number of files or images compared; `note` is a line of additional information,
    such as that there are no published hashes.
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
        """Number of faulty files."""
        return len(self.missing) + len(self.damaged) + len(self.foreign)

    @property
    def ok(self) -> bool:
        """Whether the part exists without faults."""
        return not self.absent and not self.faults
