"""The search for the highest frame rate, on a model whose limit is known."""

from __future__ import annotations

import pytest

from rtsr_bench.evaluate.search import PRECISION, TRIAL_S, highest_held
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.record.realtime import Trial


class Model:
    """Holds every frame rate up to `limit` in short runs, and up to `long_limit` in long ones."""

    def __init__(self, limit: float, long_limit: float | None = None) -> None:
        self.limit, self.long_limit = limit, limit if long_limit is None else long_limit
        self.runs: list[tuple[float, float]] = []

    def run(self, fps: float, seconds: float) -> Trial | Failure:
        self.runs.append((fps, seconds))
        frames = round(fps * seconds)
        held = fps <= (self.limit if seconds == TRIAL_S else self.long_limit)
        return Trial(fps=fps, frames=frames, missed=0 if held else frames // 10)


@pytest.mark.parametrize("start", [20.0, 60.0, 61.0, 200.0])
def test_the_limit_is_found_from_below_and_from_above(start: float) -> None:
    model = Model(60.0)
    found = highest_held(model.run, start, 30.0)
    assert not isinstance(found, Failure)
    assert found.best is not None
    assert 60 / PRECISION <= found.best.fps <= 60
    assert found.best.frames == round(30 * found.best.fps)
    assert [seconds for _, seconds in model.runs] == [TRIAL_S] * (len(model.runs) - 1) + [30.0]
    assert len(model.runs) <= 14
    assert found.trials[-1] == found.best


def test_a_rate_that_only_short_runs_hold_is_lowered_until_a_long_one_holds_it() -> None:
    found = highest_held(Model(60.0, long_limit=55.0).run, 60.0, 30.0)
    assert not isinstance(found, Failure)
    assert found.best is not None
    assert 0.9 * 55 <= found.best.fps <= 55


def test_nothing_is_held_where_no_long_run_or_no_run_at_all_holds() -> None:
    for model in (Model(60.0, long_limit=10.0), Model(0.001)):
        found = highest_held(model.run, 60.0, 30.0)
        assert not isinstance(found, Failure)
        assert found.best is None
        assert found.trials


def test_a_failure_of_the_model_ends_the_search() -> None:
    failure = Failure(stage=Stage.RUNTIME, kind=FailureKind.CRASHED, message="gone")
    assert highest_held(lambda fps, seconds: failure, 60.0, 30.0) is failure


def test_held_is_at_most_one_missed_deadline_in_a_thousand() -> None:
    assert Trial(fps=1, frames=1000, missed=1).held
    assert not Trial(fps=1, frames=999, missed=1).held
    assert not Trial(fps=1, frames=1999, missed=2).held
    assert Trial(fps=1, frames=2000, missed=2).held
    assert Trial(fps=1, frames=8, missed=0).held
