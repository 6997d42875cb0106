"""The ways to hand in a model: one file each, and its line in `FORMATS`.

A format says which keys of a `[[model]]` table it reads, checks them, and describes as plain data what the child needs
to load the model. It never loads anything itself.
"""

from __future__ import annotations

from rtsr_bench.submissions.formats.format import Format
from rtsr_bench.submissions.formats.graphs import ONNX, TORCH_EXPORT, TORCHSCRIPT
from rtsr_bench.submissions.formats.ntire_esr import NTIRE_ESR
from rtsr_bench.submissions.formats.python import PYTHON
from rtsr_bench.submissions.formats.reference import REFERENCE

FORMATS: dict[str, Format] = {
    form.name: form for form in (PYTHON, TORCHSCRIPT, TORCH_EXPORT, ONNX, REFERENCE, NTIRE_ESR)
}

__all__ = ["FORMATS", "PYTHON", "Format"]
