"""Which operators hold multiply-adds, and how many: the rule behind every count (docs/metrics.md has its sources).

A *product* sums pairs of multiplied values: convolutions, matrix and vector products, attention, recurrent layers,
Fourier transforms, distance matrices, factorisations and solvers. A product is counted by its formula; one without a
formula is named as uncounted. Every other operator of torch itself counts nothing, whatever it is called: element-wise
work, norms, softmax, pooling, interpolation and sampling, sorting, indexing, padding, reductions, data movement. An
operator of another library (a custom or quantised one) can hold anything and is named as uncounted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

OWN = frozenset({"aten", "prim", "prims"})
"""Namespaces of torch's own operators."""

_WORDS = re.compile(
    r"\w*mm|\w*mv|v?dot|\w*matmul|conv(olution)?([123]d)?|linear|(bi|tri)linear|einsum|attention|rnn|lstm|gru|fft"
    r"|[cp]dist|euclidean|encoder|linalg|cholesky|lu|qr|svd|eigh?|(sp)?solve|lstsq|slogdet|logdet|det|pinv"
    r"|geqrf|orgqr|ormqr|householder|lobpcg"
)
"""Words of operators' names that stand for a product: names are taken apart at their underscores."""

_NO_PRODUCT = frozenset({
    "linalg_vector_norm", "linalg_cross", "linalg__powsum", "_linalg_check_errors",
    "lu_unpack", "mkldnn_reorder_conv2d_weight", "mkldnn_reorder_conv3d_weight", "_cudnn_rnn_flatten_weight",
    "_thnn_fused_gru_cell", "_thnn_fused_lstm_cell", "_thnn_fused_gru_cell_backward", "_thnn_fused_lstm_cell_backward",
    "_thnn_fused_lstm_cell_backward_impl",
})  # fmt: skip
"""Norms, an element-wise product, what lays weights out, the element-wise part of a recurrent cell: all so named."""

_Formula = Callable[..., int]


def is_product(namespace: str, name: str) -> bool:
    """Whether an operator (without overload, `aten.addmm` as `"aten", "addmm"`) may hold multiply-adds."""
    if namespace not in OWN:
        return True
    if name in _NO_PRODUCT or name.removesuffix("_") in _NO_PRODUCT:
        return False
    return any(_WORDS.fullmatch(word) for word in name.split("_"))


def has_formula(packet: Any) -> bool:
    """Whether an operator's multiply-adds are known from its arguments."""
    packet = _out_of_place(packet)
    return packet in flop_registry or (_is_aten(packet) and packet.__name__ in _FORMULAS)


def macs(packet: Any, args: Sequence[Any], keywords: Mapping[str, Any], out: Any) -> int | None:
    """Multiply-adds of one call of an operator, None where it has no formula or its formula does not know this form.

    The formulas are torch's own (`torch.utils.flop_counter`, 1 MAC = 2 FLOPs), and those of `_FORMULAS`.
    """
    packet = _out_of_place(packet)
    try:
        if packet in flop_registry:
            return int(flop_registry[packet](*args, **keywords, out_val=out)) // 2
        return _FORMULAS[packet.__name__](out, *args, **keywords) if has_formula(packet) else None
    except Exception:  # noqa: BLE001 - a nested or sparse tensor has no shape that a formula could read
        return None


def _out_of_place(packet: Any) -> Any:
    """`addmm` for `addmm_`: they take the same arguments."""
    name = packet.__name__
    return getattr(torch.ops.aten, name[:-1], packet) if _is_aten(packet) and name.endswith("_") else packet


def _is_aten(packet: Any) -> bool:
    return str(packet).startswith("aten.")


def is_convolution(name: str) -> bool:
    """Whether a counted operator is a convolution, transposed ones included."""
    return any(word.startswith("conv") for word in name.split("_"))


def _conv(out: torch.Tensor, source: torch.Tensor, weight: torch.Tensor, *_: Any, **__: Any) -> int:
    """Each output element is a sum over one filter."""
    del source
    return out.numel() * math.prod(weight.shape[1:])


def _conv_transpose(out: torch.Tensor, source: torch.Tensor, weight: torch.Tensor, *_: Any, **__: Any) -> int:
    """Each input element meets one filter."""
    del out
    return source.numel() * math.prod(weight.shape[1:])


def _attention(_out: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any) -> int:
    """Two products: of queries and keys, and of the weights with the values."""
    return math.prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _multi_head(_out: Any, query: torch.Tensor, key: torch.Tensor, _value: Any, width: int, *_: Any, **__: Any) -> int:
    """Projections of queries, keys and values, attention, and the projection behind it; all of the same width."""
    batch, asked, known = query.shape[0], query.shape[1], key.shape[1]
    return batch * ((2 * asked + 2 * known) * width * width + 2 * asked * known * width)


def _encoder_layer(out: torch.Tensor, source: torch.Tensor, width: int, *args: Any, **_: Any) -> int:
    """Attention of the source with itself, and two linear layers (their weights: arguments 14 and 16)."""
    rows = math.prod(source.shape[:-1])
    weights = int(args[12].numel() + args[14].numel())
    return _multi_head(out, source, source, source, width) + rows * weights


_FORMULAS: dict[str, _Formula] = {
    **dict.fromkeys(
        (
            "mkldnn_convolution", "cudnn_convolution_relu", "cudnn_convolution_add_relu", "_conv_depthwise2d",
            "conv_depthwise3d", "slow_conv3d_forward", "slow_conv_dilated2d", "slow_conv_dilated3d",
            "miopen_convolution", "miopen_convolution_relu", "miopen_convolution_add_relu",
            "miopen_depthwise_convolution", "_mps_convolution", "_nnpack_spatial_convolution",
        ),
        _conv,
    ),
    **dict.fromkeys(
        (
            "cudnn_convolution_transpose", "miopen_convolution_transpose", "slow_conv_transpose2d",
            "slow_conv_transpose3d", "_mps_convolution_transpose",
        ),
        _conv_transpose,
    ),
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_fused_attention_overrideable",
            "_scaled_dot_product_attention_math_for_mps",
        ),
        _attention,
    ),
    "_native_multi_head_attention": _multi_head,
    "_transformer_encoder_layer_fwd": _encoder_layer,
    **dict.fromkeys(
        ("affine_grid_generator", "cudnn_affine_grid_generator"),
        lambda out, theta, *_, **__: out.numel() * theta.shape[-1],
    ),
    "dot": lambda _, first, *__, **___: first.numel(),
    "vdot": lambda _, first, *__, **___: first.numel(),
    "mv": lambda _, matrix, *__, **___: matrix.numel(),
    "addmv": lambda _, __, matrix, *___, **____: matrix.numel(),
    "addbmm": lambda _, __, first, second, *___, **____: first.numel() * second.shape[-1],
    "_addmm_activation": lambda _, __, first, second, *___, **____: first.numel() * second.shape[-1],
}  # fmt: skip
"""Multiply-adds of torch's own products that its registry lacks, from the output and the arguments of a call."""
