"""The observer of a measurement's progress."""

from __future__ import annotations


class Listener:
    """Is told what is being done. This one ignores it; the command line shows a bar."""

    def stage(self, what: str, total: int) -> None:
        """Tell that a stage starts, with so many steps."""

    def step(self, done: int) -> None:
        """Tell that so many steps of the stage are done."""

    def waiting(self, whom: str) -> None:
        """Tell what the measurement waits for: another user of the device, or a quiet machine."""

    def note(self, line: str) -> None:
        """Tell something that stays to be read."""
