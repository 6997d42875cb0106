"""Computing what the RT4KSR paper's tables can be compared with: counts of built models, bicubic's rows.

Models are built in the sandbox's child, like any guest's: they are ours, but the harness imports no model's code.
"""

from rtsr_bench.reproduce.bicubic import bicubic_rows
from rtsr_bench.reproduce.counts import count_models

__all__ = ["bicubic_rows", "count_models"]
