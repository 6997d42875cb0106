"""Every record, image and timed repeat in long form, as pandas data frames for custom analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtsr_bench.eligibility import failure_words, failures, is_official
from rtsr_bench.leaderboard import Row, data_digest, derive_row, leaderboards
from rtsr_bench.metric import known
from rtsr_bench.protocol import DEFAULT_METRICS
from rtsr_bench.record import Fidelity, Memory, Record, Runtime
from rtsr_bench.report.columns.standing import standing
from rtsr_bench.report.exports import csv_cell  # it disarms formulas
from rtsr_bench.report.frame_values import counted, set_up, timed
from rtsr_bench.report.text import one_line
from rtsr_bench.tracks import all_tracks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from rtsr_bench.leaderboard import Leaderboard
    from rtsr_bench.metric import Metric
    from rtsr_bench.record import ImageFidelity

_TEXT, _WHOLE, _REAL, _FLAG = "string", "Int64", "float64", "boolean"
"""Nullable pandas types (integers stay integers), which are the same with and without rows."""
_TOO_LARGE = 2**63

_WHO = {"record": _TEXT, "track": _TEXT, "model": _TEXT}
_JUDGED = {
    **_WHO,
    **dict.fromkeys(("submission", "team", "title", "origin", "variant", "format", "untrained", "trained_by"), _TEXT),
    "scale": _WHOLE,
    **dict.fromkeys(("device_kind", "device", "cpu", "os", "python", "torch", "isolation"), _TEXT),
    "torch_threads": _WHOLE,
    "official": _FLAG,
    "division": _TEXT,
    "latest": _FLAG,
    "standing": _TEXT,
    "rank": _WHOLE,
    **dict.fromkeys(("score", "gain_db"), _REAL),
}
"""Columns of `records` before those of the metrics; `_MEASURED` come after them."""

_MEASURED = {
    "convention": _TEXT,
    "images": _WHOLE,
    **dict.fromkeys(("runtime_ms", "runtime_ci_low_ms", "runtime_ci_high_ms", "median_ms", "p95_ms", "p99_ms"), _REAL),
    **dict.fromkeys(("least_ms", "most_ms", "spread", "drift", "fps"), _REAL),
    **dict.fromkeys(("relative", "reference_ms", "reference_drift"), _REAL),
    **dict.fromkeys(("image_median_ms", "foreign_load", "foreign_gpu", "input_correlation"), _REAL),
    "retimed": _WHOLE,
    **dict.fromkeys(("samples", "warmup", "batch", "input_height", "input_width"), _WHOLE),
    "precision": _TEXT,
    "execution": _TEXT,
    **dict.fromkeys(("loss_db", "setup_s"), _REAL),
    **dict.fromkeys(("graph_bytes", "setup_peak_bytes"), _WHOLE),
    **dict.fromkeys(("params", "macs", "flops", "activations", "memory_bytes"), _WHOLE),
    **dict.fromkeys(("memory_kind", "reasons", "warnings", "failures", "overrides", "data_sets", "started"), _TEXT),
    "wall_s": _REAL,
    **dict.fromkeys(("harness", "submission_digest", "checkpoint_sha256"), _TEXT),
    **dict.fromkeys(("track_digest", "protocol_digest", "data_digest"), _TEXT),
}
_SAMPLES = {
    **_WHO,
    "device": _TEXT,
    "precision": _TEXT,
    **dict.fromkeys(("repeat", "batch"), _WHOLE),
    **dict.fromkeys(("sample_ms", "frame_ms", "host_ms"), _REAL),
}


def frames(records: Mapping[str, Record], *, boards: Sequence[Leaderboard] | None = None) -> dict[str, pd.DataFrame]:
    """Records by name as the data frames `records`, `images` and `samples`, one observation per row, ordered by name.

    records: one row per record, including earlier ones (`latest` is false, no rank), with derived values and evidence;
    metrics, gain and loss under the `convention` of the score and over its data sets, operations at the timed input.
    `rank` is that in the `division` (closed or open; missing: unofficial), `loss_db` that against eager fp32,
    `relative` the mean runtime over `reference_ms`, that of the fixed reference.
    images: one row per record, image and convention, in the timed precision. samples: one row per timed repeat, from 1;
    `frame_ms` is `sample_ms` over the batch. Missing values and counts beyond 64 bits are NA; text is on one line.
    `boards`: the leaderboards of the same records, if available. All three frames join on `record`. In a notebook:

        from pathlib import Path
        from rtsr_bench.report.frames import frames
        from rtsr_bench.store import load_records
        tables = frames({str(one.path): one.record for one in load_records(Path("reports/records")).records})
        tables["images"].query("convention == 'rgb_b0'").pivot_table("gain_db", "data_set", "model")
    """
    listed = [name for record in records.values() for name in record.protocol.metrics]
    metrics = known((*DEFAULT_METRICS, *listed))
    rows = sorted(_rows(records, leaderboards(records) if boards is None else boards), key=lambda row: row[0].source)
    tables: tuple[tuple[str, dict[str, str], Iterable[dict[str, Any]]], ...] = (
        (
            "records",
            _record_types(metrics) | _some_need(records),
            (_record(row, metrics, latest=latest) for row, latest in rows),
        ),
        ("images", _image_types(metrics), (one for row, _ in rows for one in _images(row, metrics))),
        ("samples", _SAMPLES, (one for row, _ in rows for one in _samples(row))),
    )
    return {name: _frame(list(values), types) for name, types, values in tables}


def _record_types(metrics: Sequence[Metric]) -> dict[str, str]:
    values = [name for one in metrics for name in (one.column(), *[_baseline(one.column())] * one.baseline)]
    return _JUDGED | dict.fromkeys(values, _REAL) | _MEASURED


def _some_need(records: Mapping[str, Record]) -> dict[str, str]:
    """The columns that only some records need: where a runtime is from, and frames with their transfers."""
    shared = {"runtime_from": _TEXT} if any(one.shared_runtime for one in records.values()) else {}
    return shared | ({"fps_transfers": _REAL} if any(one.transfers for one in records.values()) else {})


def _image_types(metrics: Sequence[Metric]) -> dict[str, str]:
    """Values first, then bicubic's and the gains, then the observations behind the values."""
    compared = [one for one in metrics if one.baseline]
    numbers = [
        *(one.column() for one in metrics),
        *(_baseline(one.column()) for one in compared),
        *(one.column(part="gain") for one in compared),
        *(one.observation for one in metrics if one.observation != one.name),
        *(_baseline(one.observation) for one in compared if one.observation != one.name),
    ]
    return {
        **_WHO,
        **dict.fromkeys(("data_set", "image", "precision", "convention"), _TEXT),
        **dict.fromkeys(("height", "width"), _WHOLE),
        **dict.fromkeys(numbers, _REAL),
    }


