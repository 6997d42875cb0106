"""The page of one record: rank, numbers, crops, samples, images, and evidence."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rtsr_bench.division import Division
from rtsr_bench.eligibility import STAGE_WORDS, count_at, failure_words, failures
from rtsr_bench.leaderboard import Group, Leaderboard, Row, all_executions, same_model
from rtsr_bench.record import Complexity, DataUse, Memory, Record, Runtime
from rtsr_bench.report.addresses import crop_address
from rtsr_bench.report.board_page import board_title
from rtsr_bench.report.board_table import executions_table, scope_of
from rtsr_bench.report.execution_words import execution_facts, fidelity_words, setup_words
from rtsr_bench.report.figures import samples_figure
from rtsr_bench.report.model_tables import counts_table, image_table, model_set_table, samples_table, telemetry_table
from rtsr_bench.report.realtime import realtime_section
from rtsr_bench.report.references import references_table, relative_facts, relative_words
from rtsr_bench.report.shared import shared_words
from rtsr_bench.report.text import number, one_line
from rtsr_bench.statistics import median

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.metric import Metric
    from rtsr_bench.report.column import Scope
    from rtsr_bench.report.crops import Crop
    from rtsr_bench.report.press import Press, View
    from rtsr_bench.report.realtime import Playback


def print_model(
    press: Press,
    board: Leaderboard,
    group: Group,
    row: Row,
    *,
    links: Mapping[str, str],
    board_address: str,
    crops: Sequence[Crop],
    playbacks: Sequence[Playback] = (),
) -> str:
    """Render the page of a row; `links` are the addresses of all pages of the board's rows; returns its own.

    `playbacks` are results of playing video with its model.
    """
    record = row.record
    address = links[row.source]
    slug = PurePosixPath(address).stem
    scope = scope_of(board, group)
    tables = {
        "references": references_table(row, slug),
        "images": image_table(row, scope, slug),
        "sets": model_set_table(row, scope, slug),
        "counts": counts_table(record, slug),
        "telemetry": telemetry_table(record, slug),
    }
    press.page(
        address,
        "model.html",
        title=board_title(board),
        device=board.device,
        board_address=board_address,
        record=record,
        row=row,
        ranked=sum(one.rank is not None for one in group.rows),
        is_open=group.division is Division.OPEN,
        executions=_executions(press, board, row, slug, links),
        best_address=links.get(row.best_source, ""),
        facts=[*_facts(row, group, scope), *relative_facts(row), *execution_facts(row)],
        failures=_failures(record),
        crops=_crops(press, crops, slug),
        samples=_samples(press, row, slug),
        runtime_words=shared_words(record) + _runtime_words(row),
        relative_words=relative_words(row),
        realtime=realtime_section(press, record, playbacks, slug),
        fidelity_words=fidelity_words(row),
        evidence=_evidence(row, group),
        **{name: press.table(table) if table else None for name, table in tables.items()},
    )
    return address


def _facts(row: Row, group: Group, scope: Scope) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []

    def add(label: str, value: str, small: str = "", band: object = None) -> None:
        facts.append({"label": label, "value": value, "small": small, "band": band})

    if row.score is not None:
        add("Score", number(row.score, 2))
    if row.gain_db is not None:
        add("Gain over bicubic", f"{number(row.gain_db, 3, signed=True)} dB")
    for convention in scope.conventions if row.fidelity else ():
        metrics = [metric for one, metric in scope.pairs if one == convention]
        said = [_said(row, metric, convention.key) for metric in metrics]
        if not (said and said[0]):
            continue
        others = [f"{metric.title} {text}" for metric, text in zip(metrics[1:], said[1:], strict=True) if text]
        crop = [f"on the central {row.crop} of each image"] if row.crop else []
        small = ", ".join((f"border {convention.border}", *others, *crop))
        add(f"{metrics[0].title} {scope.short(convention)}", said[0], small)
    if row.runtime:
        ends = row.runtime.ci_ms
        small = f"95 % in {number(ends[0], 2)}–{number(ends[1], 2)}" if ends else ""
        add("Mean runtime", f"{number(row.runtime.mean_ms, 2)} ms", small)
        label = row.frame_band.label if row.frame_band else ""
        add("Frames per second", number(row.runtime.fps, 1), f"{label} at {group.protocol.input}", row.frame_band)
    if isinstance(row.record.complexity, Complexity):
        add("Params", number(row.record.complexity.params, 0))
    size = scope.counted_at
    count = count_at(row.record.complexity, size)
    if count:
        add("MACs", f"{number(count.macs / 1e9, 2)} G", f"at {size}")
    return facts


def _failures(record: Record) -> list[dict[str, str]]:
    return [
        {"words": failure_words(one), "where": STAGE_WORDS[one.stage], "detail": one.detail} for one in failures(record)
    ]


def _executions(press: Press, board: Leaderboard, row: Row, slug: str, links: Mapping[str, str]) -> View | None:
    """Every execution of the model on the same track, device and data; None unless there are several."""
    if row.division is None:
        return None
    group = next((one for one in board.groups if one.division is Division.OPEN and one.is_of_data(row)), None)
    rows = [one for one in all_executions(board, group) if same_model(one) == same_model(row)] if group else []
    if group is None or len(rows) < 2:
        return None
    return press.table(executions_table(board, group, rows, f"{slug}--executions", "Executions of this model", links))


def _said(row: Row, metric: Metric, convention: str) -> str:
    """A metric's value with its unit; empty if there is none."""
    value = row.fidelity.value(metric, convention) if row.fidelity else None
    return "" if value is None else f"{number(value, metric.digits)} {metric.unit}".strip()


