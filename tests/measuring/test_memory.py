"""Peak memory of a call on a CPU: the model's, within 10 % of arithmetic, and nothing of the harness."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.expectations import measure_gap
from rtsr_bench.evaluate.inputs import Input, random_input
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import Loaded, LoadModel

SIZE = Size(540, 960)
PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=SIZE, precision={}, warmup=1, repeats=2
)
PIXELS = SIZE.pixels * 4
"""Bytes of one fp32 feature map of the timed size."""

CLOSE = 0.1

MODELS = {
    "nearest": (2, "return F.interpolate(x, scale_factor=2, mode='nearest')", "", 3 + 12),
    # Channels last: oneDNN then works on the tensors themselves, and not on copies in a layout of its own.
    "one convolution": (
        4,
        "return F.pixel_shuffle(self.conv(x.contiguous(memory_format=torch.channels_last)), 4)",
        "self.conv = torch.nn.Conv2d(3, 48, 3, padding=1).to(memory_format=torch.channels_last)",
        3 + 48 + 48,
    ),
    "a large intermediate": (
        2,
        "wide = x.repeat(1, 20, 1, 1); return F.pixel_shuffle(wide[:, :12].clone(), 2)",
        "",
        3 + 60 + 24,
    ),
    "much that is freed": (
        2,
        "wide = x.repeat(1, 20, 1, 1).mean(dim=1, keepdim=True); return F.interpolate(wide + x, scale_factor=2)",
        "",
        3 + 60 + 1,
    ),
}
"""Scale, what `forward` does, what the model has, and the feature maps at the peak."""


@pytest.mark.parametrize("name", MODELS)
def test_the_peak_is_weights_input_intermediates_and_output(name: str, tmp_path: Path) -> None:
    scale, forward, parts, maps = MODELS[name]
    protocol = replace(PROTOCOL, scale=scale)
    code = f"""
    import torch
    F = torch.nn.functional

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            {parts}

        def forward(self, x):
            {forward}

    def srmodel():
        return Net()
    """
    (tmp_path / "arch.py").write_text(textwrap.dedent(code))
    request = LoadModel(format="python", folder=tmp_path, entry="arch:srmodel", scale=scale)
    with Child(device="cpu") as child:
        assert isinstance(measure_gap(child, protocol, EAGER_FP32), Gap)
        loaded = child.ask(request, limit_s=120)
        assert isinstance(loaded, Loaded), loaded
        conductor = Conductor(child, protocol, EAGER_FP32)
        assert conductor.begin(protocol.warmup) is None
        image = bytes(SIZE.pixels * 3)
        for given in (random_input(), Input(image=image, at=(0,)), random_input()):
            assert isinstance(conductor.call(given), Call)
        assert conductor.finish(memory=True) is None
    assert conductor.last is not None
    memory = conductor.last.memory
    assert memory is not None
    assert memory.kind == "rss"
    assert memory.peak_bytes - memory.baseline_bytes == pytest.approx(maps * PIXELS, rel=CLOSE)


def test_memory_is_reported_only_on_request(tmp_path: Path) -> None:
    """It costs three more calls, which the child of the images need not make."""
    with Child(device="cpu") as child:
        folder = Path(__file__).parents[1] / "guests" / "good"
        request = LoadModel(format="python", folder=folder, entry="arch:srmodel", scale=2)
        assert isinstance(child.ask(request, limit_s=120), Loaded)
        conductor = Conductor(child, PROTOCOL, EAGER_FP32)
        assert conductor.begin(0) is None
        assert conductor.finish() is None
    assert conductor.last is not None
    assert conductor.last.memory is None
