"""Children of `check`: where the sandbox lacks something they run at the level `process`, and a line says so."""

from __future__ import annotations

from typing import Any

import pytest

from rtsr_bench.cli import children
from rtsr_bench.cli.children import Children
from rtsr_bench.errors import HarnessError
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


def test_where_the_sandbox_is_required_nothing_runs_outside_of_it() -> None:
    said: list[str] = []
    with Children("cpu", said.append, Level.BUBBLEWRAP) as mine, pytest.raises(HarnessError, match="No module named"):
        mine.take()
    assert said == []
