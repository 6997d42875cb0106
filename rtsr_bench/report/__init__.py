"""Records to pages: static HTML, figures and exports; the same bytes for the same records. Loads no torch."""

from rtsr_bench.report.site import Site, build

__all__ = ["Site", "build"]
