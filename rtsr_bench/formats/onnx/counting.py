"""Parameters and operations of an ONNX graph, read from its nodes by the same rule as torch's operators.

A graph does not say which of its constants were learned. Counted as parameters are floating-point constants of rank 1
and more, and integer ones that are dequantised:

- initializers, except what an operator takes as a setting (`_SETTINGS`: scales of a resize, bounds of a clip, running
  statistics of a batch norm), and what torch's exporter names as a buffer;
- `Constant` nodes that are weights of a product, a norm or a PReLU. Elsewhere they are literals of the code.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.protocol import Size
from rtsr_bench.record import Count

FORMULAS = frozenset({"Conv", "ConvTranspose", "DeformConv", "Gemm", "MatMul", "Einsum", "Attention", "AffineGrid"})
"""Products with a formula, see `_macs`."""

PRODUCTS = frozenset({"ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul", "CausalConvWithState",
                      "LinearAttention", "LSTM", "GRU", "RNN", "DFT", "STFT", "Det"})  # fmt: skip
"""Products without one. The other operators of the standard (domain "") multiply and add no pairs of values."""

_STANDARD = ("", "ai.onnx")
_SETTINGS: dict[str, frozenset[int]] = {
    "BatchNormalization": frozenset({3, 4}),
    "Resize": frozenset({1, 2}),
    "Upsample": frozenset({1}),
    "Clip": frozenset({1, 2}),
    "Pad": frozenset({2}),
    "Dropout": frozenset({1}),
    "QuantizeLinear": frozenset({1, 2}),
    "DequantizeLinear": frozenset({1, 2}),
}
"""Inputs of operators that are settings or statistics and no weights."""

_WEIGHTS: dict[str, frozenset[int]] = {
    **dict.fromkeys(FORMULAS | PRODUCTS, frozenset(range(9))),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization",
                     "RMSNormalization"), frozenset({1, 2})),
    "PRelu": frozenset({1}),
    "Gather": frozenset({0}),
}  # fmt: skip
"""Inputs of operators that are weights wherever they come from."""

_REFORM = frozenset({"Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "CastLike",
                     "QuantizeLinear", "DequantizeLinear"})  # fmt: skip
"""Operators whose first input is the same numbers in another form."""

_KIND = "pkg.torch.export.graph_signature.InputSpec.kind"
"""Where torch's exporter (2.6 and newer) writes whether a constant was a parameter or a buffer."""


def package() -> Any:
    """Return the package onnx; BadGuest where it is missing."""
    try:
        import onnx
    except ImportError:
        raise BadGuest(
            'counting an ONNX graph needs the package onnx, which is not installed here: pip install "rtsr-bench[onnx]"'
        ) from None
    return onnx


def params(path: str) -> int:
    """Elements of a graph's weights, each constant once however often it is used."""
    onnx = package()
    tensor = onnx.TensorProto
    floats = (tensor.FLOAT, tensor.FLOAT16, tensor.BFLOAT16, tensor.DOUBLE)
    graphs = list(_graphs(_read(onnx, path).graph))
    buffers = {
        info.name
        for graph in graphs
        for info in (*graph.value_info, *graph.input)
        if any(one.key == _KIND and one.value != "PARAMETER" for one in info.metadata_props)
    }
    uses = _Uses(graphs)
    total = 0
    for name, kind, dims, literal in _constants(onnx, graphs):
        number = (kind in floats and bool(dims)) or name in uses.dequantised
        weight = name in uses.weights if literal else name not in buffers and name not in uses.settings
        total += math.prod(dims) if number and weight else 0
    return total


