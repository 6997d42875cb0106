"""Timing sessions until the noise is low enough, or a cap is reached."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from rtsr_bench.compare.judging import Stopping, judge_sessions
from rtsr_bench.comparison import RuntimeComparison, Session

TimeSession = Callable[[float], Session]
"""Times one session; its argument is the seconds since the start of the first one."""

Tell = Callable[[list[Session]], None]


def compare_runtimes(
    time_session: TimeSession,
    stopping: Stopping,
    *,
    on_session: Tell = lambda _: None,
    clock: Callable[[], float] = monotonic,
) -> RuntimeComparison:
    """Time sessions until `stopping` says why that is enough; raises what `time_session` raises."""
    sessions: list[Session] = []
    began = clock()
    while not (ended := stopping.reached(sessions, clock() - began)):
        sessions.append(time_session(clock() - began))
        on_session(sessions)
    return judge_sessions(sessions, stopping.resolution, ended)
