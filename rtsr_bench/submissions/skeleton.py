"""A submission to start from: complete, runnable, small, in any of the forms in which models are handed in."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.table import shown
from rtsr_bench.protocol import SCALES
from rtsr_bench.submissions.formats.reference import known_references
from rtsr_bench.submissions.manifest import id_from_name
from rtsr_bench.text import ascii_safe

_FALLBACK_ID = "my_team"
_EXPORT_S = 300.0
_NETWORK = ("submission.toml", "arch.py", "README.md")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """How a form differs: the lines of its `[[model]]`, and the script that makes its file, where it has one."""

    lines: str
    file: str = ""
    export: str = ""


_GRAPH = (
    'format = "{name}"\ncheckpoint = "{file}"  # made from arch.py by `python export.py`, which is for you to run again'
)
_PYTHON = """entry = "arch:srmodel"          # module:callable; the callable returns a torch.nn.Module
args = {{ scale = {scale}, channels = 16, blocks = 3 }}
# checkpoint = "checkpoint.pth" # remove the first # once you have trained it"""
_REFERENCE = """format = "reference"            # weights of yours, code of a reference model
arch = "espcn"
checkpoint = "{file}"  # made by `python export.py`: put your trained weights in its place"""

_PYTHON_STEPS = """2. Put your network into `arch.py`. `srmodel()` returns a `torch.nn.Module` that maps a float tensor
   `(N, 3, H, W)` in 0..1 to `(N, 3, H * {scale}, W * {scale})`, at every H and W, odd ones too.
3. Train it with your own code, then save its weights here:
   `torch.save(model.state_dict(), "checkpoint.pth")`, or as safetensors.
   Take the first `#` off the `checkpoint` line in `submission.toml`."""

_FORMS = {
    "python": _Form(lines=_PYTHON),
    "torchscript": _Form(
        lines=_GRAPH,
        file="model.pt",
        export='torch.jit.script(model).save("model.pt")',
    ),
    "torch-export": _Form(
        lines=_GRAPH,
        file="model.pt2",
        export="""height, width = torch.export.Dim("height", min=4), torch.export.Dim("width", min=4)
exported = torch.export.export(model, (image,), dynamic_shapes=({2: height, 3: width},))
torch.export.save(exported, "model.pt2")""",
    ),
    "onnx": _Form(
        lines=_GRAPH + '\n# half = "model_fp16.onnx"      # the same network in fp16, for tracks that time it on a GPU',
        file="model.onnx",
        export="""# The exporter that needs no further package; with onnxscript installed, dynamo=True is the newer one.
axes = {"lr": {0: "batch", 2: "height", 3: "width"}}
warnings.simplefilter("ignore", DeprecationWarning)
torch.onnx.export(
    model, (image,), "model.onnx", input_names=["lr"], output_names=["sr"], dynamic_axes=axes, dynamo=False
)""",
    ),
    "reference": _Form(lines=_REFERENCE, file="weights.safetensors"),
}

FORMS = tuple(_FORMS)
"""Forms that a submission can be started in; entries of Efficient-SR repositories come by `rtsr-bench import`."""


def create_skeleton(folder: Path, *, scale: int = 2, form: str = "python") -> list[Path]:
    """Write a working submission of this scale and form into a folder, made where it is missing; return its files.

    Forms with a file of their own come with the script that makes it, which is run once.
    UserError, one line, for a scale or form that is none, a folder that is not empty (nothing is overwritten) or
    read-only, reference models that are not there (before anything is written), and a package that the form needs and
    is not installed.
    """
    label = ascii_safe(str(folder))
    _refuse(scale, form)
    made = _FORMS[form]
    values = {
        "scale": str(scale),
        "id": id_from_name(folder.absolute().name) or _FALLBACK_ID,
        "model": made.lines.format(name=form, file=made.file, scale=scale),
        "export": made.export,
        "file": made.file,
        "state": "fresh ones" if form == "reference" else "not trained: it enlarges like nearest neighbour",
        "steps": _steps(form, made, scale),
    }
    names = list(_NETWORK)
    if form == "reference":
        names = ["submission.toml", "README.md", "export_reference.py"]
    elif made.export:
        names.append("export.py")
    templates = resources.files(__package__) / "skeleton_files"
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            raise UserError(f"{label}: expected an empty or a new folder, found files in it; name another folder")
        for name in names:
            template = Template((templates / f"{name}.template").read_text(encoding="utf-8"))
            path = folder / name.replace("_reference", "")
            path.write_text(template.substitute(values), encoding="utf-8")
            written.append(path)
    except FileExistsError:
        raise UserError(f"{label}: expected a folder, found a file; name another folder") from None
    except OSError as error:
        raise UserError(
            f"{label}: expected a folder that can be written, found: {error.strerror}; name another folder"
        ) from None
    if made.file:
        _export(folder, form)
        written.append(folder / made.file)
    return written


def _refuse(scale: int, form: str) -> None:
    """UserError for a scale or form that is none, and for the one that needs the reference models where there are none.

    A package that was installed without a checkout has none: their code is what the weights are for.
    """
    if scale not in SCALES:
        raise UserError(f"--scale: expected 2, 3 or 4, found {scale}; give one of these")
    if form not in _FORMS:
        raise UserError(f"--format: expected {', '.join(FORMS)}, found {shown(form)}; give one of these")
    if form == "reference" and not known_references():
        raise UserError(
            "--format reference: expected the folder reference_models beside the package, whose code the weights are "
            "for, found none; run it from a checkout of the project, installed with `pip install -e .`, or take "
            "--format python"
        )


def _steps(form: str, made: _Form, scale: int) -> str:
    if form == "reference":
        return (
            "2. Train the architecture of `reference_models/espcn`, or name another in `submission.toml`.\n"
            f"3. Save its weights here as `{made.file}` (`safetensors.torch.save_file(model.state_dict(), ...)`)."
        )
    if made.file:
        return (
            "2. Put your network into `arch.py` and train it with your own code.\n"
            f"3. Load its weights in `export.py` and run that: it writes `{made.file}`, which is what is measured."
        )
    return _PYTHON_STEPS.format(scale=scale)


def _export(folder: Path, form: str) -> None:
    """Run the script that was just written: in a process of its own, because it needs torch."""
    command = [sys.executable, "export.py"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_EXPORT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"{ascii_safe(str(folder))}: export.py could not be run: {error}") from error
    if done.returncode:
        said = ascii_safe((done.stderr.strip().splitlines() or ["no reason given"])[-1])[:300]
        extra = "; pip install 'rtsr-bench[onnx]'" if form == "onnx" else ""
        raise UserError(f"--format {form}: expected export.py to write the file, found: {said}{extra}; "
                        f"mend that and run it in {ascii_safe(str(folder))}")  # fmt: skip
