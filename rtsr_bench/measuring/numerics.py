"""How exactly fp32 is computed, set by the harness before every block of calls: a guest may have changed it.

`fp32` means IEEE single precision everywhere: no TF32 in cuDNN's convolutions (where torch has it on by default) or in
matrix products on CUDA, no bfloat16 or TF32 inside oneDNN on a CPU. With `tf32` cuDNN and cuBLAS may use TF32.
"""

from __future__ import annotations

from typing import Any

import torch

_set_matmul: Any = torch.set_float32_matmul_precision
_matmul: Any = torch.backends.cuda.matmul
_cudnn: Any = torch.backends.cudnn
_mkldnn: Any = torch.backends.mkldnn
_tiny = torch.tensor([1e-39])
_NEW = hasattr(_matmul, "fp32_precision")
"""Torch 2.9 and later set the number format by operator; reading the older flags raises where the two disagree."""


def settle(*, tf32: bool) -> None:
    """Set every switch of this process; the older flags first, so that reading either kind works afterwards."""
    _set_matmul("high" if tf32 else "highest")
    _matmul.allow_tf32 = tf32
    _cudnn.allow_tf32 = tf32
    if _NEW:
        for part in (_matmul, _cudnn.conv, _cudnn.rnn):
            part.fp32_precision = "tf32" if tf32 else "ieee"
        for part in (_mkldnn.matmul, _mkldnn.conv, _mkldnn.rnn):
            part.fp32_precision = "ieee"


def facts() -> dict[str, str]:
    """Return what is set now, in words for a record."""
    return {"tf32_matmul": _word(_matmul), "tf32_cudnn": _word(getattr(_cudnn, "conv", _cudnn))}


def denormals() -> str:
    """Whether this thread computes with numbers below 1.2e-38, `kept`, or takes them for zero, `flushed`."""
    return "kept" if float(_tiny * 1.0) else "flushed"


def changed(*, tf32: bool) -> list[str]:
    """Set everything as it should be; returns a sentence where it was not, for instance because a guest set it."""
    before = facts()
    settle(tf32=tf32)
    notes = ["The submission flushes denormal numbers to zero."] if denormals() == "flushed" else []
    if facts() == before:
        return notes
    if tf32:
        return [*notes, "The submission switched TF32 off; the protocol asks for it, so it was switched on again."]
    return [*notes, "The submission switched TF32 on; fp32 is measured without it, so it was switched off again."]


def _word(part: Any) -> str:
    if _NEW:
        return str(part.fp32_precision == "tf32")
    return str(part.allow_tf32)