class _Uses:
    """What constants are used for, by name: weights, settings (and nothing else), numbers to be dequantised."""

    def __init__(self, graphs: Sequence[Any]) -> None:
        self.weights: set[str] = set()
        self.dequantised: set[str] = set()
        settings: set[str] = set()
        others: set[str] = set()
        for node in reversed(list(_nodes(graphs))):
            own = node.domain in _STANDARD
            for place, name in enumerate(node.input):
                setting = own and place in _SETTINGS.get(node.op_type, ())
                (settings if setting else others).add(name)
                if not own or place in _WEIGHTS.get(node.op_type, ()):
                    self.weights.add(name)
            if own and node.op_type in _REFORM and node.output[0] in self.weights:
                self.weights.add(node.input[0])
            if own and node.op_type == "DequantizeLinear":
                self.dequantised.add(node.input[0])
        self.settings = settings - others


def count(path: str, size: Size) -> Count:
    """Count the graph's products at one LR size; what has no formula or no known shape is listed."""
    onnx = package()
    model = _read(onnx, path)
    _declare(model.graph, size)
    known = _inferred(onnx, model)
    found = [node for node in model.graph.node if node.op_type in FORMULAS and node.domain in _STANDARD]
    missing = {name for node in found for name in (*node.input, *node.output[:1]) if name and name not in known}
    if missing:
        known |= _by_running(onnx, model, sorted(missing))
    macs = activations = convs = 0
    uncounted: Counter[str] = Counter(_unformulated(model.graph.node))
    for node in found:
        one = _macs(onnx, node, known)
        if one is None:
            uncounted[f"{node.op_type} of unknown shape"] += 1
            continue
        macs += one
        if "Conv" in node.op_type:
            convs += 1
            activations += math.prod(known[node.output[0]])
    return Count(
        input=size,
        macs=macs,
        flops=2 * macs,
        activations=activations,
        convs=convs,
        uncounted=dict(sorted(uncounted.items())),
    )


def _read(onnx: Any, path: str) -> Any:
    """The model with its local functions written out; without weights above protobuf's limit of 2 GiB."""
    import onnx.inliner

    model = onnx.load(path, load_external_data=os.path.getsize(path) < 1 << 28)  # noqa: PTH202 - a text already
    return onnx.inliner.inline_local_functions(model) if model.functions else model


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph and every graph inside its nodes."""
    yield graph
    for node in graph.node:
        for one in _inside(node):
            yield from _graphs(one)


def _inside(node: Any) -> list[Any]:
    return [graph for one in node.attribute for graph in ([one.g] if one.HasField("g") else [*one.graphs])]


def _nodes(graphs: Iterable[Any]) -> Iterator[Any]:
    return (node for graph in graphs for node in graph.node)


def _constants(onnx: Any, graphs: Sequence[Any]) -> Iterator[tuple[str, int, list[int], bool]]:
    """Name, type and dimensions of every constant, and whether it is a `Constant` node and no initializer."""
    for graph in graphs:
        for one in graph.initializer:
            yield one.name, one.data_type, list(one.dims), False
        for node in graph.node:
            if node.op_type == "Constant" and node.domain in _STANDARD:
                for attribute in node.attribute:
                    if attribute.name == "value":
                        yield node.output[0], attribute.t.data_type, list(attribute.t.dims), True
                    elif attribute.name == "value_floats":
                        yield node.output[0], onnx.TensorProto.FLOAT, [len(attribute.floats)], True


def image_input(graph: Any) -> Any:
    """The graph's input that is no initializer: older files list their weights among the inputs."""
    weights = {one.name for one in graph.initializer}
    return next(one for one in graph.input if one.name not in weights)


