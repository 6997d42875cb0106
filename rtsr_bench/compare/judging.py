"""The statistics of runtime sessions: interval, noise floor, when to stop, and the verdict.

One session is one observation: the log ratio of two processes of B to two of A. Calls within a process are no
independent observations, because where a process lies in memory decides some percent of its runtime for its lifetime.
docs/decisions/0029-comparing.md has the reasons and the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from rtsr_bench.comparison import Bounds, RuntimeComparison, Session, Verdict, percent
from rtsr_bench.statistics import CONFIDENCE, median
from rtsr_bench.text import counted

LEAST_SESSIONS = 6
"""Sessions before anything but the caps may end the timing: the spread of fewer says too little about the next ones."""

STANDARD_ERROR = 0.001
"""Relative standard error that is low enough, whatever the resolution."""

RESOLUTION = 0.025
"""Default noise floor that is low enough: twice as much is found reliably."""

FLOOR_CONFIDENCE = 0.999
"""Share of the comparisons of a model with itself whose interval stays within the noise floor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What sessions say of the log ratio: mean, standard error, 95 % interval, and the noise floor."""

    sessions: int
    ratio: float
    error: float
    interval: Bounds
    floor: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopping:
    """When no further session is timed: at so many sessions or seconds, or when the noise is low enough.

    Once the noise is low enough, the timing goes on only while the verdict is ambiguous. A wrong verdict
    needs an error of more than the floor, so looking at it after every session does no harm.
    """

    most_sessions: int
    most_s: float
    resolution: float = RESOLUTION

    def reached(self, sessions: Sequence[Session], passed_s: float) -> str:
        """Why the timing ends now, in words; empty if it goes on."""
        found = estimate(sessions)
        if (
            found is not None
            and len(sessions) >= LEAST_SESSIONS
            and _verdict(found, self.resolution)[0] is not Verdict.AMBIGUOUS
        ):
            if found.error <= STANDARD_ERROR:
                return f"the relative standard error is at most {100 * STANDARD_ERROR:g} %"
            if found.floor <= self.resolution:
                return f"the noise floor is at most the resolution of {percent(self.resolution):.3g} %"
        if len(sessions) >= self.most_sessions:
            return f"{counted(self.most_sessions, 'session')} at most"
        # The next session takes as long as the mean of those before.
        if sessions and passed_s * (1 + 1 / len(sessions)) > self.most_s:
            return f"{self.most_s / 60:g} minutes at most"
        return ""


def estimate(sessions: Sequence[Session]) -> Estimate | None:
    """Mean and t interval of the log ratios, and the noise floor from the log ratios of a model to itself.

    The floor is what the end of such an interval stays within, in `FLOOR_CONFIDENCE` of the comparisons of a model with
    itself. Its mean is 0 by symmetry, so its spread is taken about 0. None for fewer than two sessions.
    """
    count = len(sessions)
    if count < 2:
        return None
    ratios, nulls = [one.ratio for one in sessions], [one.null for one in sessions]
    mean = math.fsum(ratios) / count
    error = math.sqrt(math.fsum((one - mean) ** 2 for one in ratios) / (count - 1) / count)
    null_error = math.sqrt(math.fsum(one**2 for one in nulls) / count / count)
    half = _quantile(CONFIDENCE, count - 1) * error
    ends = _quantile(FLOOR_CONFIDENCE, count) + _quantile(CONFIDENCE, count - 1)
    return Estimate(
        sessions=count, ratio=mean, error=error, interval=(mean - half, mean + half), floor=ends * null_error
    )


@cache
def _quantile(confidence: float, degrees: int) -> float:
    """The two-sided quantile of Student's t distribution."""
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, degrees))


def judge_sessions(sessions: Sequence[Session], resolution: float, ended: str) -> RuntimeComparison:
    """Compare the runtimes of sessions, at least one."""
    found = estimate(sessions)
    a_ms, b_ms = (median([value for one in sessions for value in getattr(one, name)]) for name in ("a_ms", "b_ms"))
    if found is None:
        verdict, reason = Verdict.AMBIGUOUS, "One session has no interval: allow more sessions or more minutes."
        ratio, interval, floor = sessions[0].ratio, None, None
    else:
        verdict, reason = _verdict(found, resolution)
        ratio, interval, floor = found.ratio, found.interval, found.floor
    return RuntimeComparison(
        verdict=verdict, reason=reason, a_ms=a_ms, b_ms=b_ms, ratio=ratio, interval=interval, floor=floor,
        sessions=tuple(sessions), ended=ended,
    )  # fmt: skip


def _verdict(found: Estimate, resolution: float) -> tuple[Verdict, str]:
    """What the interval says beside the noise floor."""
    (low, high), floor = found.interval, found.floor
    if low > floor:
        return Verdict.SLOWER, "The interval lies above the noise floor."
    if high < -floor:
        return Verdict.FASTER, "The interval lies below the noise floor."
    if not -floor <= low <= high <= floor:
        return Verdict.AMBIGUOUS, "The interval straddles the noise floor."
    if floor > max(resolution, STANDARD_ERROR) and found.error > STANDARD_ERROR:
        reason = (
            "The interval lies within the noise floor, but that is above the resolution of "
            f"{percent(resolution):.3g} %: allow more sessions, or compare on a quieter machine."
        )
        return Verdict.AMBIGUOUS, reason
    return Verdict.SAME, "The interval lies within the noise floor."
