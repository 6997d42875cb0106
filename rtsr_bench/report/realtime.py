"""Results of `rtsr-bench realtime` on a model's page: a table, the latency over time, the device over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtsr_bench.leaderboard import started_at
from rtsr_bench.number_warnings import QUIET_GPU, quiet_share
from rtsr_bench.record.realtime import ENOUGH_FRAMES, Realtime
from rtsr_bench.report.figures import latency_figure
from rtsr_bench.report.tables import Column, Note, Table, TableRow, Value
from rtsr_bench.report.text import number, shorten
from rtsr_bench.statistics import median, summarise_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rtsr_bench.record import Record
    from rtsr_bench.report.press import Press
    from rtsr_bench.statistics import FrameSummary

_WORDS = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Playback:
    """A result and the name of its file."""

    source: str
    result: Realtime

    @property
    def summary(self) -> FrameSummary | None:
        """Deadlines at the frame rate asked for; None if that run was not made."""
        run = self.result.run
        return None if run is None else summarise_frames(run.latency_ms, self.result.deadline_ms)


def playbacks_of(record: Record, results: Mapping[str, Realtime]) -> tuple[Playback, ...]:
    """The results of a record's model, those on its device first, then the newest first; of equal questions the latest.

    A model is known by the ids of submission and model.
    """
    latest: dict[tuple[object, ...], Playback] = {}
    for source, one in sorted(results.items(), key=lambda item: (started_at(item[1]), item[0])):
        if (one.submission.id, one.model.id) == (record.submission.id, record.model.id):
            system = one.system
            key = (system.device_name, system.device_uuid, system.torch_threads, one.execution.words, one.input,
                   one.fps, one.latency_frames)  # fmt: skip
            latest.pop(key, None)
            latest[key] = Playback(source=source, result=one)
    newest = list(latest.values())[::-1]
    return tuple(sorted(newest, key=lambda one: one.result.system.device_name != record.system.device_name))


def without_a_page(records: Iterable[Record], results: Mapping[str, Realtime]) -> list[str]:
    """A sentence for each result whose model has no record, and so no page."""
    known = {(record.submission.id, record.model.id) for record in records}
    return [
        f"{source}: {one.model.id} has no record, so there is no page to show it on; `rtsr-bench run` makes one"
        for source, one in sorted(results.items())
        if (one.submission.id, one.model.id) not in known
    ]


def realtime_section(press: Press, record: Record, playbacks: Sequence[Playback], slug: str) -> dict[str, Any] | None:
    """What the page shows: table, words, figure and readings of the first result that has a run; None without any."""
    if not playbacks:
        return None
    first = next((one for one in playbacks if one.summary is not None), None)
    section: dict[str, Any] = {"table": press.table(_table(record, playbacks, f"{slug}--realtime"))}
    if first is not None and first.result.run is not None and first.summary is not None:
        result, run = first.result, first.result.run
        section["words"] = _words(first.result, first.summary)
        section["figure"] = latency_figure(run, result.deadline_ms, "latency", title=f"Latency at {run.fps:g} FPS")
        if result.moments:
            section["moments"] = press.table(_moments_table(result, f"{slug}--realtime-device"))
    return {"words": None, "figure": None, "moments": None, **section}


def _words(result: Realtime, summary: FrameSummary) -> str:
    """The run of the figure in sentences."""
    said = (
        f"Figure and readings: {result.execution.words} on {shorten(result.system.device_name, _WORDS)},"
        f" {result.started[:10]}. {summary.frames} frames at {result.fps:g} FPS, {summary.dropped} dropped,"
        f" {summary.late} later than {number(result.deadline_ms, 2)} ms ({result.latency_frames} periods)."
    )
    if result.search is not None and result.search.best is None:
        said += f" No frame rate was held: {len(result.search.trials)} were tried."
    if result.check is not None:
        said += f" {result.check.frames} frames were compared with those of another process."
    return said


_COLUMNS = (
    Column(key="execution", label="Execution", heading=True, explanation="How the model was run."),
    Column(key="device", label="Device", explanation="The device it was played on."),
    Column(key="input", label="LR input", explanation="Height and width of a frame."),
    Column(key="fps", label="Asked", unit="FPS", digits=1, explanation="Frame rate of the arriving frames."),
    Column(key="missed", label="Missed", unit="%", digits=2, factor=0.01, explanation=(
        "Deadlines without a frame: dropped because a newer one had arrived, or finished too late.")),
    Column(key="held_fps", label="Held", unit="FPS", digits=1, group="With transfers", emphasis=True,
           explanation="Highest frame rate at which 99.9 % of the deadlines were met."),
    Column(key="throughput_fps", label="Throughput", unit="FPS", digits=1, group="With transfers",
           explanation="As many frames as possible, uploaded, enhanced and downloaded."),
    Column(key="model_fps", label="Model alone", unit="FPS", digits=1,
           explanation="1000 / median runtime of the model call in ms, without transfers."),
    Column(key="deadline_ms", label="Deadline", unit="ms", digits=1, group="Latency",
           explanation="After the arrival of a frame."),
    Column(key="p50_ms", label="p50", unit="ms", digits=2, group="Latency",
           explanation="From arrival to SR in host memory; of the frames that were shown."),
    Column(key="p99_ms", label="p99", unit="ms", digits=2, group="Latency", explanation="99 % are faster."),
    Column(key="p999_ms", label="p99.9", unit="ms", digits=2, group="Latency", explanation="99.9 % are faster."),
    Column(key="clock", label="Clock", unit="MHz", explanation="Lowest and highest during the run."),
    Column(key="temperature_c", label="Temperature", unit="°C", digits=0, explanation="Highest during the run."),
    Column(key="power_w", label="Power", unit="W", digits=1, explanation="Mean during the run."),
    Column(key="foreign_load", label="Foreign load", unit="%", digits=1, factor=0.01,
           explanation="Share of the processors that other work used."),
    Column(key="date", label="Date", explanation="When it was played, UTC."),
    Column(key="source", label="File", shown=False, explanation="The file of the result."),
)  # fmt: skip


def _table(record: Record, playbacks: Sequence[Playback], table_id: str) -> Table:
    rows = tuple(
        TableRow(values=_values(one), notes=_notes(record, one), muted=one.result.failure is not None)
        for one in playbacks
    )
    return Table(id=table_id, caption="Real time", columns=_COLUMNS, rows=rows, mark_best=False)


def _values(one: Playback) -> dict[str, Value]:
    result, summary = one.result, one.summary
    best = result.search.best if result.search else None
    states = [moment.state for moment in result.moments]
    clocks = [state.sm_clock_mhz for state in states if state.sm_clock_mhz is not None]
    powers = [state.power_w for state in states if state.power_w is not None]
    low, high = (min(clocks), max(clocks)) if clocks else (None, None)
    return {
        "execution": shorten(result.execution.words, _WORDS),
        "device": shorten(result.system.device_name, _WORDS),
        "input": str(result.input),
        "fps": result.fps,
        "missed": summary.missed_share if summary else None,
        "deadline_ms": result.deadline_ms,
        "p50_ms": summary.p50_ms if summary else None,
        "p99_ms": summary.p99_ms if summary else None,
        "p999_ms": summary.p999_ms if summary else None,
        "throughput_fps": result.throughput.fps if result.throughput else None,
        "held_fps": best.fps if best else None,
        "model_fps": 1000 / median(result.model_ms) if result.model_ms else None,
        "clock": None if low is None else str(low) if low == high else f"{low}–{high}",
        "temperature_c": max((one.temperature_c for one in states if one.temperature_c is not None), default=None),
        "power_w": sum(powers) / len(powers) if powers else None,
        "foreign_load": result.foreign_load,
        "date": result.started[:10],
        "source": one.source,
    }


def _notes(record: Record, one: Playback) -> dict[str, tuple[Note, ...]]:
    result, summary = one.result, one.summary
    best = result.search.best if result.search else None
    notes: dict[str, tuple[Note, ...]] = {}
    if result.failure is not None:
        notes["execution"] = (Note(tone="bad", text=f"failed: {result.failure.brief}"),)
    elif _files(result) != _files(record):
        notes["execution"] = (Note(tone="warn", text="other files or weights than this record's"),)
    if summary is not None:
        notes["missed"] = (Note(tone="sub", text=f"{summary.missed} of {summary.frames}"),)
    if busy(result):
        notes["foreign_load"] = (Note(tone="warn", text="machine was busy"),)
    if best is not None:
        few = best.frames < ENOUGH_FRAMES
        text = f"{best.frames} frames{f', {ENOUGH_FRAMES} needed for 99.9 %' if few else ''}"
        notes["held_fps"] = (Note(tone="warn" if few else "sub", text=text),)
    return notes


def busy(result: Realtime) -> bool:
    """Whether other work is known to have disturbed the frames."""
    system = result.system
    quiet = quiet_share(system.device_kind, system.cpu_cores)
    return (result.foreign_load or 0.0) > quiet or (result.foreign_gpu or 0.0) > QUIET_GPU


def _files(one: Record | Realtime) -> tuple[str, str]:
    return one.submission.digest, one.model.checkpoint_sha256


def _moments_table(result: Realtime, table_id: str) -> Table:
    columns = (
        Column(key="at_s", label="Second", digits=0, heading=True, explanation="Since the first frame."),
        Column(key="sm_clock_mhz", label="Clock", unit="MHz", digits=0, explanation="Clock of the processors."),
        Column(key="memory_clock_mhz", label="Memory clock", unit="MHz", digits=0, explanation="Clock of the memory."),
        Column(key="temperature_c", label="Temperature", unit="°C", digits=0, explanation="Of the chip."),
        Column(key="power_w", label="Power", unit="W", digits=1, explanation="Drawn by the board or the package."),
        Column(key="utilization_percent", label="Busy", unit="%", digits=0, explanation="Share of time in use."),
        Column(key="throttle_reasons", label="Throttled by", explanation="As the driver names it."),
        Column(key="foreign_load", label="Foreign load", unit="%", digits=1, factor=0.01,
               explanation="Share of the processors that other work used since the reading before."),
        Column(key="foreign_gpu", label="Foreign GPU load", unit="%", digits=1, factor=0.01,
               explanation="Share of the GPU that other processes used since the reading before."),
    )  # fmt: skip
    rows = tuple(
        TableRow(
            values={
                "at_s": one.at_s,
                **{
                    name: getattr(one.state, name)
                    for name in ("sm_clock_mhz", "memory_clock_mhz", "temperature_c", "power_w", "utilization_percent")
                },
                "throttle_reasons": ", ".join(one.state.throttle_reasons) or None,
                "foreign_load": one.foreign_load,
                "foreign_gpu": one.foreign_gpu,
            }
        )
        for one in result.moments
    )
    return Table(id=table_id, caption="The device over time", columns=columns, rows=rows)
