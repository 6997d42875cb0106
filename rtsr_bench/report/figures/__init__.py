"""Figures as inline SVG whose colours are the page's own, readable in light and dark and by a screen reader."""

from rtsr_bench.report.figures.latency import latency_figure
from rtsr_bench.report.figures.samples import samples_figure
from rtsr_bench.report.figures.scatter import SMALL, Point, scatter_figure

__all__ = ["SMALL", "Point", "latency_figure", "samples_figure", "scatter_figure"]
