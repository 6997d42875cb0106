"""ONNX through onnxruntime: on the CPU, or on CUDA without leaving the GPU's memory.

On CUDA a session works on a stream of its own: to onnxruntime, torch's default stream, whose handle is 0, means that
none was given. The two streams wait for each other on the device, so events on torch's stream enclose the work, the
input is ready before the graph reads it, and the host waits for neither.

A graph in fp32 or fp16 is converted to the other where that is asked for, as Python code is (`retyping`); a second file
can hold the half one. Operations and parameters are counted from the graph (`counting`). Both need the `onnx` package.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.formats.onnx.counting import count as count_graph
from rtsr_bench.formats.onnx.counting import params as params_of
from rtsr_bench.formats.onnx.providers import open_session
from rtsr_bench.formats.onnx.retyping import number_formats, retyped
from rtsr_bench.measuring.deployed import Deployed, graph_files
from rtsr_bench.measuring.guest import BadGuest, Notes, dtype_of
from rtsr_bench.measuring.weightfile import Kind
from rtsr_bench.protocol import Size
from rtsr_bench.record import Count
from rtsr_bench.wire import LoadModel

_DTYPES = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}
_NAMES = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}


class Graph(Deployed):
    """One or two ONNX files of one network, the second one computing in fp16; or one that is converted on demand.

    With `tensorrt` the whole graph is run by TensorRT, else by CUDA's or the CPU's kernels of onnxruntime.
    """

    def __init__(self, paths: list[str], device: torch.device, scale: int | None, *, tensorrt: bool = False) -> None:
        self.stream: Any = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.tensorrt = tensorrt
        sessions = [open_session(path, device, self.stream, tensorrt=tensorrt) for path in paths]
        shape = _image_shape(sessions[0])
        height, width = shape[2:] if len(shape) == 4 else (None, None)
        fixed = Size(height, width) if isinstance(height, int) and isinstance(width, int) else None
        super().__init__("ONNX", fixed)
        self.paths, self.scale, self.device, self.onnx = paths, scale, device, Path(paths[0])
        self._shrink = False
        self.sessions = {_dtype(session): session for session in sessions}

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        """Run the graph of the input's number format; BadGuest where there is none."""
        self.fits(tensor)
        kind = tensor.device.type
        if torch.is_autocast_enabled(kind):
            raise BadGuest("autocast does not reach into an ONNX graph; ask for fp32, or submit a graph in fp16")
        session = self.sessions.get(tensor.dtype) or self._converted(tensor.dtype)
        source, target = session.get_inputs()[0].name, session.get_outputs()[0].name
        options = self._options(kind)
        if kind == "cuda" and self.scale is not None:
            return _on_gpu(session, source, target, tensor, self.scale, self.stream, options)
        (output,) = session.run([target], {source: tensor.cpu().numpy()}, options)
        return torch.from_numpy(output).to(tensor.device)

    def _converted(self, dtype: torch.dtype) -> Any:
        """The session of the graph in another number format; BadGuest where there is none, or it does not run so."""
        own, wanted = " and ".join(_NAMES[one] for one in self.sessions), _NAMES.get(dtype, str(dtype))
        hint = 'submit a graph of that number format too (half = "FILE" for fp16)'
        if dtype not in _DTYPES.values():
            raise BadGuest(f"the ONNX graph computes in {own} and is not converted to {wanted}; {hint}")
        try:
            graph = retyped(self.paths[0], half=dtype is torch.float16)
            self.sessions[dtype] = open_session(graph, self.device, self.stream, tensorrt=self.tensorrt)
        except BadGuest:
            raise
        except Exception as error:  # whatever onnxruntime says of a graph that does not fit together any more
            raise BadGuest(
                f"the ONNX graph computes in {own} and can't be converted to {wanted} ({error}); {hint}"
            ) from error
        return self.sessions[dtype]

    @property
    def own_arena(self) -> bool:
        """Intermediates on CUDA are in onnxruntime's arena, of which torch's allocator knows nothing."""
        return self.device.type == "cuda"

    def give_back(self) -> None:
        """Let the next call shrink CUDA's or the CPU's arena at its end: it holds workspaces that were tried, too."""
        self._shrink = not self.tensorrt

    def _options(self, kind: str) -> Any:
        """Options of one run, None where there is nothing to say."""
        shrink, self._shrink = self._shrink, False
        if not (shrink or kind == "cuda"):
            return None
        import onnxruntime

        options = onnxruntime.RunOptions()
        if kind == "cuda":
            # Waiting for the stream is the caller's: else the host waits in each call, and seems to be launching.
            options.add_run_config_entry("disable_synchronize_execution_providers", "1" if self.scale else "0")
        if shrink:
            arena = f"gpu:{self.device.index or 0}" if kind == "cuda" else "cpu:0"
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", arena)
        return options

    def graph_bytes(self) -> int:
        """Size of the files."""
        return sum(Path(path).stat().st_size for path in self.paths)

    def params(self) -> int:
        """Elements of the graph's weights; BadGuest where the `onnx` package is missing."""
        return params_of(self.paths[0])

    def counts(self, sizes: list[Size]) -> list[Count]:
        """Count the graph's products at each size that it accepts; what has no formula or no known shape is listed."""
        return [count_graph(self.paths[0], size) for size in sizes]


