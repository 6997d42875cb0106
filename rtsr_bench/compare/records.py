"""Two records: what was stored of two models is compared, and nothing is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from rtsr_bench.comparison import Bounds, RuntimeComparison, Verdict, percent, shown_percent
from rtsr_bench.errors import UserError
from rtsr_bench.record import Record, References, Runtime, System
from rtsr_bench.statistics import CONFIDENCE, RESAMPLES, mean, reference_ms
from rtsr_bench.store import decode, record_bytes

FLOOR = math.log(1.072)
"""Two processes that held the same model at the same time differed by up to 7.2 % (decision 18)."""

BESIDE_INTERLEAVING = (
    "Each record holds one process, timed at a time of its own. Where a process lies in memory, and what changed on "
    "the machine in between, is part of the difference. Comparing the submissions themselves times both in turns in "
    "many processes and cancels it."
)
_SEED = 20230618  # any constant, as in `statistics`
_SYSTEM = ("device_name", "device_uuid", "cpu_model", "cpu_cores", "torch_threads", "torch")


def read_record(path: Path, name: str) -> Record:
    """Read the record of a side; UserError if it is none."""
    try:
        return decode(record_bytes(path))
    except OSError as error:
        raise UserError(
            f"{name}: expected a record at {path}, found: {error.strerror}; name a file that `rtsr-bench run` wrote"
        ) from None
    except ValueError as error:
        raise UserError(f"{name}: {path} {error}; name a record that `rtsr-bench run` wrote") from None


def check_comparable(a: Record, b: Record, *, runtime: bool) -> None:
    """UserError, one line, for the first thing that two records do not have in common.

    With `runtime` they have to come from one system.
    """
    for what, one, other in _differences(a, b, runtime=runtime):
        hint = (
            "--only fidelity compares the images alone" if what.startswith("system") else "compare records of one run"
        )
        raise UserError(f"{what}: expected the same in both records, found {one} and {other}; {hint}")


def _differences(a: Record, b: Record, *, runtime: bool) -> Iterator[tuple[str, str, str]]:
    if a.track != b.track:
        yield "track", a.track, b.track
    for name in a.protocol.__dataclass_fields__:
        one, other = getattr(a.protocol, name), getattr(b.protocol, name)
        if one != other and name != "limits":
            yield f"protocol ({name})", str(one), str(other)
    if a.protocol.digest != b.protocol.digest:
        yield "protocol", a.protocol.digest, b.protocol.digest
    sets = [{use.id: use for use in record.data} for record in (a, b)]
    for one_id in dict.fromkeys((*sets[0], *sets[1])):
        here, there = (uses[one_id].digest if one_id in uses else "no such data set" for uses in sets)
        if here != there:
            yield f"images of {one_id}", here, there
    for name in _SYSTEM if runtime else ():
        one, other = getattr(a.system, name), getattr(b.system, name)
        if one != other:
            yield f"system ({name})", str(one), str(other)


def system_facts(system: System) -> dict[str, str]:
    """What a comparison keeps of the system, as text."""
    return {name: str(getattr(system, name)) for name in _SYSTEM if getattr(system, name) not in (None, "")}


def compare_stored(
    a: Runtime, b: Runtime, references: tuple[References | None, References | None] = (None, None)
) -> RuntimeComparison:
    """Compare the stored samples of two records: the ratio of their means, with a bootstrap interval over samples.

    Nothing in records tells two models from two processes of one model, so the noise floor is a constant, plus what the
    fixed reference changed from one record to the other, and no verdict is "same within noise".
    """
    change = _change(*references)
    floor = FLOOR + abs(change)
    first, second = ([sample / one.batch for sample in one.samples_ms] for one in (a, b))
    ratio = math.log(mean(second) / mean(first))
    interval = _interval(first, second)
    low, high = interval or (ratio, ratio)
    cause = f"Two processes of one model have differed by up to {percent(FLOOR):.1f} %"
    if change:
        cause += f", and the fixed reference changed by {shown_percent(change)} % from A to B"
    if interval is not None and low > floor:
        verdict, reason = Verdict.SLOWER, f"{cause}; the interval lies above that."
    elif interval is not None and high < -floor:
        verdict, reason = Verdict.FASTER, f"{cause}; the interval lies below that."
    else:
        verdict, reason = Verdict.AMBIGUOUS, f"{cause}: records cannot tell."
    return RuntimeComparison(
        verdict=verdict, reason=reason, a_ms=mean(first), b_ms=mean(second), ratio=ratio, interval=interval, floor=floor
    )


def _change(a: References | None, b: References | None) -> float:
    """Logarithm of the time of the stack of convolutions beside B over that beside A; 0 if one of them is unknown."""
    if a is None or b is None or a.convs.id != b.convs.id:
        return 0.0
    return math.log(reference_ms(b.convs) / reference_ms(a.convs))


def _interval(a: list[float], b: list[float]) -> Bounds | None:
    """95 % bootstrap interval of the log ratio of two means; None for fewer than two samples on a side."""
    if min(len(a), len(b)) < 2:
        return None
    import numpy as np

    draw = np.random.default_rng(_SEED)
    means = [
        np.asarray(values)[draw.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1) for values in (a, b)
    ]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(np.log(means[1] / means[0]), [tail, 100 - tail])
    return float(low), float(high)