def _declare(graph: Any, size: Size) -> None:
    """Write the input's shape into the graph, and take away every shape that holds for another input."""
    tensor = image_input(graph).type.tensor_type
    tensor.ClearField("shape")
    for value in (1, 3, size.height, size.width):
        tensor.shape.dim.add().dim_value = value
    del graph.value_info[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")


def _inferred(onnx: Any, model: Any) -> dict[str, list[int]]:
    """Shapes by name, as far as they follow from the input's and the weights'."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except Exception:  # noqa: BLE001 - a graph that contradicts its own types may run all the same
        graph = model.graph
    known = {one.name: list(one.dims) for one in graph.initializer}
    for info in (*graph.input, *graph.value_info, *graph.output):
        kind = info.type.tensor_type
        if kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim):
            known.setdefault(info.name, [dim.dim_value for dim in kind.shape.dim])
    return known


def _by_running(onnx: Any, model: Any, names: Sequence[str]) -> dict[str, list[int]]:
    """Shapes of these tensors in a run on zeros; none where the graph does not run on a CPU."""
    import numpy as np
    import onnxruntime

    asking = onnx.ModelProto()
    asking.CopyFrom(model)
    outputs = [f"{name}__shape" for name in names]
    for name, output in zip(names, outputs, strict=True):
        asking.graph.node.append(onnx.helper.make_node("Shape", [name], [output]))
        asking.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.INT64, None))
    image = image_input(asking.graph)
    kind = onnx.helper.tensor_dtype_to_np_dtype(image.type.tensor_type.elem_type)
    zeros = np.zeros([dim.dim_value for dim in image.type.tensor_type.shape.dim], kind)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        data = asking.SerializeToString()
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        found = session.run(outputs, {image.name: zeros})
    except Exception:  # noqa: BLE001 - what can't be run here is said to be of unknown shape
        return {}
    return {name: [int(side) for side in shape] for name, shape in zip(names, found, strict=True)}


def _unformulated(nodes: Iterable[Any]) -> Iterator[str]:
    """Names of products without a formula: the standard's, other domains' operators, and products inside a branch."""
    for node in nodes:
        if node.domain not in _STANDARD:
            yield f"{node.domain}.{node.op_type}"
        elif node.op_type in PRODUCTS:
            yield node.op_type
        inside = _nodes(one for graph in _inside(node) for one in _graphs(graph))
        if any(one.op_type in FORMULAS | PRODUCTS or one.domain not in _STANDARD for one in inside):
            yield f"{node.op_type} over products"


def _macs(onnx: Any, node: Any, known: Mapping[str, list[int]]) -> int | None:
    """MACs of one product: output elements times the length of the sum behind each; None where a shape is unknown."""
    shapes = [known.get(name) for name in node.input]
    first, second, out = shapes[0], shapes[1], known.get(node.output[0])
    if first is None or second is None or out is None:
        return None
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type == "Einsum":
        return _einsum(attributes["equation"].decode(), first, second) if len(shapes) == 2 else None
    if node.op_type == "Attention":
        return _attention(first, second, shapes[2:], attributes)
    if node.op_type == "ConvTranspose":  # weights (in, out / group, kernel...): each input element meets all of them
        return math.prod(first) * math.prod(second[1:])
    if "Conv" in node.op_type:  # weights (out, in / group, kernel...)
        return math.prod(out) * math.prod(second[1:])
    return math.prod(out) * (first[0] if attributes.get("transA") else first[-1])


def _einsum(equation: str, first: list[int], second: list[int]) -> int | None:
    """The product of all labels' sizes where one of them is summed over, nothing where none is."""
    operands, arrow, out = equation.replace(" ", "").partition("->")
    one, _, other = operands.partition(",")
    if not arrow or "." in equation:
        return None
    sizes = dict(zip((*one, *other), (*first, *second), strict=True))
    return math.prod(sizes.values()) if set(one) & set(other) - set(out) else 0


def _attention(
    query: list[int], key: list[int], rest: Sequence[list[int] | None], attributes: Mapping[str, Any]
) -> int | None:
    """Queries with keys and weights with values; queries (B, heads, L, D), or (B, L, heads x D) with the heads said."""
    value = rest[0]
    if value is None or len(rest) > 2:  # more inputs: keys and values of an earlier call
        return None
    heads = 1 if len(query) == 4 else int(attributes["q_num_heads"])
    known_heads = 1 if len(query) == 4 else int(attributes["kv_num_heads"])
    return math.prod(query[:-1]) * key[-2] * (query[-1] + heads * value[-1] // known_heads)
