"""A model converted by pnnx and run by ncnn on the CPU."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch

from rtsr_bench.measuring.deployed import Deployed
from rtsr_bench.measuring.guest import SMALL, BadGuest, no_gradients

_OTHER = (8, 16)
"""Added to height and width of the second size that pnnx sees: what differs between the two is not a constant."""


def convert(model: torch.nn.Module, device: torch.device) -> Path:
    """Write the model as a graph of ncnn into a file of the child's own; returns the path of its `.param` file.

    A model that was submitted as ONNX is converted from its file, any other is traced. BadGuest, with the names of the
    operators, where ncnn does not have all of them.
    """
    folder = Path(tempfile.mkdtemp(prefix="export-"))
    size = model.size if isinstance(model, Deployed) else None
    height, width = (size or SMALL).height, (size or SMALL).width
    shapes = [(height, width)] if size else [(height, width), (height + _OTHER[0], width + _OTHER[1])]
    if isinstance(model, Deployed) and model.onnx is not None:
        source = folder / "model.onnx"
        source.symlink_to(model.onnx.resolve())  # pnnx writes beside its input
    else:
        source = folder / "model.pt"
        _trace(model, torch.rand(1, 3, height, width, device=device), source)
    asked = [f"inputshape{n or ''}=[1,3,{h},{w}]f32" for n, (h, w) in zip((0, 2), shapes, strict=False)]
    done = subprocess.run(
        [_program(), str(source), *asked, "fp16=0", f"device={device.type}"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    graph = folder / "model.ncnn.param"
    if done.returncode or not graph.is_file():
        crash = f"it ended with signal {-done.returncode}" if done.returncode < 0 else ""
        raise BadGuest(f"pnnx cannot convert it for ncnn: {crash or _last_line(done.stderr or done.stdout)}")
    _see_operators(graph)
    return graph


def _trace(model: torch.nn.Module, example: torch.Tensor, file: Path) -> None:
    source = model.exportable if isinstance(model, Deployed) else model
    try:
        with warnings.catch_warnings(), no_gradients():
            warnings.simplefilter("ignore")
            # Tracing leaves a scripted module as it is, and pnnx crashes on parts that are not inlined.
            scripted = source if isinstance(source, torch.jit.ScriptModule) else None
            (torch.jit.trace(source, example) if scripted is None else _frozen(scripted)).save(str(file))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadGuest(f"it cannot be traced for ncnn: {reason}") from error


def _frozen(script: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    try:
        frozen: torch.jit.ScriptModule = torch.jit.freeze(script.eval())
    except RuntimeError:  # frozen when it was saved
        return script
    return frozen


def _program() -> str:
    spec = find_spec("pnnx")
    if spec is None or spec.origin is None:
        raise BadGuest("execution ncnn needs pnnx, which is not installed: pip install 'rtsr-bench[ncnn]'")
    return str(Path(spec.origin).with_name("pnnx"))


def _see_operators(graph: Path) -> None:
    """BadGuest where the graph has operators that ncnn does not have: pnnx leaves those of torch in it."""
    import ncnn

    lines = graph.read_text(encoding="utf-8").splitlines()[2:]
    names = {line.split(maxsplit=1)[0] for line in lines if line.strip()}
    foreign = {name for name in names if ncnn.layer_to_index(name) < 0}
    if foreign:
        raise BadGuest(f"it cannot be converted for ncnn, which has no {', '.join(sorted(foreign))}")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


class NcnnGraph:
    """Callable with a float tensor (N, 3, H, W) on the CPU; returns the output, fp32 inside."""

    def __init__(self, graph: Path) -> None:
        """Read the graph and its weights, `NAME.ncnn.param` and `NAME.ncnn.bin`."""
        import ncnn

        self._ncnn, self._graph = ncnn, graph
        self._net = ncnn.Net()
        options = self._net.opt
        options.use_vulkan_compute = False
        options.num_threads = torch.get_num_threads()
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
            setattr(options, name, False)
        if self._net.load_param(str(graph)) or self._net.load_model(str(graph.with_suffix(".bin"))):
            raise BadGuest("ncnn cannot read the converted graph")

    def graph_bytes(self) -> int:
        """Size of graph and weights."""
        return self._graph.stat().st_size + self._graph.with_suffix(".bin").stat().st_size

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        """Run the graph, one image after another; BadGuest where it does not accept this size."""
        images = [self._run(image) for image in tensor.to(torch.float32).contiguous()]
        return (images[0].unsqueeze(0) if len(images) == 1 else torch.stack(images)).to(tensor.dtype)

    def _run(self, image: torch.Tensor) -> torch.Tensor:
        import numpy as np

        extractor = self._net.create_extractor()
        status = extractor.input("in0", self._ncnn.Mat(image.numpy()))
        if not status:
            status, output = extractor.extract("out0")
        if status:
            raise BadGuest(f"ncnn cannot run the graph on an input of {tuple(image.shape)} (status {status})")
        return torch.from_numpy(np.asarray(output))  # ncnn keeps it for as long as it is used
