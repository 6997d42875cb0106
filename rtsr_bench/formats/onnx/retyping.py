"""An ONNX graph in the other one of two number formats, as `model.half()` and `model.float()` do it for Python code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rtsr_bench.formats.onnx.counting import package
from rtsr_bench.measuring.guest import BadGuest

_FLOAT_ONLY = {"Resize": (1, 2), "Upsample": (1,)}
"""Inputs that the standard wants in fp32 whatever the image is in: regions and scales."""

_NUMBER_FORMAT = {"Cast": "to", "RandomNormal": "dtype", "RandomUniform": "dtype", "EyeLike": "dtype",
                  "RandomNormalLike": "dtype", "RandomUniformLike": "dtype"}  # fmt: skip
"""Attributes that hold the number format of an output."""


def number_formats(path: str) -> frozenset[str]:
    """Return the floating-point formats of a graph's weights, `fp32` and `fp16`."""
    return _formats(_read(path).graph)


def has_half(graph: str | bytes) -> bool:
    """Whether a graph, a file's path or bytes, takes images in fp16 or has weights in fp16."""
    onnx = package()
    read = _read(graph).graph
    taken = [one.type.tensor_type.elem_type for one in read.input]
    return onnx.TensorProto.FLOAT16 in taken or "fp16" in _formats(read)


def _read(graph: str | bytes) -> Any:
    onnx = package()
    return onnx.load(graph, load_external_data=False) if isinstance(graph, str) else onnx.load_from_string(graph)


def _formats(graph: Any) -> frozenset[str]:
    onnx = package()
    names = {onnx.TensorProto.FLOAT: "fp32", onnx.TensorProto.FLOAT16: "fp16"}
    kinds = (one.data_type for part in _graphs(graph) for one in part.initializer if one.dims)
    return frozenset(names[kind] for kind in kinds if kind in names)


def retyped(path: str, *, half: bool) -> bytes:
    """Return the graph with every fp32 number in fp16 (`half`), or every fp16 number in fp32.

    BadGuest where the package `onnx` is missing or the graph is too large for one message of protobuf.
    """
    onnx = package()
    kinds = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    old, new = kinds if half else kinds[::-1]
    model = onnx.load(path)
    for graph in _graphs(model.graph):
        kept = set(_float_only(graph)) if half else set()
        for one in graph.initializer:
            if one.name not in kept:
                _change(onnx, one, old, new)
        for info in (*graph.input, *graph.output, *graph.value_info):
            kind = info.type.tensor_type
            if kind.elem_type == old and info.name not in kept:
                kind.elem_type = new
        _change_nodes(onnx, graph.node, kept, (old, new))
    for function in model.functions:
        _change_nodes(onnx, function.node, set(), (old, new))
    try:
        return bytes(model.SerializeToString())
    except ValueError as error:
        said = f"the ONNX graph is too large to be converted ({error}); submit one of that number format"
        raise BadGuest(said) from error


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for one in node.attribute:
            for inner in (one.g, *one.graphs) if one.HasField("g") else one.graphs:
                yield from _graphs(inner)


def _float_only(graph: Any) -> Iterator[str]:
    for node in graph.node:
        for place in _FLOAT_ONLY.get(node.op_type, ()):
            if place < len(node.input) and node.input[place]:
                yield node.input[place]


def _change_nodes(onnx: Any, nodes: Any, kept: set[str], formats: tuple[int, int]) -> None:
    old, new = formats
    to_half = new == onnx.TensorProto.FLOAT16
    for node in nodes:
        if kept.intersection(node.output):
            continue
        for one in node.attribute:
            if one.name == _NUMBER_FORMAT.get(node.op_type) and one.i == old:
                one.i = new
            elif one.HasField("t"):
                _change(onnx, one.t, old, new)
        if not to_half:
            continue
        if node.op_type == "Constant":
            _as_tensor(onnx, node)
        elif node.op_type == "ConstantOfShape" and not node.attribute:  # zeros in fp32 where nothing is said
            zero = onnx.helper.make_tensor("", new, [1], [0.0])
            node.attribute.append(onnx.helper.make_attribute("value", zero))


def _as_tensor(onnx: Any, node: Any) -> None:
    """Write a constant that is given as numbers, which are fp32, as a tensor in fp16."""
    import numpy as np

    for one in list(node.attribute):
        if one.name in ("value_float", "value_floats"):
            numbers = np.array(one.f if one.name == "value_float" else list(one.floats), np.float16)
            node.attribute.remove(one)
            node.attribute.append(onnx.helper.make_attribute("value", onnx.numpy_helper.from_array(numbers)))


def _change(onnx: Any, tensor: Any, old: int, new: int) -> None:
    if tensor.data_type == old:
        kind = onnx.helper.tensor_dtype_to_np_dtype(new)
        numbers = onnx.numpy_helper.to_array(tensor).astype(kind)
        tensor.CopyFrom(onnx.numpy_helper.from_array(numbers, tensor.name))
