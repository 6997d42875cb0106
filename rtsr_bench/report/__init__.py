"""Records to pages: static HTML, figures and exports; deterministic, without torch."""

from rtsr_bench.report.site import Site, build

__all__ = ["Site", "build"]
