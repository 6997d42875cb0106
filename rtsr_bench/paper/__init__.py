"""The tables of the RT4KSR paper, cell by cell: printed values, our values, and why they differ.

Printed values are data (`tables/*.toml`), computed values are `Observed`, and `compare` compares them: a pure function
of both and of records, like a leaderboard.
"""

from rtsr_bench.paper.compare import Cell, Compared, ComparedRow, Tally, Verdict, compare
from rtsr_bench.paper.observed import (
    KEPT_IN,
    Observed,
    ObservedBicubic,
    ObservedCount,
    keep_observed,
    load_observed,
)
from rtsr_bench.paper.printed import (
    AS_PRINTED,
    QUANTITIES,
    BicubicAsk,
    CountAsk,
    PaperRow,
    PaperTable,
    Printed,
    Quantity,
    Reason,
    all_reasons,
    all_tables,
)

__all__ = [
    "AS_PRINTED",
    "KEPT_IN",
    "QUANTITIES",
    "BicubicAsk",
    "Cell",
    "Compared",
    "ComparedRow",
    "CountAsk",
    "Observed",
    "ObservedBicubic",
    "ObservedCount",
    "PaperRow",
    "PaperTable",
    "Printed",
    "Quantity",
    "Reason",
    "Tally",
    "Verdict",
    "all_reasons",
    "all_tables",
    "compare",
    "keep_observed",
    "load_observed",
]
