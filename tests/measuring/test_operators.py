"""Which operators hold multiply-adds: every operator of torch is classified, and every formula has its value."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import flop_registry

from rtsr_bench.formats.torch_export.loading import Exported
from rtsr_bench.measuring.complexity import count
from rtsr_bench.measuring.guest import Guest
from rtsr_bench.measuring.operators import _FORMULAS, OWN, has_formula, is_product, macs
from rtsr_bench.protocol import Size
from rtsr_bench.record import Count
from rtsr_bench.wire import CountOperations

CLASSES = {
    kind: frozenset(text.split())
    for kind, text in tomllib.loads(Path(__file__).with_name("operators.toml").read_text(encoding="utf-8")).items()
}
"""formula, product (without a formula), nothing (takes several tensors and multiplies no pairs, or is named so)."""


def registered() -> dict[str, list[Any]]:
    """Every operator of torch's own, by name, with its overloads."""
    found: dict[str, list[Any]] = {}
    for full in torch._C._dispatch_get_all_op_names():
        namespace, _, rest = full.partition("::")
        name, _, overload = rest.partition(".")
        if namespace in OWN:
            packet = getattr(getattr(torch.ops, namespace), name)
            found.setdefault(f"{namespace}.{name}", []).append(getattr(packet, overload or "default"))
    return found


def is_taken_apart(overloads: list[Any]) -> bool:
    """Whether torch computes it by other operators, which are counted one by one."""
    composite = "CompositeImplicitAutograd"
    return all(torch._C._dispatch_has_kernel_for_dispatch_key(one.name(), composite) for one in overloads)


def takes_pairs(overloads: list[Any]) -> bool:
    """Whether it takes several tensors, and torch does not say that it is element-wise or a view."""
    if any(torch.Tag.pointwise in one.tags or one.is_view for one in overloads):
        return False
    inputs = [[arg for arg in one._schema.arguments if not arg.is_out] for one in overloads]
    return any(sum("Tensor" in str(arg.type) for arg in args) > 1 for args in inputs)


def test_every_operator_of_torch_is_classified() -> None:
    found: dict[str, set[str]] = {kind: set() for kind in CLASSES}
    for name, overloads in registered().items():
        if is_taken_apart(overloads):
            continue
        if has_formula(overloads[0]._overloadpacket):
            found["formula"].add(name)
        elif is_product(*name.split(".")):
            found["product"].add(name)
        elif takes_pairs(overloads):
            found["nothing"].add(name)
    for kind, names in found.items():
        # An older torch has fewer. A newer one's operators want a look at what they compute, and a line in the file.
        assert sorted(names - CLASSES[kind]) == [], f"classify these as {kind}, or mend the rule in operators.py"


WITHOUT_FORMULA = """
_fft_r2c _fft_c2c _cdist_forward _pdist_forward _trilinear _cudnn_rnn linalg_qr linalg_inv_ex _linalg_svd cholesky
triangular_solve conv_tbc _int_mm _weight_int8pack_mm mkldnn_linear quantized_lstm linalg_matrix_exp
"""
NO_PRODUCTS = """
_safe_softmax _softmax upsample_bilinear2d upsample_bicubic2d _upsample_bicubic2d_aa grid_sampler_2d sort topk
native_layer_norm native_batch_norm linalg_vector_norm max_pool2d_with_indices embedding mul addcmul cumsum roll
resolve_conj _prelu_kernel glu lerp unfold_copy im2col histc
"""


@pytest.mark.parametrize("name", WITHOUT_FORMULA.split())
def test_a_product_without_a_formula_is_one(name: str) -> None:
    assert is_product("aten", name)
    assert not has_formula(getattr(torch.ops.aten, name))


@pytest.mark.parametrize("name", NO_PRODUCTS.split())
def test_an_operator_without_multiply_adds_is_no_product(name: str) -> None:
    assert not is_product("aten", name)


@pytest.mark.parametrize("name", ["quantized.conv2d", "mkldnn._convolution_pointwise", "torchvision.deform_conv2d"])
def test_an_operator_of_another_library_may_hold_anything(name: str) -> None:
    assert is_product(*name.split("."))


def meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


B, L, K, D = 2, 5, 7, 12
CONV = (meta(B, 8, 6, 6), [meta(B, 4, 6, 6), meta(8, 2, 3, 3)], B * 8 * 36 * 2 * 9)
TRANSPOSED = (meta(B, 3, 12, 12), [meta(B, 4, 6, 6), meta(4, 3, 2, 2)], B * 4 * 36 * 3 * 4)
HEADS = (meta(B, 3, L, 8), [meta(B, 3, L, 4), meta(B, 3, K, 4), meta(B, 3, K, 8)], B * 3 * L * K * (4 + 8))
LAYER_WEIGHTS = [None] * 4 + [False, False, 1e-5] + [None] * 4 + [meta(20, D), None, meta(D, 20), None]
VALUES: dict[str, tuple[Any, list[Any], int]] = {
    **{name: TRANSPOSED if "transpose" in name else CONV for name in _FORMULAS if "conv" in name},
    **{name: HEADS for name in _FORMULAS if name.startswith("_scaled_dot_product")},
    "_native_multi_head_attention": (
        None,
        [meta(B, L, D), meta(B, K, D), meta(B, K, D), D, 3, None, None, None, None],
        B * (L * D * D + 2 * K * D * D + 2 * L * K * D + L * D * D),
    ),
    "_transformer_encoder_layer_fwd": (
        None,
        [meta(B, L, D), D, 3, *LAYER_WEIGHTS],
        B * (4 * L * D * D + 2 * L * L * D) + B * L * 2 * 20 * D,
    ),
    "dot": (meta(), [meta(9), meta(9)], 9),
    "vdot": (meta(), [meta(9), meta(9)], 9),
    "mv": (meta(4), [meta(4, 9), meta(9)], 36),
    "addmv": (meta(4), [meta(4), meta(4, 9), meta(9)], 36),
    "addbmm": (meta(3, 5), [meta(3, 5), meta(B, 3, 4), meta(B, 4, 5)], B * 3 * 4 * 5),
    "_addmm_activation": (meta(3, 5), [meta(3, 5), meta(3, 4), meta(4, 5)], 60),
    "affine_grid_generator": (meta(B, 6, 7, 2), [meta(B, 2, 3), [B, 3, 6, 7], False], B * 6 * 7 * 2 * 3),
    "cudnn_affine_grid_generator": (meta(B, 6, 7, 2), [meta(B, 2, 3), B, 3, 6, 7], B * 6 * 7 * 2 * 3),
}


@pytest.mark.parametrize("name", sorted(_FORMULAS))
def test_each_formula_of_ours_gives_the_arithmetic(name: str) -> None:
    out, args, expected = VALUES[name]
    packet = getattr(torch.ops.aten, name, None)
    if packet is None or packet in flop_registry:
        pytest.skip("this torch lacks the operator, or has a formula of its own")
    assert macs(packet, args, {}, out) == expected


def test_an_operator_in_place_counts_as_the_other() -> None:
    assert macs(torch.ops.aten.addmm_, [meta(3, 5), meta(3, 4), meta(4, 5)], {}, meta(3, 5)) == 60


def test_a_tensor_that_no_formula_can_read_is_not_counted_and_ends_nothing() -> None:
    assert macs(torch.ops.aten.mm, [object(), object()], {}, None) is None


class Plain(nn.Module):
    """One convolution, 3 * 12 * 9 multiply-adds a pixel, and whatever a test adds to it."""

    MACS = 3 * 12 * 9

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def more(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.more(self.conv(x)), 2)


def counted(model: nn.Module, *, computed: bool = True) -> Count:
    guest = Guest(build=lambda: model, device=torch.device("cpu"), data_range=1.0)
    (one,) = count(guest, CountOperations(sizes=(Size(8, 10),), computed=computed)).counts
    return one


class Fourier(Plain):
    def more(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[-2:])


