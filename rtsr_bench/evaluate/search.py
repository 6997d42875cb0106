"""The highest frame rate that a model holds, found by short runs and confirmed by a long one."""

from __future__ import annotations

from collections.abc import Callable

from rtsr_bench.record import Failure
from rtsr_bench.record.realtime import Search, Trial

TRIAL_S = 3.0
"""Seconds of a run of the search."""

PRECISION = 1.02
"""The search ends when a rate that is not held is at most so many times one that is."""

_STEP, _MOST_TRIALS = 1.25, 14
_LESS, _CONFIRMED = 0.95, 4
"""A rate that the long run does not confirm is lowered to this share of it, so many runs in all."""

Try = Callable[[float, float], Trial | Failure]
"""Plays frames at a rate for some seconds."""


def highest_held(run: Try, throughput_fps: float, confirm_s: float) -> Search | Failure:
    """Search by bisection, from the throughput on; a Failure is the guest's.

    The best rate found is played for `confirm_s` seconds, and lowered as long as that run misses too many deadlines.
    """
    trials: list[Trial] = []
    low = high = 0.0
    fps = throughput_fps
    while len(trials) < _MOST_TRIALS and not (low and high and high <= PRECISION * low):
        one = run(fps, TRIAL_S)
        if isinstance(one, Failure):
            return one
        trials.append(one)
        low, high = (fps, high) if one.held else (low, fps)
        fps = (low * high) ** 0.5 if low and high else fps * (_STEP if low else 1 / _STEP)
    for number in range(_CONFIRMED if low else 0):
        one = run(low * _LESS**number, confirm_s)
        if isinstance(one, Failure):
            return one
        trials.append(one)
        if one.held:
            return Search(best=one, trials=tuple(trials))
    return Search(best=None, trials=tuple(trials))
