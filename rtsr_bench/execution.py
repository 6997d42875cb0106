"""How a model is run: backend, precision, autocast, memory format, TF32. Part of a protocol and of a record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

Option = str | int | float | bool
"""A setting of one backend."""


class Precision(StrEnum):
    """Precisions of a timed pass: `fp16`/`bf16` convert weights and input, `amp-*` runs fp32 under autocast."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    AMP_FP16 = "amp-fp16"
    AMP_BF16 = "amp-bf16"


_AUTOCAST = {Precision.AMP_FP16: Precision.FP16, Precision.AMP_BF16: Precision.BF16}


class MemoryFormat(StrEnum):
    """Memory layout of an image tensor (N, C, H, W): NCHW or NHWC."""

    CONTIGUOUS = "contiguous"
    CHANNELS_LAST = "channels-last"


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """How a model is run; equal values mean that models were run in the same way.

    `backend` names what prepares the model (see `rtsr_bench.backends`), `options` are settings of that backend.
    `memory_format` is that of the model's input; `tf32` lets cuDNN and cuBLAS compute fp32 in TF32.
    """

    backend: str = "eager"
    precision: Precision = Precision.FP32
    memory_format: MemoryFormat = MemoryFormat.CONTIGUOUS
    tf32: bool = False
    options: dict[str, Option] = field(default_factory=dict)

    @property
    def weights(self) -> Precision:
        """The precision of weights and input: `fp32`, `fp16` or `bf16`. Autocast keeps both in fp32."""
        return Precision.FP32 if self.precision in _AUTOCAST else self.precision

    @property
    def autocast(self) -> Precision | None:
        """The precision of autocast, None without autocast."""
        return _AUTOCAST.get(self.precision)

    @property
    def words(self) -> str:
        """The execution for readers, such as `eager, fp16` or `channels-last, fp32, TF32`."""
        options = [f"{name} {value}" for name, value in sorted(self.options.items())]
        return ", ".join([self.backend, self.precision.value, *(["TF32"] if self.tf32 else []), *options])

    def in_precision(self, precision: Precision) -> Execution:
        """Return the same execution in another precision."""
        return replace(self, precision=precision)


EAGER_FP32 = Execution()
"""PyTorch eager mode in IEEE single precision: how a model is loaded and checked."""
