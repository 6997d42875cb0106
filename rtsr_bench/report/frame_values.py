"""The numbers of a row in long form, by column: timed repeats, counts, set-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtsr_bench.eligibility import count_at
from rtsr_bench.record import Complexity, Runtime
from rtsr_bench.report.columns.memory import memory_bytes
from rtsr_bench.statistics import median, reference_drift, reference_ms

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row
    from rtsr_bench.record import Record


def timed(row: Row) -> dict[str, Any]:
    """Return the values of the timed repeats; empty if there are none."""
    runtime, summary = row.record.runtime, row.runtime
    if not isinstance(runtime, Runtime) or summary is None:
        return {}
    low, high = summary.ci_ms or (None, None)
    references = row.record.references
    return {
        "runtime_ms": summary.mean_ms,
        "runtime_ci_low_ms": low,
        "runtime_ci_high_ms": high,
        **{name: getattr(summary, name) for name in ("median_ms", "p95_ms", "p99_ms", "least_ms", "most_ms")},
        **{name: getattr(summary, name) for name in ("spread", "drift", "fps", "samples")},
        "image_median_ms": median(runtime.image_ms) / runtime.batch if runtime.image_ms else None,
        "foreign_load": runtime.foreign_load,
        "foreign_gpu": runtime.foreign_gpu,
        "input_correlation": runtime.input_correlation,
        "retimed": runtime.retimed if runtime.foreign_load is not None else None,
        "warmup": runtime.warmup,
        "batch": runtime.batch,
        "input_height": runtime.input.height,
        "input_width": runtime.input.width,
        "precision": runtime.precision.value,
        "relative": row.relative,
        "reference_ms": reference_ms(references.convs) if references else None,
        "reference_drift": reference_drift(references.convs) if references else None,
    }


def set_up(record: Record) -> dict[str, Any]:
    """Return what the execution needed before its first call; empty if it needs nothing."""
    if record.setup is None:
        return {}
    found = record.setup
    return {"setup_s": found.seconds, "graph_bytes": found.graph_bytes or None, "setup_peak_bytes": found.peak_bytes}


def counted(row: Row) -> dict[str, Any]:
    """Return parameters, operations at the timed input, and memory, if known."""
    complexity, count = row.record.complexity, count_at(row.record.complexity, row.record.protocol.input)
    return {
        "params": complexity.params if isinstance(complexity, Complexity) else None,
        "macs": count.macs if count else None,
        "flops": count.flops if count else None,
        "activations": count.activations if count else None,
        "memory_bytes": memory_bytes(row),
    }