def _crops(press: Press, crops: Sequence[Crop], slug: str) -> list[dict[str, Any]]:
    shown = []
    for place, crop in enumerate(crops):
        addresses = {part: crop_address(slug, place, part) for part in crop.files}
        for part, data in crop.files.items():
            press.files[addresses[part]] = data
        names = ("image", "data_set", "top", "left", "height", "width")
        shown.append({**{name: getattr(crop, name) for name in names}, "addresses": addresses})
    return shown


def _samples(press: Press, row: Row, slug: str) -> dict[str, Any] | None:
    runtime = row.record.runtime
    if not isinstance(runtime, Runtime) or row.runtime is None:
        return None
    per_frame = [sample / max(1, runtime.batch) for sample in runtime.samples_ms]
    svg = samples_figure(per_frame, row.runtime, "samples", title="Timed repeats: distribution and order")
    return {"svg": svg, "view": press.table(samples_table(runtime, slug))}


def _runtime_words(row: Row) -> str:
    runtime, summary = row.record.runtime, row.runtime
    if not isinstance(runtime, Runtime) or summary is None:
        return ""
    drift = "" if summary.drift is None else f", drift {number(100 * summary.drift, 1, signed=True)} %"
    return (
        f"{summary.samples} repeats after {runtime.warmup} warm-up calls in {runtime.precision.value}, input"
        f" {runtime.input}, batch {runtime.batch}: mean {number(summary.mean_ms, 3)} ms, median"
        f" {number(summary.median_ms, 3)}, p95 {number(summary.p95_ms, 3)}, p99 {number(summary.p99_ms, 3)}, from"
        f" {number(summary.least_ms, 3)} to {number(summary.most_ms, 3)} ms; spread"
        f" {number(100 * summary.spread, 1)} %{drift}.{_image_words(runtime, summary.median_ms)}"
        f"{_load_words(runtime)}"
    )


def _image_words(runtime: Runtime, median_ms: float) -> str:
    """Times of the image crops between the repeats, compared with those of the repeats' random inputs."""
    if not runtime.image_ms:
        return ""
    on_images = median(runtime.image_ms) / runtime.batch
    return (
        f" On {len(runtime.image_ms)} image crops between the repeats (not part of the samples): median"
        f" {number(on_images, 3)} ms, {number(on_images / median_ms, 3)} times that of the repeats."
    )


