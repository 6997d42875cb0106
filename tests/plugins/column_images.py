"""A column from outside: how many images the means are over."""

from rtsr_bench.report.column import BoardColumn, add_column

add_column(
    BoardColumn(
        key="images",
        label="Images",
        digits=0,
        explanation="How many images the means are over.",
        value=lambda row: row.fidelity.images if row.fidelity else None,
    )
)
