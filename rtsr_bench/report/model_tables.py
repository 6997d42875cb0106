"""The tables of a model's page: by data set, image, input size, moment, and repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.record import Complexity, Record, Runtime
from rtsr_bench.report.tables import Column, Note, Table, TableRow, Value
from rtsr_bench.score import PSNR

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import FidelityMeans, Row
    from rtsr_bench.metric import Metric
    from rtsr_bench.record import ImageFidelity
    from rtsr_bench.report.column import Scope


def _columns(scope: Scope) -> tuple[Column, ...]:
    columns = []
    for convention, metric in scope.pairs:
        group, key, unit, digits = convention.words, convention.key, metric.unit, metric.digits
        columns.append(Column(key=metric.column(key), label=metric.title, unit=unit, digits=digits, group=group,
                              explanation="Of the model."))  # fmt: skip
        if metric.baseline:
            of = "" if metric.name == PSNR else f" {metric.title}"
            columns += [
                Column(key=metric.column(key, part="bicubic"), label=f"bicubic{of}", unit=unit, digits=digits,
                       group=group, explanation=f"Bicubic's {metric.title} on the same image."),
                Column(key=metric.column(key, part="gain"), label=f"gain{of}", unit=unit, digits=digits, signed=True,
                       group=group, explanation=f"{metric.title} less bicubic's."),
            ]  # fmt: skip
    return tuple(columns)


def _of_image(image: ImageFidelity, scope: Scope) -> dict[str, Value]:
    """An image's numbers by column key."""
    values: dict[str, Value] = {}
    for convention, metric in scope.pairs:
        key = convention.key
        here, there = (_shown(metric, table.get(metric.observed_as(key))) for table in (image.values, image.baseline))
        values[metric.column(key)] = here
        if metric.baseline:
            values[metric.column(key, part="bicubic")] = there
            left_out = metric.leaves_out_exact and image.bicubic_is_exact(key)
            values[metric.column(key, part="gain")] = (
                None if here is None or there is None or left_out else here - there
            )
    return values


def _shown(metric: Metric, observed: float | None) -> float | None:
    return None if observed is None else metric.shown(observed)


def _of_means(means: FidelityMeans, scope: Scope) -> dict[str, Value]:
    """Means by column key."""
    values: dict[str, Value] = {}
    for convention, metric in scope.pairs:
        key = convention.key
        values[metric.column(key)] = means.value(metric, key)
        if metric.baseline:
            values[metric.column(key, part="bicubic")] = means.of_bicubic(metric, key)
            values[metric.column(key, part="gain")] = means.gain(metric, key)
    return values


def image_table(row: Row, scope: Scope, slug: str) -> Table | None:
    """Every image of a record; None if fidelity was not measured."""
    if row.fidelity is None or (row.record.fidelity is None):
        return None
    rows = []
    for image in getattr(row.record.fidelity, "images", ()):
        values: dict[str, Value] = {"image": image.name, "data_set": image.data_set, "size": str(image.size)}
        values |= _of_image(image, scope)
        exact = [convention.words for convention in scope.conventions if image.bicubic_is_exact(convention.key)]
        where = "" if len(exact) == len(scope.conventions) else f" ({'; '.join(exact)})"
        note = Note(tone="sub", text=f"bicubic is exact, as on a flat image: excluded from the means{where}")
        rows.append(TableRow(values=values, notes={"image": (note,)} if exact else {}))
    columns = (
        Column(key="image", label="Image", heading=True, explanation="File name of HR, or name of the rendered image."),
        Column(key="data_set", label="Data set", explanation="The image's data set."),
        Column(key="size", label="HR size", explanation="Height and width."),
        *_columns(scope),
    )
    return Table(id=f"{slug}--images", caption="Fidelity by image", columns=columns, rows=tuple(rows))


