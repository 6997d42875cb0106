"""The summary of a run: results by kind, and the time spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rtsr_bench.eligibility import failures
from rtsr_bench.record import Fidelity, Record, Runtime

UNFINISHED = 4
"""Exit code if nothing failed and `--max-hours` ended the run before the last model."""


def worst(codes: Iterable[int]) -> int:
    """Return the most important exit code: errors and failures before an unfinished run, 0 last."""
    return max(codes, key=lambda code: (code != 0, code != UNFINISHED, code), default=0)


def how_they_failed(records: Sequence[Record]) -> str:
    """The number of failed records by kind, the most frequent first; empty if there are none."""
    kinds = Counter(failures(record)[0].kind.value for record in records if failures(record))
    if not kinds:
        return ""
    said = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in kinds.most_common())
    return f"{kinds.total()} of {len(records)} failed: {said}"


def where_the_time_went(records: Sequence[Record], took_s: float) -> Iterator[str]:
    """The duration of the run, and of a measured model on average: images, timed calls, and overhead.

    Overhead is the time of the harness: starting processes, loading, counting, repeated images, waiting.
    """
    yield f"took {clock(took_s)}"
    whole = [record for record in records if not failures(record)]
    if whole:
        total = sum(record.wall_s for record in whole)
        images = sum(
            part.wall_s
            for record in whole
            for part in (record.fidelity, record.fidelity_fp32)
            if isinstance(part, Fidelity)
        )
        timed = sum(_timed_s(record) for record in whole)
        each = [f"{seconds / len(whole):.1f} s" for seconds in (total, images, timed, total - images - timed)]
        yield f"a model took {each[0]} on average: images {each[1]}, timed calls {each[2]}, overhead {each[3]}"


def _timed_s(record: Record) -> float:
    """Seconds of the timed calls that were made for this record."""
    runtime = record.shared_runtime.check if record.shared_runtime else record.runtime
    return runtime.wall_s if isinstance(runtime, Runtime) else 0.0


def clock(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
