"""Backends that export or compile: the same image as eager PyTorch, and a clear refusal where they cannot."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from loaded_guests import TWO_CONVS, LoadGuest

from rtsr_bench.backends import BACKENDS, rules_of
from rtsr_bench.errors import UserError
from rtsr_bench.execution import EAGER_FP32, Execution, Precision
from rtsr_bench.formats.onnx.loading import Graph
from rtsr_bench.measuring.enhance import forward, prepare, prepared
from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.protocol import Size
from rtsr_bench.wire import PrepareModel

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler warns of torch itself
ENGINES = [name for name, backend in BACKENDS.all().items() if backend.engine and "cpu" in backend.precisions]
SIZES = [(6, 10), (16, 24), (17, 24)]
ROUNDS = TWO_CONVS.replace("self.tail(torch", "torch.special.bessel_j1(x).sum() + self.tail(torch")


def under(name: str, precision: Precision = Precision.FP32) -> Execution:
    lacks = BACKENDS.find(name.partition(":")[0]).lacks
    if lacks:
        pytest.skip(lacks)
    return Execution(precision=precision, **rules_of(name))


def image(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3))


def test_these_backends_export_or_compile() -> None:
    assert ENGINES == ["compile", "ncnn", "onnxruntime", "openvino"]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_gives_the_image_of_eager_at_every_size(name: str, load_guest: LoadGuest) -> None:
    guest = load_guest(TWO_CONVS)
    expected = {size: forward(guest, image(*size), EAGER_FP32).clone() for size in SIZES}
    execution = under(name)
    told = prepare(guest, PrepareModel(execution=execution, size=Size(*SIZES[0])))
    assert told.graph_bytes > 1000
    assert told.peak_bytes is not None
    outputs = {size: forward(guest, image(*size), execution) for size in SIZES}
    for size in SIZES:  # only now: a later call must not change what an earlier one gave
        assert type(outputs[size]) is torch.Tensor
        torch.testing.assert_close(outputs[size], expected[size], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.AMP_BF16])
def test_openvino_computes_in_bf16_near_fp32(precision: Precision, load_guest: LoadGuest) -> None:
    guest = load_guest(TWO_CONVS)
    expected = forward(guest, image(16, 24), EAGER_FP32).clone()
    output = forward(guest, image(16, 24), under("openvino", precision))
    assert output.dtype is (torch.bfloat16 if precision is Precision.BF16 else torch.float32)
    torch.testing.assert_close(output.float(), expected, rtol=0.1, atol=0.05)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("onnxruntime", r"cannot be exported to ONNX.*bessel_j1"),
        ("openvino", r"cannot be exported to ONNX.*bessel_j1"),
        ("ncnn", r"cannot be converted for ncnn, which has no .*bessel_j1"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_the_operators_name(
    name: str, words: str, load_guest: LoadGuest
) -> None:
    with pytest.raises(BadGuest, match=words):
        forward(load_guest(ROUNDS), image(6, 10), under(name))


@pytest.fixture
def onnx_guest(load_guest: LoadGuest, tmp_path: Path) -> Any:
    pytest.importorskip("onnxruntime", reason="exporting needs the extra onnx")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 3, padding=1), torch.nn.PixelShuffle(2)).eval()
    axes = {"lr": {0: "n", 2: "h", 3: "w"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (torch.rand(1, 3, 8, 8),), str(tmp_path / "net.onnx"), input_names=["lr"],
                          dynamic_axes=axes, dynamo=False)  # fmt: skip
    return load_guest(folder=tmp_path, format="onnx", checkpoint=tmp_path / "net.onnx")


def test_an_onnx_file_is_run_as_it_is(onnx_guest: Any) -> None:
    expected = forward(onnx_guest, image(6, 10), EAGER_FP32)
    assert isinstance(prepared(onnx_guest, under("onnxruntime")), Graph)
    for name in ("openvino", "ncnn"):
        torch.testing.assert_close(forward(onnx_guest, image(6, 10), under(name)), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(BadGuest, match="does not compile a model that is submitted as ONNX"):
        forward(onnx_guest, image(6, 10), under("compile"))


def test_torchscript_is_exported_and_not_compiled(load_guest: LoadGuest, tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 3, padding=1), torch.nn.PixelShuffle(2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(net).save(tmp_path / "net.pt")
    guest = load_guest(folder=tmp_path, format="torchscript", checkpoint=tmp_path / "net.pt")
    expected = forward(guest, image(6, 10), EAGER_FP32).clone()
    for name in ("onnxruntime", "ncnn"):
        torch.testing.assert_close(forward(guest, image(6, 10), under(name)), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(BadGuest, match="does not compile a model that is submitted as TorchScript"):
        forward(guest, image(6, 10), under("compile"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("compil", "expected one of"),
        ("compile:speed=9", "expected OPTION=VALUE of mode=default, found 'speed=9'"),
        ("compile:mode", "expected OPTION=VALUE of mode=default, found 'mode'"),
        ("compile:mode=fast", "expected mode to be default or reduce-overhead or .*, found 'fast'"),
        ("eager:mode=x", "expected no option, found 'mode=x'"),
    ],
)
def test_an_unknown_execution_or_option_is_one_clear_line(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        rules_of(text)


def test_an_option_is_part_of_the_execution_and_its_default_is_not() -> None:
    assert rules_of("compile:mode=default")["options"] == {}
    assert Execution(**rules_of("compile:mode=max-autotune")).words == "compile, fp32, mode max-autotune"


def test_a_precision_or_device_that_a_backend_lacks_is_one_clear_line() -> None:
    openvino = BACKENDS.find("openvino")
    assert openvino.refuses(Precision.FP32, "cpu") == ""
    assert openvino.refuses(Precision.FP16, "cpu") == (
        "execution openvino does not run fp16 on cpu: expected --precision fp32, bf16, amp-bf16"
    )
    assert openvino.refuses(Precision.FP16, "cuda") == "execution openvino does not run on cuda, only on cpu"
