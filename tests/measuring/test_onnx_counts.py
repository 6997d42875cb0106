"""What an ONNX graph is said to hold: the same numbers whatever way its weights, inputs and shapes are written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.formats.onnx import counting as onnx_counts
from rtsr_bench.measuring.complexity import count
from rtsr_bench.measuring.enhance import forward
from rtsr_bench.measuring.guest import Guest
from rtsr_bench.measuring.loading import load
from rtsr_bench.protocol import Size
from rtsr_bench.wire import CountOperations, LoadModel

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

CASES = Path(__file__).with_name("cases")
SIZE = Size(6, 8)
FLOAT, INT8, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT8, onnx.TensorProto.INT64
node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info


def guest_of(path: Path, scale: int = 2) -> Guest:
    request = LoadModel(format="onnx", folder=path.parent, checkpoint=path, scale=scale)
    return load(request, torch.device("cpu"))


def weight(name: str, *dims: int, kind: int = FLOAT) -> Any:
    return onnx.helper.make_tensor(name, kind, dims, [0] * math.prod(dims))


def saved(path: Path, nodes: list[Any], weights: list[Any], shape: Any = (1, 3, "h", "w"), **more: Any) -> str:
    inputs = [info("x", FLOAT, shape)]
    graph = onnx.helper.make_graph(nodes, "net", inputs, [info("y", FLOAT, None)], weights, **more)
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("own", 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 9
    onnx.save(model, path)
    return str(path)


FORMS = ("onnx_constants", "onnx_initializers", "onnx_initializers_first_among_inputs")


@pytest.mark.parametrize("form", FORMS)
def test_a_network_counts_the_same_however_its_weights_are_written(form: str) -> None:
    guest = guest_of(CASES / form / "net.onnx", scale=4)
    counted = count(guest, CountOperations(sizes=(Size(64, 96),)))
    kernels = 3 * 64 * 9 + 64 * 48 * 9 + 3 * 48
    assert counted.params == kernels + 48  # one of the three has a bias
    (one,) = counted.counts
    assert (one.macs, one.convs, one.uncounted) == (kernels * 64 * 96, 3, {})
    assert one.activations == (64 + 48 + 48) * 64 * 96


@pytest.mark.parametrize("form", ["onnx_initializers_as_inputs", "onnx_no_shape"])
def test_the_image_is_the_input_that_is_no_initializer_whatever_shape_is_declared(form: str) -> None:
    guest = guest_of(CASES / form / "net.onnx")
    assert forward(guest, torch.rand(1, 3, 9, 11), EAGER_FP32).shape == (1, 3, 18, 22)
    counted = count(guest, CountOperations(sizes=(Size(64, 96), Size(256, 256))))
    assert counted.params == 3 * 12 * 9 + 12
    macs = [3 * 12 * 9 * height * width for height, width in ((64, 96), (256, 256))]
    assert [one.macs for one in counted.counts] == macs
    assert not any(one.uncounted for one in counted.counts)


def test_a_shape_that_does_not_follow_from_the_graph_is_found_by_running(tmp_path: Path) -> None:
    # How many columns are kept depends on the values of the mask; the kept ones are no fixed share of the width.
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Compress", ["a", "where"], ["kept"], axis=2),
        node("Conv", ["kept", "w2"], ["y"]),
    ]
    where = onnx.helper.make_tensor("where", onnx.TensorProto.BOOL, [4], [True, False, True, True])
    weights = [weight("w", 4, 3, 1, 1), weight("w2", 5, 4, 1, 1), where]
    path = saved(tmp_path / "net.onnx", nodes, weights)
    one = onnx_counts.count(path, SIZE)
    assert one.macs == 3 * 4 * SIZE.pixels + 4 * 5 * 3 * SIZE.width
    assert one.uncounted == {}


def test_product_of_unknown_shape_is_named(tmp_path: Path) -> None:
    nodes = [node("Mystery", ["x"], ["a"], domain="own"), node("Conv", ["a", "w"], ["y"])]
    path = saved(tmp_path / "net.onnx", nodes, [weight("w", 4, 3, 1, 1)])
    assert onnx_counts.count(path, SIZE).uncounted == {"own.Mystery": 1, "Conv of unknown shape": 1}


def test_settings_of_operators_and_literals_are_no_parameters(tmp_path: Path) -> None:
    scales = onnx.helper.make_tensor("scales", FLOAT, [4], [1.0, 1.0, 2.0, 2.0])
    nodes = [
        node("Conv", ["x", "w", "b"], ["a"], pads=[1] * 4),
        node("BatchNormalization", ["a", "gain", "shift", "mean", "variance"], ["n"]),
        node("Constant", [], ["half"], value=weight("half", 1, 4, 1, 1)),
        node("Sub", ["n", "half"], ["s"]),
        node("Mul", ["s", "gate"], ["g"]),
        node("Resize", ["g", "", "scales"], ["y"], mode="linear"),
    ]
    norm = [weight(name, 4) for name in ("gain", "shift", "mean", "variance")]
    weights = [weight("w", 4, 3, 3, 3), weight("b", 4), *norm, weight("gate", 1, 4, 1, 1), scales]
    path = saved(tmp_path / "net.onnx", nodes, weights)
    assert onnx_counts.params(path) == 4 * 3 * 9 + 4 + 2 * 4 + 4
    assert onnx_counts.count(path, SIZE).uncounted == {}


def test_a_constant_is_a_weight_in_whatever_form_it_reaches_a_product(tmp_path: Path) -> None:
    nodes = [
        node("Constant", [], ["flat"], value=weight("flat", 4 * 3 * 9)),
        node("Constant", [], ["shape"], value=onnx.helper.make_tensor("s", INT64, [4], [4, 3, 3, 3])),
        node("Reshape", ["flat", "shape"], ["w"]),
        node("DequantizeLinear", ["w8", "step"], ["w2"]),
        node("Conv", ["x", "w"], ["a"]),
        node("Conv", ["a", "w2"], ["y"]),
    ]
    step = onnx.helper.make_tensor("step", FLOAT, [], [0.5])
    path = saved(tmp_path / "net.onnx", nodes, [weight("w8", 2, 4, 1, 1, kind=INT8), step])
    assert onnx_counts.params(path) == 4 * 3 * 9 + 2 * 4


def test_what_torchs_exporter_names_as_a_buffer_is_no_parameter(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "fixed"], ["a"], group=3), node("Conv", ["a", "w"], ["y"])]
    told = []
    for name, kind, dims in (("fixed", "BUFFER", [3, 1, 5, 5]), ("w", "PARAMETER", [12, 3, 1, 1])):
        one = info(name, FLOAT, dims)
        one.metadata_props.add(key="pkg.torch.export.graph_signature.InputSpec.kind", value=kind)
        told.append(one)
    weights = [weight("fixed", 3, 1, 5, 5), weight("w", 12, 3, 1, 1)]
    assert onnx_counts.params(saved(tmp_path / "told.onnx", nodes, weights, value_info=told)) == 36
    assert onnx_counts.params(saved(tmp_path / "untold.onnx", nodes, weights)) == 36 + 75


def test_products_inside_a_branch_are_named_and_others_are_not(tmp_path: Path) -> None:
    def branch(*nodes: Any) -> Any:
        return onnx.helper.make_graph(list(nodes), "branch", [], [info("out", FLOAT, None)])

    def net(then: Any, other: Any) -> list[Any]:
        return [node("If", ["yes"], ["a"], then_branch=then, else_branch=other), node("Conv", ["a", "w"], ["y"])]

    yes = onnx.helper.make_tensor("yes", onnx.TensorProto.BOOL, [], [True])
    weights = [weight("w", 4, 3, 1, 1), yes]
    plain = net(branch(node("Relu", ["x"], ["out"])), branch(node("Neg", ["x"], ["out"])))
    one = onnx_counts.count(saved(tmp_path / "plain.onnx", plain, weights), SIZE)
    assert (one.macs, one.uncounted) == (12 * SIZE.pixels, {})
    inner = weight("w2", 3, 3, 1, 1)
    convolves = net(branch(node("Conv", ["x", "w2"], ["out"])), branch(node("Neg", ["x"], ["out"])))
    path = saved(tmp_path / "convolves.onnx", convolves, [*weights, inner])
    assert onnx_counts.count(path, SIZE).uncounted == {"If over products": 1}
    assert onnx_counts.params(path) == 12 + 9


def test_a_function_of_the_models_own_is_written_out(tmp_path: Path) -> None:
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("own", 1)]
    body = [node("Conv", ["given", "kernel"], ["c"]), node("Relu", ["c"], ["out"])]
    function = onnx.helper.make_function("own", "ConvRelu", ["given", "kernel"], ["out"], body, opsets[:1])
    graph = onnx.helper.make_graph(
        [node("ConvRelu", ["x", "w"], ["y"], domain="own")],
        "net",
        [info("x", FLOAT, [1, 3, "h", "w"])],
        [info("y", FLOAT, None)],
        [weight("w", 4, 3, 1, 1)],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, functions=[function]), tmp_path / "net.onnx")
    path = str(tmp_path / "net.onnx")
    one = onnx_counts.count(path, SIZE)
    assert (onnx_counts.params(path), one.macs, one.uncounted) == (12, 12 * SIZE.pixels, {})


@pytest.mark.parametrize(
    ("equation", "first", "second", "macs"),
    [
        ("bij,bjk->bik", [2, 3, 4], [2, 4, 5], 2 * 3 * 4 * 5),
        ("bchw,dc->bdhw", [1, 4, 6, 8], [7, 4], 4 * 48 * 7),
        ("bc,bd->bcd", [2, 3], [2, 5], 0),
        ("...i,i->...", [2, 3], [3], None),
    ],
)
def test_einsum_counts_what_it_sums(equation: str, first: list[int], second: list[int], macs: int | None) -> None:
    assert onnx_counts._einsum(equation, first, second) == macs


@pytest.mark.parametrize("packed", [False, True])
def test_attention_counts_its_two_products(packed: bool) -> None:
    rows, keys, heads, wide, values = 5, 7, 3, 4, 6
    shapes = [[2, heads, rows, wide], [2, heads, keys, wide], [2, heads, keys, values]]
    if packed:
        shapes = [[2, rows, heads * wide], [2, keys, heads * wide], [2, keys, heads * values]]
    names = ["q", "k", "v"]
    more = {"q_num_heads": heads, "kv_num_heads": heads} if packed else {}
    one = node("Attention", names, ["y"], **more)
    known = dict(zip(names, shapes, strict=True)) | {"y": [1]}
    assert onnx_counts._macs(onnx, one, known) == 2 * heads * rows * keys * (wide + values)
    cached = node("Attention", [*names, "", "past"], ["y"], **more)
    assert onnx_counts._macs(onnx, cached, known | {"past": [1]}) is None


def test_every_operator_of_the_standard_is_classified() -> None:
    names = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    words = ("Conv", "Mat", "Gemm", "Einsum", "Attention", "LSTM", "GRU", "RNN", "DFT", "FT", "Det", "Linear", "Affine")
    suspects = {name for name in names if any(word in name for word in words)}
    harmless = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MelWeightMatrix", "RegexFullMatch"}
    assert suspects - harmless <= onnx_counts.FORMULAS | onnx_counts.PRODUCTS
    newer = {"Attention", "CausalConvWithState", "LinearAttention"}
    assert (onnx_counts.FORMULAS | onnx_counts.PRODUCTS) - names <= newer


def test_a_graph_of_one_size_is_not_counted_at_another(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["c"]), node("DepthToSpace", ["c"], ["y"], blocksize=2, mode="CRD")]
    path = tmp_path / "net.onnx"
    saved(path, nodes, [weight("w", 12, 3, 1, 1)], shape=(1, 3, 12, 16))
    here, there = count(guest_of(path), CountOperations(sizes=(Size(12, 16), Size(64, 64)))).counts
    assert (here.macs, here.uncounted) == (36 * 192, {})
    assert there.uncounted == {"the whole graph (accepts 12x16 only)": 1}