def _dtype(session: Any) -> torch.dtype:
    kind = session.get_inputs()[0].type
    if kind not in _DTYPES:
        raise BadGuest(f"the ONNX graph takes a {kind}, expected {' or '.join(_DTYPES)}")
    return _DTYPES[kind]


def _image_shape(session: Any) -> list[Any]:
    """The input's sides, numbers or names; BadGuest where they are not those of RGB images, channels first."""
    shape = list(session.get_inputs()[0].shape)
    channels = shape[1] if len(shape) == 4 else 3  # without a declared rank the first run says what is wrong
    if isinstance(channels, int) and channels != 3:
        last = shape[3] == 3
        found = "channels last (N, H, W, 3)" if last else f"{channels} channel{'s' if channels > 1 else ''}"
        raise BadGuest(
            f"the ONNX graph takes {found}, expected RGB images, channels first (N, 3, H, W); "
            + ("export it with the channels first" if last else "submit a graph for RGB images")
        )
    return shape


def _describe(graph: Graph, request: LoadModel, notes: Notes) -> None:
    """Say what is not as it is asked for: another number format, several of them, more outputs than one."""
    asked = (torch.float32, dtype_of(request.execution))
    own = " and ".join(_NAMES[one] for one in graph.sessions)
    for dtype in dict.fromkeys(asked):
        if dtype in _DTYPES.values() and dtype not in graph.sessions:
            notes.add(f"the ONNX graph computes in {own}; where {_NAMES[dtype]} is asked for it is converted")
    first = next(iter(graph.sessions.values()))
    if len(first.get_outputs()) > 1:
        notes.add(f"the ONNX graph has {len(first.get_outputs())} outputs; the SR image is the first, "
                  f"{first.get_outputs()[0].name}")  # fmt: skip
    try:
        inside = number_formats(graph.paths[0])
    except BadGuest:  # without the package onnx
        return
    taken = _NAMES[_dtype(first)]
    if inside and inside != {taken}:
        notes.add(f"the ONNX graph takes {taken} and holds weights in {' and '.join(sorted(inside))}: it computes in "
                  "what it holds, whatever is asked for")  # fmt: skip


def _on_gpu(
    session: Any, source: str, target: str, tensor: torch.Tensor, scale: int, stream: Any, options: Any
) -> torch.Tensor:
    """Run a session on its stream, between what torch's current stream did before and will do afterwards."""
    import numpy as np

    tensor = tensor.contiguous()
    batch, _, height, width = tensor.shape
    output = torch.empty(batch, 3, height * scale, width * scale, dtype=tensor.dtype, device=tensor.device)
    kind = np.float16 if tensor.dtype is torch.float16 else np.float32
    binding, index = session.io_binding(), tensor.device.index or 0
    binding.bind_input(source, "cuda", index, kind, tuple(tensor.shape), tensor.data_ptr())
    binding.bind_output(target, "cuda", index, kind, tuple(output.shape), output.data_ptr())
    current = torch.cuda.current_stream(tensor.device)
    stream.wait_stream(current)
    session.run_with_iobinding(binding, options)
    current.wait_stream(stream)
    return output


def builder(request: LoadModel, device: torch.device, notes: Notes) -> Callable[[], torch.nn.Module]:
    """Return what opens the file, and the half one beside it where there is one, anew at each call."""
    paths = [str(path) for path in graph_files(request, Kind.OTHER, "export it with torch.onnx.export")]

    def build() -> torch.nn.Module:
        graph = Graph(paths, device, request.scale)
        _describe(graph, request, notes)
        return graph

    return build
