"""Values to compare with the RT4KSR paper's tables: counts of built models, and bicubic's rows.

Models are built in the sandbox's child, like any guest's, because the harness imports no model code.
"""

from rtsr_bench.reproduce.bicubic import bicubic_rows
from rtsr_bench.reproduce.counts import count_models

__all__ = ["bicubic_rows", "count_models"]
