"""The result of playing a video, in lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rtsr_bench.record.realtime import ENOUGH_FRAMES, Realtime
from rtsr_bench.report.realtime import busy
from rtsr_bench.statistics import median, summarise_frames

if TYPE_CHECKING:
    from rtsr_bench.record.realtime import Search

Rows = Iterator[tuple[str, str]]


def rows_of(result: Realtime) -> Rows:
    """Labels and values of everything that was observed."""
    if result.throughput is not None:
        made = result.throughput
        yield "throughput", f"{made.fps:.2f} FPS with transfers ({made.frames} frames, no cadence)"
    if result.model_ms:
        alone = median(result.model_ms)
        yield "model alone", f"{1000 / alone:.2f} FPS ({alone:.2f} ms, median of {len(result.model_ms)} calls)"
    yield from _run(result)
    if result.search is not None:
        yield "highest held", _held(result.search)
    yield from _device(result)
    if result.foreign_load is not None:
        said = "; the machine was busy, which makes frames late" if busy(result) else ""
        yield "foreign load", f"{100 * result.foreign_load:.1f} % of the processors{said}"
    if result.check is not None:
        yield "compared", f"{result.check.frames} frames with those of another process: they agree"


def _run(result: Realtime) -> Rows:
    if result.run is None:
        return
    found = summarise_frames(result.run.latency_ms, result.deadline_ms)
    yield (
        f"at {result.fps:g} FPS",
        (
            f"{found.missed} of {found.frames} deadlines missed ({100 * found.missed_share:.2f} %): "
            f"{found.dropped} dropped, {found.late} late"
        ),
    )
    if found.p50_ms is not None and found.p99_ms is not None and found.p999_ms is not None:
        yield (
            "latency",
            (
                f"p50 {found.p50_ms:.2f}, p99 {found.p99_ms:.2f}, p99.9 {found.p999_ms:.2f} ms; "
                f"deadline {result.deadline_ms:.2f} ms ({result.latency_frames} periods)"
            ),
        )


def _held(search: Search) -> str:
    if search.best is None:
        return f"none of {len(search.trials)} frame rates tried"
    best = search.best
    said = f"{best.fps:.2f} FPS ({best.missed} of {best.frames} deadlines missed"
    if best.frames < ENOUGH_FRAMES:
        said += f"; 99.9 % is an observation with {ENOUGH_FRAMES} frames or more: raise --seconds"
    return said + ")"


def _device(result: Realtime) -> Rows:
    states = [moment.state for moment in result.moments]
    known = [
        _range("clock", "MHz", [one.sm_clock_mhz for one in states]),
        _range("power", "W", [one.power_w for one in states]),
        _range("temperature", "°C", [one.temperature_c for one in states]),
    ]
    reasons = sorted({reason for one in states for reason in one.throttle_reasons})
    words = [*filter(None, known), *([f"throttled by {', '.join(reasons)}"] if reasons else [])]
    yield "device", "; ".join(words) or "clock, power and temperature are not reported here"


def _range(name: str, unit: str, values: Sequence[float | None]) -> str:
    known = [one for one in values if one is not None]
    if not known:
        return ""
    low, high = f"{min(known):.0f}", f"{max(known):.0f}"
    return f"{name} {low if low == high else f'{low} to {high}'} {unit}"