class Distances(Plain):
    def more(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.cdist(x.flatten(2), x.flatten(2)).mean()


class Pairs(Plain):
    def more(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.permute(0, 2, 3, 1).contiguous()
        return nn.functional.bilinear(rows, rows, x.new_ones(12, 12, 12)).permute(0, 3, 1, 2)


class FreeParts(Plain):
    """Softmax, sorting, sampling, interpolation, norms: work without multiply-adds as the field counts them."""

    def more(self, x: torch.Tensor) -> torch.Tensor:
        small = nn.functional.interpolate(x, scale_factor=0.5, mode="bicubic", align_corners=False, antialias=True)
        large = nn.functional.interpolate(small, x.shape[-2:], mode="bilinear", align_corners=False)
        grid = torch.stack([x[:, 0], x[:, 1]], dim=-1)
        sampled = nn.functional.grid_sample(large, grid, align_corners=False)
        ordered = sampled.sort(dim=1).values.softmax(dim=1).cumsum(dim=1)
        with torch.profiler.record_function("a marker of the profiler"):
            return nn.functional.layer_norm(ordered, ordered.shape[-2:])


class Spelled(Plain):
    """Products under the names that torch takes apart."""

    def more(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2).transpose(1, 2)
        mixed = torch.einsum("bnc,dc->bnd", rows, x.new_ones(12, 12))
        mixed = torch.tensordot(mixed, x.new_ones(12, 12), dims=1) @ x.new_ones(12, 12)
        return nn.functional.linear(mixed, x.new_ones(12, 12)).transpose(1, 2).reshape(x.shape)


PIXELS = 80


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (Fourier(), {"aten._fft_r2c", "aten._fft_c2r"}),
        (Distances(), {"aten._cdist_forward"}),
        (Pairs(), {"aten._trilinear"}),
    ],
    ids=["fft", "cdist", "bilinear"],
)
def test_a_network_with_a_product_without_a_formula_is_counted_in_part_and_says_so(
    model: Plain, named: set[str]
) -> None:
    one = counted(model)
    assert one.macs == Plain.MACS * PIXELS
    assert named <= set(one.uncounted)
    assert all("softmax" not in name and "norm" not in name for name in one.uncounted)


@pytest.mark.parametrize("computed", [False, True])
def test_work_without_multiply_adds_counts_nothing_and_voids_nothing(computed: bool) -> None:
    one = counted(FreeParts(), computed=computed)
    assert (one.macs, one.uncounted) == (Plain.MACS * PIXELS, {})


@pytest.mark.parametrize("computed", [False, True])
def test_a_product_counts_the_same_under_every_name(computed: bool) -> None:
    one = counted(Spelled(), computed=computed)
    assert (one.macs, one.uncounted) == ((Plain.MACS + 4 * 144) * PIXELS, {})


def test_a_custom_operator_is_named() -> None:
    library = torch.library.Library("rtsr_test_operators", "DEF")
    library.define("mystery(Tensor x) -> Tensor")
    library.impl("mystery", lambda x: x.clone(), "CompositeExplicitAutograd")

    class Custom(Plain):
        def more(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ops.rtsr_test_operators.mystery(x)

    one = counted(Custom())
    assert (one.macs, one.uncounted) == (Plain.MACS * PIXELS, {"rtsr_test_operators.mystery": 1})


def test_what_an_exported_program_runs_in_another_grad_mode_is_counted(tmp_path: Path) -> None:
    class Switches(Plain):
        def more(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return self.twice(x)

        def __init__(self) -> None:
            super().__init__()
            self.twice = nn.Conv2d(12, 12, 1)

    program = torch.export.export(Switches(), (torch.rand(1, 3, 8, 10),))
    inside = [node.target for node in program.graph.nodes if node.op == "call_function"]
    assert any(isinstance(one, torch._ops.HigherOrderOperator) for one in inside), "torch writes no region any more"
    torch.export.save(program, tmp_path / "model.pt2")
    one = counted(Exported(torch.export.load(tmp_path / "model.pt2")))
    assert (one.macs, one.convs, one.uncounted) == ((Plain.MACS + 144) * PIXELS, 2, {})


def test_flops_are_twice_the_macs() -> None:
    one = counted(Plain())
    assert one.flops == 2 * one.macs == 2 * math.prod((3, 12, 9, PIXELS))
