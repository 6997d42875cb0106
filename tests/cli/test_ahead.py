"""A run of several submissions: how many children it starts, what each of them is for, and when they start."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest_cli import GUESTS, LITTLE, Run

from rtsr_bench.evaluate import stages
from rtsr_bench.sandbox import Child, ChildSettings
from rtsr_bench.sandbox.started import Started
from rtsr_bench.wire import LoadModel, Request

MANIFEST = '[submission]\nid = "{0}"\nteam = "{0}"\ntitle = "{0}"\n\n[[model]]\nscale = 2\n'


class Watched:
    """All children of a run: in order, how often each was told to load, and those that were not idle during timing."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.children: list[Child] = []
        self.loads: Counter[int] = Counter()
        self.busy: list[Child] = []
        self.timed = 0
        start, ask, measure = Started.__init__, Child.ask, stages.measure_runtime

        def started(child: Child, settings: ChildSettings) -> None:
            self.children.append(child)
            start(child, settings)

        def asked(child: Child, request: Request[Any], **keywords: Any) -> Any:
            self.loads[id(child)] += isinstance(request, LoadModel)
            return ask(child, request, **keywords)

        def measured(child: Child, *arguments: Any, **keywords: Any) -> Any:
            self.timed += 1
            self.busy += [one for one in self.children if one.alive and not one._idle]
            before = len(self.children)
            timing = measure(child, *arguments, **keywords)
            self.busy += self.children[before:]
            return timing

        patch.setattr(Started, "__init__", started)
        patch.setattr(Child, "ask", asked)
        patch.setattr(stages, "measure_runtime", measured)


@contextmanager
def watched() -> Iterator[Watched]:
    with pytest.MonkeyPatch.context() as patch:
        yield Watched(patch)


def test_each_guest_has_two_children_of_its_own_that_start_while_nothing_is_timed(
    rtsr_bench: Run, tiny: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        shutil.copytree(GUESTS / "good", tmp_path / "teams" / name)
        (tmp_path / "teams" / name / "submission.toml").write_text(MANIFEST.format(name))
    with watched() as run:
        done = rtsr_bench("run", tmp_path / "teams", "--data-root", tiny, *LITTLE)
    assert done.returncode == 0, done.stderr
    assert [child.settings.timed for child in run.children] == [False, True, False, True]
    assert [run.loads[id(child)] for child in run.children] == [1, 1, 1, 1]
    assert run.timed == 2
    assert run.busy == []
    assert not any(child.alive for child in run.children)
