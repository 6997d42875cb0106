"""Fixtures of the command line's tests."""

from conftest_cli import rtsr_bench, tiny

__all__ = ["rtsr_bench", "tiny"]
