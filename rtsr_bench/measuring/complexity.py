"""Parameters as deployed, and operations of one forward pass, every call counted where torch dispatches it.

Formulas are torch's own (`torch.utils.flop_counter`): convolutions, transposed ones, matrix products, attention; 1 MAC
is 2 FLOPs. Element-wise work, norms, pooling, padding and data movement count nothing, as in the field. An operator
that has no formula and is none of these is listed by name, so that an incomplete count says so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from rtsr_bench.measuring.formats.deployed import Deployed
from rtsr_bench.measuring.guest import Guest
from rtsr_bench.protocol import Precision, Size

_FREE_NAMES = """
_adaptive_avg_pool2d _local_scalar_dense _log_softmax _native_batch_norm_legit_no_training _reshape_alias
_prelu_kernel _softmax _to_copy _unsafe_index _unsafe_view alias all amax amin any arange argmax as_strided avg_pool2d
bernoulli_ cat channel_shuffle clone col2im constant_pad_nd copy_ cudnn_batch_norm cumsum detach empty
empty_like expand fill_ full full_like gather im2col index index_put_ index_select is_same_size item
lift_fresh linalg_vector_norm linspace masked_fill max max_pool2d_with_indices mean min native_batch_norm
native_group_norm native_layer_norm new_empty new_full new_ones new_zeros normal_ ones ones_like pixel_shuffle
pixel_unshuffle prod reflection_pad2d repeat replication_pad2d resize_ roll scalar_tensor scatter
select_scatter set_ slice_scatter split_with_sizes_copy stack std std_mean sum topk tril triu unbind_copy
uniform_ var var_mean where zeros zeros_like
"""
_FREE = frozenset(_FREE_NAMES.split())
_CONVS = frozenset(
    {"convolution", "_convolution", "cudnn_convolution", "mkldnn_convolution", "slow_conv2d_forward", "conv2d"}
)


class _Counting(TorchDispatchMode):
    """Adds up what passes through the dispatcher while it is active."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's dispatch mode carries no types
        self.flops = self.activations = self.convs = 0
        self.uncounted: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        keywords = dict(kwargs or {})
        if func._overloadpacket not in flop_registry:  # noqa: SLF001 - how torch's own counter tells operators apart
            with self:
                parts = func.decompose(*args, **keywords)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **keywords)
        packet = func._overloadpacket  # noqa: SLF001 - as above
        name = packet.__name__
        if packet in flop_registry:
            self.flops += int(flop_registry[packet](*args, **keywords, out_val=out))
        elif not _is_free(func, name):
            self.uncounted[str(packet)] += 1
        if name in _CONVS:
            self.convs += 1
            self.activations += int(math.prod(out.shape))
        return out


def _is_free(func: Any, name: str) -> bool:
    if func.namespace not in ("aten", "prim", "prims"):
        return False
    return name in _FREE or torch.Tag.pointwise in func.tags or func.is_view or name.removesuffix("_copy") in _FREE


def count(guest: Guest, request: Mapping[str, Any]) -> dict[str, Any]:
    """Count one pass at each LR size: on the meta device, or really computed where the model can't live there.

    Returns `params` (elements of all parameters) and, per size, MACs, FLOPs, activations (output elements of
    convolutions), the number of convolutions, and the uncounted operators by name.
    """
    model = guest.model(Precision.FP32)
    sizes = [Size(*size) for size in request["sizes"]]
    if isinstance(model, Deployed):
        return {"params": model.params(), "counts": model.counts(sizes) or [_graph(model, one, guest) for one in sizes]}
    params = sum(parameter.numel() for parameter in model.parameters())
    try:
        meta = guest.build().eval().to("meta")
        counts = [_one(meta, size, torch.device("meta")) for size in sizes]
    except Exception:  # noqa: BLE001 - whatever a guest's model does not do on the meta device, it can do for real
        counts = [_one(model, size, guest.device) for size in sizes]
    return {"params": params, "counts": counts}


def _graph(model: Deployed, size: Size, guest: Guest) -> dict[str, Any]:
    """Count a graph by running it; where nothing passes the dispatcher it was fused into one, and so is not counted.

    A graph that accepts another size only is said to be uncounted, too: it has no cost at this one.
    """
    if model.size not in (None, size):
        nothing = dict.fromkeys(("macs", "flops", "activations", "convs"), 0)
        named = {f"the whole graph (accepts {model.size} only)": 1}
        return {"input": {"height": size.height, "width": size.width}, **nothing, "uncounted": named}
    counted = _one(model, size, guest.device)
    if not counted["flops"]:
        counted["uncounted"] = {**counted["uncounted"], f"the whole graph ({model.kind})": 1}
    return counted


def _one(model: torch.nn.Module, size: Size, device: torch.device) -> dict[str, Any]:
    tensor = torch.zeros(1, 3, size.height, size.width, device=device)
    counting = _Counting()
    with torch.no_grad(), counting:
        model(tensor)
    return {
        "input": {"height": size.height, "width": size.width},
        "macs": counting.flops // 2,
        "flops": counting.flops,
        "activations": counting.activations,
        "convs": counting.convs,
        "uncounted": dict(sorted(counting.uncounted.items())),
    }