def _baseline(column: str) -> str:
    return f"baseline_{column}"


def _frame(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> pd.DataFrame:
    """Build a frame by columns, because pandas would convert large integers in rows through float64."""
    import pandas as pd

    columns = {name: [_fitting(row.get(name), kind) for row in rows] for name, kind in types.items()}
    return pd.DataFrame({name: pd.Series(values, dtype=types[name]) for name, values in columns.items()})


def _fitting(value: Any, kind: str) -> Any:
    """The value; None for an integer beyond 64 bits, so that a forged count does not stop the report."""
    return None if kind == _WHOLE and value is not None and abs(value) >= _TOO_LARGE else value


def as_long_csv(frame: pd.DataFrame) -> str:
    """A frame of `frames` as CSV: lines end in CR LF, floats are unrounded, formulas in text are disarmed."""
    defused = {
        name: frame[name].astype(object).map(csv_cell, na_action="ignore")
        for name in map(str, frame.columns)
        if str(frame[name].dtype) in {_TEXT, _FLAG}
    }
    return frame.assign(**defused).to_csv(index=False, lineterminator="\r\n")


def _rows(records: Mapping[str, Record], boards: Sequence[Leaderboard]) -> Iterator[tuple[Row, bool]]:
    """A row for each record, and whether it is the latest of its key; older ones are on no leaderboard."""
    latest = {row.source: row for board in boards for row in board.rows}
    tracks = all_tracks()
    for name, record in records.items():
        known = latest.get(name)
        yield known or derive_row(name, record, tracks.get(record.track)), known is not None


def _official(record: Record) -> bool:
    """Whether it was measured under exactly the protocol of a shipped track."""
    track = all_tracks().get(record.track)
    return track is not None and track.shipped and is_official(record, track)


def _who(row: Row) -> dict[str, Any]:
    return {"record": one_line(row.source), "track": one_line(row.record.track), "model": one_line(row.record.model.id)}


def _texts(row: Row) -> dict[str, str]:
    record, system = row.record, row.record.system
    return {
        "submission": record.submission.id,
        "team": record.submission.team,
        "title": record.submission.title,
        "origin": record.submission.origin,
        "variant": record.model.variant,
        "format": record.model.format,
        "untrained": record.model.untrained,
        "trained_by": record.model.trained_by,
        "device_kind": system.device_kind,
        "device": system.device_name,
        "cpu": system.cpu_model,
        "os": system.os,
        "python": system.python,
        "torch": system.torch,
        "isolation": system.isolation,
        "division": row.division.value if row.division else "",
        "execution": row.execution.words if row.execution else "",
        "standing": standing(row),
        "convention": row.scored_under,
        "memory_kind": record.memory.kind if isinstance(record.memory, Memory) else "",
        "reasons": " ".join(reason.text for reason in row.reasons),
        "warnings": " ".join(warning.text for warning in row.warnings),
        "failures": " ".join(failure_words(failure) for failure in failures(record)),
        "overrides": " ".join(record.overrides),
        "data_sets": ", ".join(use.name for use in record.data),
        "started": record.started,
        "runtime_from": record.shared_runtime.record if record.shared_runtime else "",
        "harness": record.harness,
        "submission_digest": record.submission.digest,
        "checkpoint_sha256": record.model.checkpoint_sha256,
        "track_digest": record.track_digest,
        "protocol_digest": record.protocol.digest,
        "data_digest": data_digest(record),
    }


def _record(row: Row, metrics: Sequence[Metric], *, latest: bool) -> dict[str, Any]:
    record, means, key = row.record, row.fidelity, row.scored_under
    return {
        **_who(row),
        **{name: one_line(value) or None for name, value in _texts(row).items()},
        **timed(row),
        **counted(row),
        "scale": record.model.scale,
        "torch_threads": record.system.torch_threads,
        "official": _official(record),
        "latest": latest,
        "rank": row.rank,
        "score": row.score,
        "gain_db": row.gain_db,
        **{one.column(): means.value(one, key) if means else None for one in metrics},
        **{_baseline(one.column()): means.of_bicubic(one, key) if means else None for one in metrics},
        "images": means.images if means else None,
        "loss_db": row.loss_db,
        **set_up(record),
        "fps_transfers": record.transfers.fps if record.transfers else None,
        "wall_s": record.wall_s,
    }


def _images(row: Row, metrics: Sequence[Metric]) -> Iterator[dict[str, Any]]:
    fidelity, who = row.record.fidelity, _who(row)
    if not isinstance(fidelity, Fidelity):
        return
    for image in fidelity.images:
        for key in dict.fromkeys(name.partition("/")[2] for name in (*image.values, *image.baseline)):
            yield {
                **who,
                "data_set": one_line(image.data_set),
                "image": one_line(image.name),
                "precision": fidelity.precision.value,
                "convention": one_line(key),
                "height": image.size.height,
                "width": image.size.width,
                **{name: value for one in metrics for name, value in _observed(image, one, key).items()},
            }


def _observed(image: ImageFidelity, metric: Metric, convention: str) -> dict[str, float | None]:
    """A metric's numbers of an image by column; an image that its means exclude has no gain."""
    mine, bicubic = (table.get(metric.observed_as(convention)) for table in (image.values, image.baseline))
    here, there = (None if one is None else metric.shown(one) for one in (mine, bicubic))
    left_out = metric.leaves_out_exact and image.bicubic_is_exact(convention)
    return {
        metric.observation: mine,
        metric.column(): here,
        _baseline(metric.observation): bicubic,
        _baseline(metric.column()): there,
        metric.column(part="gain"): None if here is None or there is None or left_out else here - there,
    }


def _samples(row: Row) -> Iterator[dict[str, Any]]:
    runtime, who = row.record.runtime, _who(row)
    if not isinstance(runtime, Runtime):
        return
    device = one_line(row.record.system.device_name)
    for index, sample in enumerate(runtime.samples_ms):
        yield {
            **who,
            "device": device,
            "precision": runtime.precision.value,
            "repeat": index + 1,
            "batch": runtime.batch,
            "sample_ms": sample,
            "frame_ms": sample / runtime.batch,
            "host_ms": runtime.host_ms[index] if index < len(runtime.host_ms) else None,
        }
