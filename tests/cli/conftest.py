"""Fixtures of the command line's tests."""

from conftest_cli import good, once, rtsr_bench, tiny

__all__ = ["good", "once", "rtsr_bench", "tiny"]
