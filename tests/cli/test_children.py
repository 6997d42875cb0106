"""Children of `check`: where the sandbox lacks something they run at the level `process`, and a line says so."""

from __future__ import annotations

from typing import Any

import pytest

from rtsr_bench.cli import children
from rtsr_bench.cli.children import Children
from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.sandbox import ChildSettings, Isolation, Level


class Starts:
    """Stands for the stock: a process starts at the level `process` only."""

    def __init__(self) -> None:
        self.started: list[Level] = []

    def start(self, settings: ChildSettings) -> None:
        self.started.append(settings.level)

    def take(self, settings: ChildSettings) -> Any:
        if settings.level is not Level.PROCESS:
            raise HarnessError("the child did not start: No module named 'torch'")
        return settings.level

    def close(self) -> None:
        """Nothing is left to end."""


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "Stock", Starts)
    monkeypatch.setattr("rtsr_bench.sandbox.settings.obtainable", lambda: Isolation(level=Level.BUBBLEWRAP))


def test_a_sandbox_that_lacks_a_library_is_said_once_and_not_used() -> None:
    said: list[str] = []
    with Children("cpu", said.append) as mine:
        mine.left = 2
        assert [mine.take(), mine.take()] == [Level.PROCESS, Level.PROCESS]
    assert said == [
        "isolation: process (bubblewrap: the child did not start: No module named 'torch'); guests run with your rights"
    ]


def test_pickles_are_read_nowhere_but_in_the_sandbox() -> None:
    said: list[str] = []
    with Children("cpu", said.append, allow_pickle=True) as mine, pytest.raises(UserError, match="No module named"):
        mine.take()
    assert said == []


def test_a_later_child_that_does_not_start_lowers_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a guest that exhausts the machine would let the next one run outside of the sandbox."""
    said: list[str] = []
    with Children("cpu", said.append) as mine:
        mine.left = 2
        with monkeypatch.context() as first:
            first.setattr(Starts, "take", lambda self, settings: settings.level)
            assert mine.take() is Level.BUBBLEWRAP
        with pytest.raises(HarnessError, match="No module named"):
            mine.take()
    assert said == []
