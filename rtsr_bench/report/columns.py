"""The columns of a leaderboard, as data, and a row's values under them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rtsr_bench.eligibility import Bar, count_at, counted_at
from rtsr_bench.leaderboard import FidelityMeans, Group, Leaderboard, Row
from rtsr_bench.protocol import Colour, Convention, Size
from rtsr_bench.record import Complexity, Failure, Memory
from rtsr_bench.report.tables import Column, Note, Table, TableRow, Value
from rtsr_bench.report.text import number, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLOURS = {Colour.RGB: "RGB", Colour.Y: "Y", Colour.Y_NTIRE23: "Y (NTIRE23)"}
REASON_LENGTH = 150


def short_convention(convention: Convention, among: Iterable[Convention]) -> str:
    """A convention for a narrow heading: the colour alone where no other one `among` them has it."""
    alone = sum(other.colour is convention.colour for other in among) == 1
    return COLOURS[convention.colour] if alone else convention.words


def _fidelity_columns(headline: Iterable[Convention]) -> Iterable[Column]:
    for convention in headline:
        label = convention.words
        yield Column(
            key=f"psnr_{convention.key}_db",
            label="PSNR",
            unit="dB",
            better="higher",
            digits=3,
            group=label,
            explanation=f"Mean over images of the peak signal-to-noise ratio: {label}.",
        )
        yield Column(
            key=f"ssim_{convention.key}",
            label="SSIM",
            better="higher",
            digits=4,
            group=label,
            explanation=f"Mean over images of the structural similarity: {label}.",
        )


def headline(board: Leaderboard, group: Group) -> tuple[Convention, ...]:
    """The conventions shown in the table: the track's, or all the protocol names where the track is gone."""
    return board.track.headline if board.track else group.protocol.conventions


def count_size(board: Leaderboard, group: Group) -> Size:
    """The LR size that MACs are shown for."""
    return counted_at(group.protocol, board.track)


def board_columns(conventions: Iterable[Convention], timed_at: Size, counted_at: Size) -> tuple[Column, ...]:
    """Every column of a leaderboard's table, those in exports only included; sizes are those of LR inputs."""
    timed, counted = f"Runtime at {timed_at}", f"Complexity at {counted_at}"
    return (
        Column(key="rank", label="#", digits=0, better="", explanation="Place by score; equal scores share it."),
        Column(key="model", label="Model", heading=True, explanation="Submission and model; the team below."),
        Column(key="team", label="Team", shown=False, explanation="Who handed it in."),
        Column(key="score", label="Score", better="higher", digits=2, emphasis=True,
               explanation="Value of the track's published formula: rises with the gain, falls with the runtime."),
        Column(key="gain_db", label="Gain", unit="dB", better="higher", digits=3, signed=True,
               explanation="PSNR less bicubic's on the same images, under the score's convention."),
        *_fidelity_columns(conventions),
        Column(key="runtime_ms", label="Mean", unit="ms", better="lower", digits=2, group=timed, emphasis=True,
               explanation="Mean of the timed repeats, the official figure; below it the 95 % interval."),
        Column(key="runtime_ci_low_ms", label="CI low", unit="ms", digits=3, shown=False, group=timed,
               explanation="Lower end of the 95 % bootstrap interval of the mean."),
        Column(key="runtime_ci_high_ms", label="CI high", unit="ms", digits=3, shown=False, group=timed,
               explanation="Upper end of the 95 % bootstrap interval of the mean."),
        Column(key="median_ms", label="Median", unit="ms", better="lower", digits=2, group=timed,
               explanation="Half of the repeats are faster."),
        Column(key="p95_ms", label="p95", unit="ms", better="lower", digits=2, group=timed,
               explanation="95 % of the repeats are faster."),
        Column(key="p99_ms", label="p99", unit="ms", better="lower", digits=2, group=timed,
               explanation="99 % of the repeats are faster."),
        Column(key="fps", label="FPS", better="higher", digits=1, group=timed,
               explanation="1000 / mean runtime in ms, with its band."),
        Column(key="band", label="Band", shown=False, explanation="The FPS band."),
        Column(key="params", label="Params", unit="K", better="lower", digits=1, factor=1e3,
               group=counted, explanation="Parameters as deployed."),
        Column(key="macs", label="MACs", unit="G", better="lower", digits=2, factor=1e9, group=counted,
               explanation="Multiply-accumulates of one frame."),
        Column(key="flops", label="FLOPs", unit="G", better="lower", digits=2, factor=1e9, group=counted,
               explanation="Floating-point operations of one frame: twice the MACs."),
        Column(key="activations", label="Act.", unit="M", better="lower", digits=1, factor=1e6, group=counted,
               explanation="Output elements of all convolutions."),
        Column(key="memory_bytes", label="Memory", unit="MiB", better="lower", digits=0, factor=2.0**20,
               explanation="Peak during the timed passes, less what was in use before the model was there."),
        Column(key="standing", label="Standing", shown=False, explanation="ranked, not ranked or failed."),
        Column(key="reasons", label="Reasons", shown=False, explanation="Why the row is not ranked."),
        Column(key="warnings", label="Warnings", shown=False, explanation="What makes its numbers shaky."),
        Column(key="precision", label="Precision", shown=False, explanation="Number format timed."),
        Column(key="started", label="Measured", shown=False, explanation="When the measurement began, UTC."),
        Column(key="submission_digest", label="Submission", shown=False, explanation="SHA-256 of the submission."),
        Column(key="protocol_digest", label="Protocol", shown=False, explanation="Digest of the measuring rules."),
        Column(key="data_digest", label="Data", shown=False, explanation="Digest of the data measured on."),
        Column(key="record", label="Record", shown=False, explanation="The file the row stands on."),
    )  # fmt: skip


