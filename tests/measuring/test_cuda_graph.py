"""CUDA graphs without a card: a stand-in records the operators of a call and repeats them. Control flow only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rtsr_bench.backends import BACKENDS
from rtsr_bench.measuring import cuda_graph
from rtsr_bench.measuring.cuda_graph import CudaGraph
from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.protocol import Precision

CPU = torch.device("cpu")


class Graph(TorchDispatchMode):
    """Records operators and runs them again into the same tensors."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        Graph.made += 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, output))
        return output

    def replay(self) -> None:
        for func, args, kwargs, output in self.calls:
            output.copy_(func(*args, **kwargs))


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What streams and graphs were asked for, in order."""
    said: list[str] = []

    class Stream:
        def __init__(self, device: Any, name: str = "side") -> None:
            self.name = name

        def wait_stream(self, other: Any) -> None:
            said.append(f"{self.name} waits for {other.name}")

    @contextmanager
    def recording(graph: Graph) -> Iterator[None]:
        said.append("record")
        with graph:
            yield

    fake = SimpleNamespace(
        Stream=Stream,
        current_stream=lambda device: Stream(device, "current"),
        stream=lambda side: nullcontext(),
        CUDAGraph=Graph,
        graph=recording,
    )
    monkeypatch.setattr(cuda_graph, "_cuda", fake)
    monkeypatch.setattr(Graph, "made", 0)
    return said


def test_each_input_goes_through_the_graph_of_its_size(order: list[str]) -> None:
    net = torch.nn.Conv2d(3, 12, 3, padding=1)
    runs = CudaGraph(net, CPU)
    with torch.no_grad():
        for size in ((8, 12), (8, 12), (6, 10), (8, 12)):
            image = torch.rand(1, 3, *size)
            torch.testing.assert_close(runs(image), net(image))
    assert Graph.made == 2
    assert order == ["side waits for current", "current waits for side", "record"] * 2


def test_the_oldest_graph_goes_where_there_are_many_sizes(order: list[str]) -> None:
    runs = CudaGraph(torch.nn.Conv2d(3, 3, 1), CPU)
    with torch.no_grad():
        for width in (4, 5, 6, 7, 8, 8, 4):
            runs(torch.rand(1, 3, 4, width))
    assert Graph.made == 6
    assert order.count("record") == 6


def test_a_model_that_returns_no_tensor_is_refused(order: list[str]) -> None:
    with pytest.raises(BadGuest, match="returned a list, expected a tensor"):
        CudaGraph(lambda image: [image], CPU)(torch.rand(1, 3, 4, 4))
    assert "record" in order


def test_it_is_offered_on_cuda_only_and_not_under_autocast() -> None:
    backend = BACKENDS.find("cuda-graph")
    assert backend.refuses(Precision.FP32, "cpu") == "execution cuda-graph does not run on cpu, only on cuda"
    assert "does not run amp-fp16 on cuda" in backend.refuses(Precision.AMP_FP16, "cuda")