def _load_words(runtime: Runtime) -> str:
    """Load of the machine during the timing."""
    if runtime.foreign_load is None:
        return ""
    related = ""
    if runtime.input_correlation is not None:
        related = f" Correlation of the output with its random input: {number(runtime.input_correlation, 2)} (median)."
    again = f"; {runtime.retimed} disturbed calls were repeated" if runtime.retimed else ""
    pause = f" Pause between calls: median {number(median(runtime.idle_ms), 2)} ms." if runtime.idle_ms else ""
    share = number(100 * runtime.foreign_load, 1)
    return f" Other work used {share} % of the processors during the timing{again}.{pause}{related}"


Entries = list[tuple[str, str]]
"""Labels and values of one section of evidence; empty values are not shown."""


def _evidence(row: Row, group: Group) -> list[tuple[str, Entries]]:
    sections = (
        ("Measurement", _measurement(row, group)),
        ("Checks", _checks(row.record)),
        ("Model", _model(row.record)),
        ("System", _system(row.record)),
    )
    return [
        (name, [(one_line(key), value) for key, value in entries if value])
        for name, entries in sections
        if any(value for _, value in entries)
    ]


def _measurement(row: Row, group: Group) -> Entries:
    record = row.record
    return [
        ("Record", row.source),
        ("Started", record.started),
        ("Took", f"{number(record.wall_s, 1)} s"),
        ("Earlier records", str(row.earlier) if row.earlier else ""),
        ("Runtime from", record.shared_runtime.record if record.shared_runtime else ""),
        ("Harness", f"rtsr-bench {record.harness}"),
        ("Schema", str(record.schema)),
        ("Protocol", record.protocol.digest),
        ("Execution", record.execution.words if record.execution else ""),
        ("Set-up", setup_words(record)),
        ("Overrides", " ".join(record.overrides)),
        ("Data", group.data_digest),
        *((one_line(use.name), _use_words(use)) for use in record.data),
    ]


def _checks(record: Record) -> Entries:
    submitted = record.submitted_images
    return [
        ("Repeatability", record.repeatability.words if record.repeatability else ""),
        ("Submitted images", submitted.words if submitted else ""),
        *(("Could not be compared", line) for line in (submitted.refused if submitted else ())),
        *(("On loading", note) for note in record.notes),
        ("Pickles", "allowed: weights could run code when they were read" if record.pickle_allowed else ""),
        ("Stubs", f"for {', '.join(record.stubs)}, not installed" if record.stubs else ""),
    ]


def _model(record: Record) -> Entries:
    submission, model = record.submission, record.model
    return [
        ("Submission", submission.id),
        ("Team", submission.team),
        ("Authors", submission.authors),
        ("Paper", submission.paper),
        ("Code", submission.code),
        ("Licence", submission.license),
        ("Notes", submission.notes),
        ("Origin", submission.origin),
        ("Fetched from", submission.fetched_from),
        ("Submission SHA-256", submission.digest),
        ("Format", model.format),
        ("Variant", model.variant),
        ("Data range", number(model.data_range, 1)),
        ("Untrained", model.untrained),
        ("Weights trained by", model.trained_by),
        ("Checkpoint", model.checkpoint),
        ("Checkpoint SHA-256", model.checkpoint_sha256),
    ]


def _system(record: Record) -> Entries:
    system, memory = record.system, record.memory
    machine = [
        ("Device", system.device_name),
        ("Index", "" if system.device_index is None else str(system.device_index)),
        ("CPU", f"{system.cpu_model}, {system.cpu_cores} cores"),
        ("Torch threads", str(system.torch_threads)),
        ("Main memory", f"{number(system.memory_bytes / 2**30, 1)} GiB"),
        ("System", system.os),
        ("Python", system.python),
        ("torch", system.torch),
        ("Isolation", system.isolation),
        *sorted(system.facts.items()),
        *sorted(system.packages.items()),
    ]
    if isinstance(memory, Memory):
        text = f"{number(memory.peak_bytes / 2**20, 0)} MiB, {number(memory.baseline_bytes / 2**20, 0)} MiB before"
        machine.append((f"Peak memory ({memory.kind})", text))
    return machine


def _use_words(use: DataUse) -> str:
    verified = "" if use.verified else ", not verified"
    return f"{use.images} images, {use.digest}{verified}{f', {use.note}' if use.note else ''}"