def board_table(board: Leaderboard, group: Group, table_id: str, caption: str, links: Mapping[str, str]) -> Table:
    """A group as a table; `links` maps a row's source to its model page."""
    conventions, size = headline(board, group), count_size(board, group)
    models = [row.record.model.id for row in group.rows]
    rows = []
    for row in group.rows:
        twin = models.count(row.record.model.id) > 1
        rows.append(
            TableRow(
                values=_values(row, conventions, size, group.data_digest),
                notes=_notes(row, size, twin=twin),
                links={"model": links[row.source]},
                band=row.frame_band,
                muted=row.failed or bool(row.record.model.untrained) or (group.official and row.rank is None),
            )
        )
    columns = board_columns(conventions, group.protocol.input, size)
    if board.track is not None and board.track.score.lower_is_better:
        words = "Value of the track's published formula: rises with runtime, MACs and parameters; PSNR is a gate."
        columns = tuple(
            replace(column, better="lower", explanation=words) if column.key == "score" else column
            for column in columns
        )
    return Table(id=table_id, caption=caption, columns=columns, rows=tuple(rows))


def set_table(board: Leaderboard, group: Group, table_id: str, caption: str, links: Mapping[str, str]) -> Table | None:
    """Fidelity on each data set by itself; None where there is but one."""
    sets = list(dict.fromkeys(name for row in group.rows for name in row.by_set))
    if len(sets) < 2:
        return None
    conventions = headline(board, group)
    columns = [Column(key="model", label="Model", heading=True, explanation="Submission and model.")]
    for index, name in enumerate(sets):
        for place, column in enumerate(_fidelity_columns(conventions)):
            convention = short_convention(conventions[place // 2], conventions)
            columns.append(
                Column(
                    key=f"set{index}_{column.key}",
                    label=f"{column.label} {convention}",
                    unit=column.unit,
                    better=column.better,
                    digits=column.digits,
                    group=shorten(name, 40),
                    explanation=f"{column.explanation} On {name}.",
                )
            )
    rows = [
        TableRow(
            values={
                "model": row.record.model.id,
                **{
                    f"set{index}_{key}": value
                    for index, name in enumerate(sets)
                    for key, value in fidelity_values(row.by_set.get(name), conventions).items()
                },
            },
            links={"model": links[row.source]},
            muted=row.failed,
        )
        for row in group.rows
        if row.by_set
    ]
    return Table(id=table_id, caption=caption, columns=tuple(columns), rows=tuple(rows))


def fidelity_values(means: FidelityMeans | None, conventions: Iterable[Convention]) -> dict[str, Value]:
    """PSNR and SSIM under each convention, by column key."""
    values: dict[str, Value] = {}
    for convention in conventions:
        values[f"psnr_{convention.key}_db"] = means.psnr_db.get(convention.key) if means else None
        values[f"ssim_{convention.key}"] = means.ssim.get(convention.key) if means else None
    return values


def standing(row: Row) -> str:
    """A row's standing in a word or two."""
    if row.failed:
        return "failed"
    return "ranked" if row.rank is not None else "not ranked"


def memory_bytes(row: Row) -> int | None:
    """Peak memory less what was in use before, None where it was not measured."""
    memory = row.record.memory
    return max(0, memory.peak_bytes - memory.baseline_bytes) if isinstance(memory, Memory) else None


def _values(row: Row, conventions: Iterable[Convention], size: Size, data_digest: str) -> dict[str, Value]:
    record, runtime, count = row.record, row.runtime, count_at(row.record.complexity, size)
    complexity = record.complexity if isinstance(record.complexity, Complexity) else None
    interval = runtime.ci_ms if runtime else None
    return {
        "rank": row.rank,
        "model": record.model.id,
        "team": record.submission.team,
        "score": row.score,
        "gain_db": row.gain_db,
        **fidelity_values(row.fidelity, conventions),
        "runtime_ms": runtime.mean_ms if runtime else None,
        "runtime_ci_low_ms": interval[0] if interval else None,
        "runtime_ci_high_ms": interval[1] if interval else None,
        "median_ms": runtime.median_ms if runtime else None,
        "p95_ms": runtime.p95_ms if runtime else None,
        "p99_ms": runtime.p99_ms if runtime else None,
        "fps": runtime.fps if runtime else None,
        "band": row.frame_band.label if row.frame_band else None,
        "params": complexity.params if complexity else None,
        "macs": count.macs if count else None,
        "flops": count.flops if count else None,
        "activations": count.activations if count else None,
        "memory_bytes": memory_bytes(row),
        "standing": standing(row),
        "reasons": " ".join(reason.text for reason in row.reasons),
        "warnings": " ".join(warning.text for warning in row.warnings),
        "precision": _precision(row) if runtime else None,
        "started": record.started,
        "submission_digest": record.submission.digest,
        "protocol_digest": record.protocol.digest,
        "data_digest": data_digest,
        "record": row.source,
    }


def _precision(row: Row) -> str:
    return row.record.protocol.precision.get(row.record.system.device_kind, "")


def _notes(row: Row, size: Size, *, twin: bool) -> dict[str, tuple[Note, ...]]:
    record = row.record
    model = [Note(tone="sub", text=shorten(record.submission.team, 80))]
    if record.model.trained_by:
        model.append(Note(tone="sub", text=f"weights: {shorten(record.model.trained_by, 80)}"))
    if twin:
        model.append(Note(tone="sub", text=f"submission {record.submission.digest[:8]}"))
    model += [
        Note(tone="sub", text=shorten(reason.short, REASON_LENGTH))
        if reason.bar is Bar.UNTRAINED
        else Note(tone="bad", text=shorten(reason.text, REASON_LENGTH))
        for reason in row.reasons
        if reason.bar is not Bar.UNOFFICIAL
    ]
    notes = {"model": tuple(model)}
    interval = row.runtime.ci_ms if row.runtime else None
    runtime = [Note(tone="sub", text=f"{number(interval[0], 2)}–{number(interval[1], 2)}")] if interval else []
    runtime += [Note(tone="warn", text=one.short) for one in row.warnings if one.about == "runtime"]
    notes["runtime_ms"] = tuple(runtime)
    notes["score"] = ()
    notes["gain_db"] = tuple(Note(tone="warn", text=one.short) for one in row.warnings if one.about == "fidelity")
    if isinstance(record.complexity, Failure):
        notes["params"] = (Note(tone="warn", text="not counted"),)
    count = count_at(row.record.complexity, size)
    if count and count.uncounted:
        names = ", ".join(f"{name.removeprefix('aten.')} ×{times}" for name, times in sorted(count.uncounted.items()))
        notes["macs"] = (Note(tone="warn", text=shorten(f"without {names}", 80)),)
    return notes
