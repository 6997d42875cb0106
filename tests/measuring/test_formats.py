"""Networks that come as a graph or as weights alone: loaded, run, converted and counted in the child."""

from __future__ import annotations

import math
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.measuring import complexity, contract, operators
from rtsr_bench.measuring.deployed import Deployed
from rtsr_bench.measuring.enhance import forward
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.measuring.loading import load
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.wire import CountOperations, LoadModel

SIZE = Size(12, 16)
PARAMS = 3 * 8 * 9 + 8 + 8 * 12 * 9 + 12
MACS = (3 * 8 * 9 + 8 * 12 * 9) * SIZE.pixels


class Small(torch.nn.Module):
    """Two convolutions and a pixel shuffle: x2."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.tail = torch.nn.Conv2d(8, 12, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pixel_shuffle(self.tail(torch.relu(self.head(x))), 2)


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture(scope="module")
def net() -> Small:
    torch.manual_seed(1)
    return Small().eval().requires_grad_(requires_grad=False)


def guest_of(form: str, path: Path, **more: Any) -> Guest:
    return load(LoadModel(format=form, folder=path.parent, checkpoint=path, scale=2, **more), torch.device("cpu"))


def image(size: Size = SIZE) -> torch.Tensor:
    return torch.rand(1, 3, size.height, size.width, generator=torch.Generator().manual_seed(2))


def saved(net: Small, form: str, path: Path, *, dynamic: bool = True) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says of its own formats that they grow old
        match form:
            case "torchscript":
                torch.jit.script(net).save(path)  # type: ignore[no-untyped-call]  # torch.jit carries no types
            case "frozen":
                torch.jit.freeze(torch.jit.script(net)).save(path)  # type: ignore[no-untyped-call]  # as above
            case "torch-export":
                dims = {2: torch.export.Dim("h", min=4, max=4096), 3: torch.export.Dim("w", min=4, max=4096)}
                shapes = {"x": dims} if dynamic else None
                torch.export.save(torch.export.export(net, (image(),), dynamic_shapes=shapes), path)
            case "onnx":
                save_onnx(net, path, dynamic=dynamic)
    return path


def save_onnx(net: Small, path: Path, *, half: bool = False, dynamic: bool = True) -> Path:
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
    weights = [
        onnx.numpy_helper.from_array((value.half() if half else value).numpy(), name)
        for name, value in net.state_dict().items()
    ]
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["x", "head.weight", "head.bias"], ["a"], pads=[1] * 4),
        node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "tail.weight", "tail.bias"], ["c"], pads=[1] * 4),
        node("DepthToSpace", ["c"], ["y"], blocksize=2, mode="CRD"),
    ]
    shape = ["n", 3, "h", "w"] if dynamic else [1, 3, SIZE.height, SIZE.width]
    inputs = [onnx.helper.make_tensor_value_info("x", kind, shape)]
    outputs = [onnx.helper.make_tensor_value_info("y", kind, [None, 3, None, None])]
    graph = onnx.helper.make_graph(nodes, "net", inputs, outputs, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9  # what the oldest onnxruntime that is allowed can read
    onnx.save(model, path)
    return path


FORMS = {"torchscript": "torchscript", "frozen": "torchscript", "torch-export": "torch-export", "onnx": "onnx"}


@pytest.mark.parametrize("form", FORMS)
def test_a_graph_gives_what_the_network_gives(form: str, net: Small, tmp_path: Path) -> None:
    guest = guest_of(FORMS[form], saved(net, form, tmp_path / "model.bin"))
    for size in (SIZE, Size(13, 17)):
        torch.testing.assert_close(forward(guest, image(size), EAGER_FP32), net(image(size)), rtol=1e-5, atol=1e-6)
    assert contract.find_scale(guest) == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_graph_is_counted_whole_with_and_without_values(form: str, net: Small, tmp_path: Path) -> None:
    guest = guest_of(FORMS[form], saved(net, form, tmp_path / "model.bin"))
    for _ in range(4):  # TorchScript rewrites a graph that has run a few times
        forward(guest, image(), EAGER_FP32)
    counted = complexity.count(guest, CountOperations(sizes=(SIZE,) * 3, computed=True))
    assert counted.params == PARAMS
    assert [(one.macs, one.convs, one.uncounted) for one in counted.counts] == [(MACS, 2, {})] * 3
    shapes_alone = complexity.count(guest, CountOperations(sizes=(SIZE,) * 3))
    # The constants of a frozen graph have values wherever it is read: it is counted by a computed pass.
    assert shapes_alone == (replace(counted, counts=()) if form == "frozen" else counted)


def test_a_count_of_nothing_is_marked_as_no_count(net: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    guest = guest_of("torchscript", saved(net, "torchscript", tmp_path / "model.pt"))
    monkeypatch.setattr(operators, "flop_registry", {})
    (count,) = complexity.count(guest, CountOperations(sizes=(SIZE,))).counts
    assert (count.macs, count.uncounted) == (0, {"aten.convolution": 2})


def test_a_graph_of_which_nothing_is_seen_is_named_as_uncounted() -> None:
    class Fused(Deployed):
        def forward(self, tensor: torch.Tensor) -> None:
            """Nothing that torch dispatches."""

    built = Guest(build=lambda: Fused("TorchScript"), device=torch.device("cpu"), data_range=1.0)
    (count,) = complexity.count(built, CountOperations(sizes=(Size(8, 8),))).counts
    assert count.uncounted == {"the whole graph (TorchScript)": 1}


@pytest.mark.parametrize("form", ["torchscript", "torch-export"])
def test_weights_of_a_graph_become_half(form: str, net: Small, tmp_path: Path) -> None:
    guest = guest_of(form, saved(net, form, tmp_path / "model.bin"))
    half = forward(guest, image(), EAGER_FP32.in_precision(Precision.FP16))
    assert half.dtype is torch.float16
    torch.testing.assert_close(half.float(), net(image()), rtol=0, atol=5e-3)


def test_a_frozen_graph_keeps_its_number_format(net: Small, tmp_path: Path) -> None:
    guest = guest_of("torchscript", saved(net, "frozen", tmp_path / "model.pt"))
    with pytest.raises(
        BadGuest, match=r"computes in float32 and can't be converted to float16; .*without torch.jit.fr"
    ):
        forward(guest, image(), EAGER_FP32.in_precision(Precision.FP16))


@pytest.mark.parametrize("form", ["torch-export", "onnx"])
def test_fixed_size_is_one_line(form: str, net: Small, tmp_path: Path) -> None:
    guest = guest_of(form, saved(net, form, tmp_path / "model.bin", dynamic=False))
    torch.testing.assert_close(forward(guest, image(), EAGER_FP32), net(image()), rtol=1e-5, atol=1e-6)
    with pytest.raises(BadGuest, match=r"accepts an input of 12x16 only, 13x17 was given; export it again"):
        forward(guest, image(Size(13, 17)), EAGER_FP32)


def test_an_exported_program_of_one_size_is_not_counted_at_another(net: Small, tmp_path: Path) -> None:
    guest = guest_of("torch-export", saved(net, "torch-export", tmp_path / "model.pt2", dynamic=False))
    (count,) = complexity.count(guest, CountOperations(sizes=(Size(64, 64),))).counts
    assert count.uncounted == {"the whole graph (accepts 12x16 only)": 1}


def test_an_onnx_graph_is_converted_to_the_number_format_that_is_asked_for(net: Small, tmp_path: Path) -> None:
    half = EAGER_FP32.in_precision(Precision.FP16)
    guest = guest_of("onnx", saved(net, "onnx", tmp_path / "model.onnx"), execution=half)
    assert guest.notes == ["the ONNX graph computes in fp32; where fp16 is asked for it is converted"]
    there = forward(guest, image(), half)
    assert there.dtype is torch.float16
    torch.testing.assert_close(there.float(), net(image()), rtol=0, atol=5e-3)
    from_half = guest_of("onnx", save_onnx(net, tmp_path / "half.onnx", half=True))
    assert from_half.notes == ["the ONNX graph computes in fp16; where fp32 is asked for it is converted"]
    back = forward(from_half, image(), EAGER_FP32)
    assert back.dtype is torch.float32
    rounded = Small()
    rounded.load_state_dict({name: value.half().float() for name, value in net.state_dict().items()})
    torch.testing.assert_close(back, rounded(image()), rtol=1e-5, atol=1e-6, check_stride=False)
    assert contract.find_scale(from_half) == 2
    with pytest.raises(BadGuest, match=r"computes in fp32 .*is not converted to bf16"):
        forward(guest, image(), EAGER_FP32.in_precision(Precision.BF16))
    with pytest.raises(BadGuest, match="autocast does not reach into an ONNX graph"):
        forward(guest, image(), EAGER_FP32.in_precision(Precision.AMP_BF16))


def save_every_constant(path: Path) -> None:
    """Write a graph with constants in every form that the standard has for them, some of which must stay in fp32."""
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    node, info, kind = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    tensor = onnx.helper.make_tensor
    nodes = [
        node("Constant", [], ["two"], value_float=2.0),
        node("Constant", [], ["ones"], value_floats=[1.0, 1.0, 1.0]),
        node("Constant", [], ["third"], value=tensor("", kind, [1], [1 / 3])),
        node("Constant", [], ["scales"], value=tensor("", kind, [4], [1, 1, 2, 2])),
        node("ConstantOfShape", ["shape"], ["zero"]),
        node("Mul", ["pixels of a user", "two"], ["a"]),
        node("Reshape", ["ones", "column"], ["ones2"]),
        node("Mul", ["a", "ones2"], ["b"]),
        node("Cast", ["b"], ["b32"], to=kind),
        node("Add", ["b32", "zero"], ["c"]),
        node("Mul", ["c", "third"], ["d"]),
        node("Resize", ["d", "", "scales"], ["out"], mode="nearest"),
        node("Shape", ["d"], ["beside"]),
    ]
    weights = [
        tensor("shape", onnx.TensorProto.INT64, [1], [1]),
        tensor("column", onnx.TensorProto.INT64, [3], [3, 1, 1]),
    ]
    outputs = [info("out", kind, [None, 3, None, None]), info("beside", onnx.TensorProto.INT64, [4])]
    inputs = [info("pixels of a user", kind, ["n", 3, "h", "w"])]
    graph = onnx.helper.make_graph(nodes, "net", inputs, outputs, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)


def test_every_form_of_a_constant_is_converted_and_back(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    from rtsr_bench.formats.onnx.retyping import retyped

    save_every_constant(tmp_path / "net.onnx")
    guest = guest_of("onnx", tmp_path / "net.onnx")
    assert guest.notes == ["the ONNX graph has 2 outputs; the SR image is the first, out"]
    wanted = torch.nn.functional.interpolate(image() * 2 / 3, scale_factor=2)
    torch.testing.assert_close(forward(guest, image(), EAGER_FP32), wanted)
    half = forward(guest, image(), EAGER_FP32.in_precision(Precision.FP16))
    assert half.dtype is torch.float16
    torch.testing.assert_close(half.float(), wanted, rtol=0, atol=2e-3)
    (tmp_path / "half.onnx").write_bytes(retyped(str(tmp_path / "net.onnx"), half=True))
    back = forward(guest_of("onnx", tmp_path / "half.onnx"), image(), EAGER_FP32)
    torch.testing.assert_close(back, wanted, rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (["n", "h", "w", 3], None),
        ([1, 8, 8, 3], r"takes channels last \(N, H, W, 3\), expected RGB images, channels first"),
        (["n", 1, "h", "w"], "takes 1 channel, expected RGB images"),
        (["n", 4, "h", "w"], "takes 4 channels, expected RGB images"),
    ],
)
def test_a_graph_for_other_images_is_named(shape: list[int | str], words: str | None, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    info, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])], "net", [info("x", kind, shape)], [info("y", kind, None)]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, tmp_path / "net.onnx")
    if words is None:  # named sides may be anything: running it tells
        assert guest_of("onnx", tmp_path / "net.onnx").notes == []
        return
    with pytest.raises(BadGuest, match=words):
        guest_of("onnx", tmp_path / "net.onnx")


def test_a_graph_that_computes_in_other_numbers_than_it_takes_says_so(net: Small, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    model = onnx.load(save_onnx(net, tmp_path / "net.onnx", half=True))
    kind, graph = onnx.TensorProto.FLOAT, model.graph
    for info, cast in ((graph.input[0], ("x", "x16", 10)), (graph.output[0], ("y16", "y", 1))):
        info.type.tensor_type.elem_type = kind
        graph.node.insert(
            0 if cast[0] == "x" else len(graph.node), onnx.helper.make_node("Cast", [cast[0]], [cast[1]], to=cast[2])
        )
    graph.node[1].input[0], graph.node[-2].output[0] = "x16", "y16"
    onnx.save(model, tmp_path / "net.onnx")
    guest = guest_of("onnx", tmp_path / "net.onnx")
    assert guest.notes == [
        "the ONNX graph takes fp32 and holds weights in fp16: it computes in what it holds, whatever is asked for"
    ]
    torch.testing.assert_close(forward(guest, image(), EAGER_FP32), net(image()), rtol=0, atol=5e-3)


def test_a_second_onnx_graph_is_the_half_one(net: Small, tmp_path: Path) -> None:
    half = save_onnx(net, tmp_path / "half.onnx", half=True)
    guest = guest_of("onnx", saved(net, "onnx", tmp_path / "model.onnx"), files={"half": half})
    assert forward(guest, image(), EAGER_FP32).dtype is torch.float32
    torch.testing.assert_close(
        forward(guest, image(), EAGER_FP32.in_precision(Precision.FP16)).float(), net(image()), rtol=0, atol=5e-3
    )


def test_onnx_products_have_their_own_formulas(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    from rtsr_bench.formats.onnx.counting import count as count_graph

    node, info, kind = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT

    def weight(name: str, *dims: int) -> Any:
        return onnx.helper.make_tensor(name, kind, dims, [0.0] * math.prod(dims))

    nodes = [
        node("Conv", ["x", "depthwise"], ["a"], group=3, pads=[1] * 4, name="3 x 9"),
        node("ConvTranspose", ["a", "up"], ["b"], strides=[2, 2], name="each input element: 5 x 4"),
        node("MatMul", ["b", "mix"], ["y"], name="rows of 2w"),
        node("QLinearConv", ["x"] * 8, ["z"], name="no formula"),
    ]
    weights = [weight("depthwise", 3, 1, 3, 3), weight("up", 3, 5, 2, 2), weight("mix", 16, 7)]
    inputs = [info("x", kind, [1, 3, "h", "w"])]
    graph = onnx.helper.make_graph(nodes, "net", inputs, [info("y", kind, [1, 5, None, None])], weights)
    path = tmp_path / "net.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    count = count_graph(str(path), Size(6, 8))
    assert count.macs == 3 * 9 * 48 + 3 * 48 * 5 * 4 + 5 * 12 * 7 * 16
    assert count.convs == 2
    assert count.uncounted == {"QLinearConv": 1}


def test_missing_onnxruntime_is_one_line_with_a_solution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        BadGuest, match=r'needs onnxruntime, which is not installed here: pip install "rtsr-bench\[onnx\]"'
    ):
        guest_of("onnx", tmp_path / "model.onnx")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_alone_go_into_a_reference_architecture(suffix: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from rtsr_bench.submissions import discover, load_request, resolve_checkpoint
    from rtsr_bench.submissions.references import shipped_folder

    code = shipped_folder() / "espcn"
    folder = tmp_path / "mine"
    folder.mkdir()
    about = '[submission]\nteam = "t"\ntitle = "t"\n[[model]]\nscale = 3\nformat = "reference"\narch = "espcn"\n'
    (folder / "submission.toml").write_text(about + f'checkpoint = "w{suffix}"\n')
    (folder / f"w{suffix}").write_bytes(b"")
    (submission,) = discover(folder)
    (model,) = submission.models
    request = load_request(model, submission, resolve_checkpoint(model, submission))
    assert request.files == {"code": code / "arch.py"}
    fresh = load(replace(request, checkpoint=None, format="python", folder=code), torch.device("cpu"))
    weights = {key: value * 0.5 for key, value in fresh.model(EAGER_FP32).state_dict().items()}
    torch.save(weights, folder / "w.pth")
    save_file(weights, folder / "w.safetensors")
    loaded = load(request, torch.device("cpu")).model(EAGER_FP32)
    assert not isinstance(loaded, Deployed)
    assert all(torch.equal(value, weights[key]) for key, value in loaded.state_dict().items())
