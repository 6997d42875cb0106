"""The page of a comparison: one HTML file that needs no other."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

from rtsr_bench.comparison import percent, shown_percent
from rtsr_bench.report.figures.ratios import ratios_figure
from rtsr_bench.report.press import Press, View
from rtsr_bench.report.tables import Column, Table, TableRow, Value
from rtsr_bench.report.text import number

if TYPE_CHECKING:
    from markupsafe import Markup

    from rtsr_bench.comparison import Comparison, MetricComparison, RuntimeComparison, Side

PAGE = "comparison.html"
_TONES = {"faster": "better", "better": "better", "slower": "worse", "worse": "worse"}


def render(made: Comparison) -> bytes:
    """Render the page; the same comparison gives the same bytes."""
    press = Press(0)
    static = resources.files("rtsr_bench.report") / "static"
    press.page(
        PAGE,
        "comparison.html",
        made=made,
        style=(static / "style.css").read_text(encoding="utf-8"),
        verdicts=_verdicts(made),
        gates=[(gate, _minus(gate.words)) for gate in made.gates],
        facts=_runtime_facts(made.runtime),
        plot=_plot(made.runtime),
        sessions=_view(_sessions(made.runtime)),
        images=_view(_images(made)),
        sides=[("A", _facts(made.a)), ("B", _facts(made.b))],
        system=sorted(made.system.items()),
    )
    return press.files[PAGE]


def _verdicts(made: Comparison) -> list[dict[str, str]]:
    """Name, word, tone, sentence and reason of each verdict, in the order of the page."""
    found: list[tuple[str, RuntimeComparison | MetricComparison]] = [(one.title, one) for one in made.metrics]
    if made.runtime is not None:
        found.insert(0, ("Runtime", made.runtime))
    return [
        {"name": name, "word": one.verdict.value, "tone": _TONES.get(one.verdict.value, ""), "words": _minus(one.words),
         "reason": one.reason}
        for name, one in found
    ]  # fmt: skip


def _plot(runtime: RuntimeComparison | None) -> Markup | None:
    if runtime is None or not runtime.sessions:
        return None
    return ratios_figure(runtime, "ratios", title="Runtime of B against A by session")


def _view(table: Table | None) -> View | None:
    """A table for the page, without exports: the JSON holds every number."""
    return None if table is None or not table.rows else View(table=table, exports=(), edges=frozenset())


def _sessions(runtime: RuntimeComparison | None) -> Table | None:
    if runtime is None:
        return None
    times = [
        Column(key=key, label=label, unit="ms", digits=3, explanation=f"Runtime of a process that holds {label[0]}.")
        for key, label in (("a", "A"), ("a2", "A again"), ("b", "B"), ("b2", "B again"))
    ]
    columns = (
        Column(key="session", label="Session", heading=True, explanation="In order, from 1."),
        *times,
        Column(key="ratio", label="B against A", unit="%", digits=2, signed=True, emphasis=True,
               explanation="Time of both processes of B over that of A."),
        Column(key="null", label="against itself", unit="%", digits=2, signed=True,
               explanation="Time of one process of each model over that of the other."),
        Column(key="calls", label="Calls", digits=0, explanation="Timed calls of each process."),
        Column(key="foreign", label="Foreign load", unit="%", digits=1, explanation="Processor time of other work."),
    )  # fmt: skip
    rows = tuple(
        TableRow(
            values={
                "session": str(index),
                **dict(zip(("a", "a2", "b", "b2"), (*one.a_ms, *one.b_ms), strict=True)),
                "ratio": percent(one.ratio),
                "null": percent(one.null),
                "calls": one.calls,
                "foreign": None if one.foreign_load is None else 100 * one.foreign_load,
            }
        )
        for index, one in enumerate(runtime.sessions, 1)
    )
    return Table(id="sessions", caption="Sessions", columns=columns, rows=rows, mark_best=False)


def _images(made: Comparison) -> Table | None:
    columns = [
        Column(key="image", label="Image", heading=True, explanation="File name of HR."),
        Column(key="data_set", label="Data set", explanation="The image's data set."),
    ]
    for one in made.metrics:
        for key, label in (("a", "A"), ("b", "B")):
            columns.append(
                Column(key=f"{one.key}/{key}", label=label, unit=one.unit, digits=one.digits, group=one.title,
                       explanation=f"{one.title} of {label}.")
            )  # fmt: skip
        columns.append(
            Column(key=f"{one.key}/less", label="B − A", unit=one.unit, digits=one.digits + 1, signed=True,
                   group=one.title, emphasis=True, explanation=f"{one.title} of B less that of A.")
        )  # fmt: skip
    rows = []
    for image in made.images:
        values: dict[str, Value] = {"image": image.name, "data_set": image.data_set}
        for key, (a, b) in image.values.items():
            less = None if a is None or b is None else b - a
            values |= {f"{key}/a": a, f"{key}/b": b, f"{key}/less": less}
        rows.append(TableRow(values=values))
    return Table(id="images", caption="Fidelity by image", columns=tuple(columns), rows=tuple(rows), mark_best=False)


def _facts(side: Side) -> list[tuple[str, str]]:
    shown = [
        ("Model", side.model),
        ("Team", side.team),
        ("Source", side.source),
        ("Submission SHA-256", side.digest),
        ("Checkpoint SHA-256", side.checkpoint_sha256),
    ]
    return [(label, value) for label, value in shown if value]


def _runtime_facts(runtime: RuntimeComparison | None) -> list[tuple[str, str]]:
    """Label and value of the numbers of a runtime comparison, empty ones left out."""
    if runtime is None:
        return []
    ends = runtime.interval
    shown = [
        ("A", f"{number(runtime.a_ms, 3)} ms"),
        ("B", f"{number(runtime.b_ms, 3)} ms"),
        ("B against A", f"{shown_percent(runtime.ratio)} %"),
        ("95 % interval", f"{shown_percent(ends[0])} to {shown_percent(ends[1])} %" if ends else ""),
        ("Noise floor", f"{number(percent(runtime.floor), 2)} %" if runtime.floor is not None else ""),
    ]
    return [(label, _minus(value)) for label, value in shown if value]


def _minus(text: str) -> str:
    """The text with a minus sign before negative numbers."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)
