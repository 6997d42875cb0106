"""The ways to hand in a model: one file each, and its line in `FORMATS`.

A format says which keys of a `[[model]]` table it reads, checks them, and describes as plain data what the child needs
to load the model. It never loads anything itself.
"""

from __future__ import annotations

from rtsr_bench.submissions.formats.format import Format
from rtsr_bench.submissions.formats.python import PYTHON

FORMATS: dict[str, Format] = {form.name: form for form in (PYTHON,)}

PLANNED = ("torchscript", "torch-export", "onnx", "ntire-esr")
"""Formats that have a name but no file yet: a manifest that asks for one is told so."""

__all__ = ["FORMATS", "PLANNED", "PYTHON", "Format"]
