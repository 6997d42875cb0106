"""ONNX on CUDA with stand-ins for the card and for onnxruntime's CUDA provider: control flow, not speed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtsr_bench.backends import BACKENDS
from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.execution import EAGER_FP32, Execution, Precision
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child, Level
from rtsr_bench.wire import Loaded, LoadModel, PrepareModel

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")
ARENA_BYTES = 5 << 20  # stand_in_onnx.ARENA_BYTES, in the child

SIZE = Size(24, 40)
PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=SIZE, precision={}, warmup=2, repeats=3
)
Rehearse = Callable[[str], None]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A x2 nearest-neighbour enlargement as ONNX."""
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [make.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest", nearest_mode="floor",
                            coordinate_transformation_mode="asymmetric")]  # fmt: skip
    scales = onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], dtype=np.float32), "scales")
    inputs = [make.make_tensor_value_info("x", kind, ["n", 3, "h", "w"])]
    outputs = [make.make_tensor_value_info("y", kind, [None, 3, None, None])]
    model = make.make_model(
        make.make_graph(nodes, "net", inputs, outputs, [scales]), opset_imports=[make.make_opsetid("", 17)]
    )
    model.ir_version = 9
    onnx.save(model, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def load(child: Child, graph: Path, *, scale: int | None = 2) -> Loaded | Failure:
    request = LoadModel(format="onnx", folder=graph.parent, checkpoint=graph, scale=scale)
    return child.ask(request, limit_s=120)


def test_a_graph_runs_on_its_own_stream_between_two_waits(rehearse: Rehearse, graph: Path) -> None:
    rehearse("card,onnx")
    pixels = np.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        assert load(child, graph) == Loaded(scale=2)
        sr = child.enhance(pixels.tobytes(), size=SIZE, scale=2, execution=EAGER_FP32, limit_s=60)
        assert sr == pixels.repeat(2, axis=0).repeat(2, axis=1).tobytes()


def test_the_arena_of_a_graph_is_part_of_its_memory(rehearse: Rehearse, graph: Path) -> None:
    rehearse("card,onnx")
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        assert load(child, graph) == Loaded(scale=2)
        conductor = Conductor(child, PROTOCOL, EAGER_FP32)
        assert conductor.begin(PROTOCOL.warmup) is None
        calls = [conductor.call(random_input()) for _ in range(PROTOCOL.repeats)]
        assert all(isinstance(call, Call) for call in calls), calls
        assert conductor.finish(memory=True) is None
    assert conductor.last is not None
    memory = conductor.last.memory
    assert memory is not None
    assert memory.kind == "cuda-allocator+arena"
    assert memory.peak_bytes - memory.baseline_bytes == 4 * SIZE.pixels * 3 * 5 + ARENA_BYTES


def test_a_graph_whose_scale_is_asked_for_is_found_by_running_it(rehearse: Rehearse, graph: Path) -> None:
    rehearse("card,onnx")
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        assert load(child, graph, scale=None) == Loaded(scale=2)


def test_failed_cuda_provider_is_reported_without_cpu_fallback(rehearse: Rehearse, graph: Path) -> None:
    rehearse("card,onnx-on-cpu")
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        failure = load(child, graph)
    assert isinstance(failure, Failure)
    assert "did not start its CUDA provider and would run on CPUExecutionProvider" in failure.message


def test_onnxruntime_without_cuda_is_reported(rehearse: Rehearse, graph: Path) -> None:
    rehearse("card")
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        failure = load(child, graph)
    assert isinstance(failure, Failure)
    assert "install onnxruntime-gpu in its place" in failure.message


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_tensorrt_runs_the_whole_graph_in_its_number_format(
    rehearse: Rehearse, graph: Path, precision: Precision
) -> None:
    """Options of the provider are asserted by the stand-in."""
    rehearse("card,onnx")
    pixels = np.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    execution = Execution(backend="tensorrt", precision=precision)
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        assert load(child, graph) == Loaded(scale=2)
        made = child.ask(PrepareModel(execution=execution, size=SIZE), limit_s=60)
        assert not isinstance(made, Failure), made
        assert made.graph_bytes == graph.stat().st_size
        sr = child.enhance(pixels.tobytes(), size=SIZE, scale=2, execution=execution, limit_s=60)
        assert sr == pixels.repeat(2, axis=0).repeat(2, axis=1).tobytes()


def test_a_graph_of_which_tensorrt_runs_a_part_is_refused(rehearse: Rehearse, graph: Path) -> None:
    rehearse("card,onnx-in-parts")
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        assert load(child, graph) == Loaded(scale=2)
        failure = child.ask(PrepareModel(execution=Execution(backend="tensorrt"), size=SIZE), limit_s=60)
    assert isinstance(failure, Failure)
    assert failure.message.startswith("TensorRT does not run the whole graph (This session contains graph nodes")


def test_tensorrt_runs_on_cuda_only_and_needs_its_packages() -> None:
    backend = BACKENDS.find("tensorrt")
    assert backend.refuses(Precision.FP32, "cpu") == "execution tensorrt does not run on cpu, only on cuda"
    assert not backend.lacks or "rtsr-bench[tensorrt]" in backend.lacks