def model_set_table(row: Row, scope: Scope, slug: str) -> Table | None:
    """Means by data set; None if there is only one."""
    if len(row.by_set) < 2 or row.fidelity is None:
        return None
    rows = tuple(
        TableRow(values={"data_set": name, "images": means.images, **_of_means(means, scope)})
        for name, means in (*row.by_set.items(), ("As scored", row.fidelity))
    )
    columns = (
        Column(key="data_set", label="Data set", heading=True, explanation="Name of the data set."),
        Column(key="images", label="Images", digits=0, explanation="How many images the means are over."),
        *_columns(scope),
    )
    return Table(id=f"{slug}--sets", caption="Fidelity by data set", columns=columns, rows=rows)


def counts_table(record: Record, slug: str) -> Table | None:
    """Operations by input size; None if they were not counted."""
    complexity = record.complexity
    if not isinstance(complexity, Complexity):
        return None
    columns = (
        Column(key="input", label="LR input", heading=True, explanation="Height and width."),
        Column(key="params", label="Params", digits=0, explanation="Parameters as deployed."),
        Column(key="macs", label="MACs", unit="G", digits=3, factor=1e9, explanation="Multiply-accumulates."),
        Column(key="flops", label="FLOPs", unit="G", digits=3, factor=1e9, explanation="Twice the MACs."),
        Column(key="activations", label="Activations", unit="M", digits=2, factor=1e6,
               explanation="Output elements of all convolutions."),
        Column(key="convs", label="Convs", digits=0, explanation="Number of convolutions called."),
        Column(key="uncounted", label="Not counted", explanation="Operators without a formula, and how often."),
    )  # fmt: skip
    rows = tuple(
        TableRow(
            values={
                "input": str(count.input),
                "params": complexity.params,
                "macs": count.macs,
                "flops": count.flops,
                "activations": count.activations,
                "convs": count.convs,
                "uncounted": ", ".join(f"{name} ×{times}" for name, times in sorted(count.uncounted.items())) or None,
            }
        )
        for count in complexity.counts
    )
    return Table(id=f"{slug}--complexity", caption="Complexity by input size", columns=columns, rows=rows)


def telemetry_table(record: Record, slug: str) -> Table | None:
    """The device's state during timing; None if it was not reported."""
    runtime = record.runtime
    if not isinstance(runtime, Runtime) or not runtime.telemetry:
        return None
    columns = (
        Column(key="when", label="When", heading=True, explanation="Before, during or after the timed passes."),
        Column(key="sm_clock_mhz", label="SM clock", unit="MHz", digits=0, explanation="Clock of the processors."),
        Column(key="memory_clock_mhz", label="Memory clock", unit="MHz", digits=0, explanation="Clock of the memory."),
        Column(key="temperature_c", label="Temperature", unit="°C", digits=0, explanation="Of the chip."),
        Column(key="power_w", label="Power", unit="W", digits=1, explanation="Drawn by the board."),
        Column(key="utilization_percent", label="Busy", unit="%", digits=0, explanation="Share of time in use."),
        Column(key="load_average", label="Load", digits=2, explanation="The machine's one-minute load average."),
        Column(key="throttle_reasons", label="Throttled by", explanation="As the driver names it."),
    )
    names = [column.key for column in columns]
    rows = tuple(
        TableRow(
            values={
                name: ", ".join(moment.throttle_reasons) or None
                if name == "throttle_reasons"
                else getattr(moment, name)
                for name in names
            }
        )
        for moment in runtime.telemetry
    )
    return Table(id=f"{slug}--telemetry", caption="Telemetry", columns=columns, rows=rows)


def samples_table(runtime: Runtime, slug: str) -> Table:
    """Every timed repeat, in order; the data of the figure."""
    columns = (
        Column(key="repeat", label="Repeat", digits=0, explanation="In order, from 1."),
        Column(key="sample_ms", label="Sample", unit="ms", digits=4, explanation="Milliseconds of the call."),
        Column(key="host_ms", label="Host", unit="ms", digits=4, explanation="The host's share: launching the call."),
    )
    rows = tuple(
        TableRow(
            values={
                "repeat": index + 1,
                "sample_ms": sample,
                "host_ms": runtime.host_ms[index] if index < len(runtime.host_ms) else None,
            }
        )
        for index, sample in enumerate(runtime.samples_ms)
    )
    return Table(id=f"{slug}--samples", caption="Timed repeats", columns=columns, rows=rows)
