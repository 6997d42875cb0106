"""Formats: the ways to submit a model. One file or folder each, which registers itself in `FORMATS`.

Parent and child import the same file. The parent calls `read` and `request`, which never load a model; the child calls
`load`. So a format imports nothing at its top but the standard library, `rtsr_bench.errors`, `rtsr_bench.wire` and
`rtsr_bench.formats`; what else it needs (`rtsr_bench.submissions` in `read`, torch and `rtsr_bench.measuring` in
`load`) it imports there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rtsr_bench.plugins import Registry
from rtsr_bench.wire import LoadModel

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.files.table import Table
    from rtsr_bench.submissions.submission import ModelSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What a format read from a `[[model]]` table, besides the keys that all formats share.

    `weights_key` names the weights to take from a checkpoint that holds several, empty for the likeliest.
    """

    entry: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    weights_key: str = ""


def no_keys(table: Table, folder: Path) -> Load:
    """Read nothing: for a format whose models need only the keys that all share."""
    del table, folder
    return Load()


def plain_request(spec: ModelSpec, folder: Path, checkpoint: Path | None) -> LoadModel:
    """What every format tells the child: where the folder and the weights are, and what the manifest says."""
    return LoadModel(
        format=spec.format,
        folder=folder.absolute(),
        entry=spec.entry,
        args=spec.args,
        checkpoint=None if checkpoint is None else checkpoint.absolute(),
        weights_key=spec.weights_key,
        data_range=spec.data_range,
        scale=spec.scale,
    )


GRAPH_LINES = (
    'format = "{name}"\ncheckpoint = "{file}"  # made from arch.py by `python export.py`; run it again after changes'
)
"""Lines of a `[[model]]` table whose format is one file made from `arch.py`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skeleton:
    """What `rtsr-bench new --format NAME` writes; the defaults are for a format that is one file made from `arch.py`.

    `lines` are those of the `[[model]]` table and `steps` those of the README; `{name}`, `{scale}` and `{file}` in them
    are filled in. `file` is what `export.py` makes: `export` are the lines that write it, given `model` and `image`.
    `templates` name files of `submissions/skeleton_files`; `weights` says in the README what state they are in.
    `needs()` says on one line what is missing before anything is written, empty where nothing is. `hint` is how to
    install what `export.py` may lack.
    """

    lines: str = GRAPH_LINES
    steps: str = (
        "2. Put your network into `arch.py` and train it with your own code.\n"
        "3. Load its weights in `export.py` and run it: it writes `{file}`, the file that is measured."
    )
    file: str = ""
    export: str = ""
    templates: tuple[str, ...] = ("submission.toml", "arch.py", "README.md")
    weights: str = "not trained: it enlarges like nearest neighbour"
    needs: Callable[[], str] = str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One way to submit a model, by the name that `format` gives in a `[[model]]` table.

    `keys`: what it reads of the table beside `scale`, `variant`, `format`, `checkpoint` and `data_range`.
    `read(table, folder)` checks these keys against the folder; UserError, one line.
    `request(spec, folder, checkpoint)` is what the child needs to load the model, with absolute paths. What no field is
    made for goes into `args`, or into `files` where it is a path that the child must be able to read.
    `load(request, device, notes)` runs in the child and returns what builds the model: a `torch.nn.Module`
    without other references, in evaluation mode, at each call. `device` is a `torch.device`; what was done to load the
    model goes into `notes` with `notes.add(sentence)`. Any exception is a failure of the model.
    `skeleton`: what to start a submission from, None for a format without one.
    `alone`: suffixes, in lower case, of files that are a submission by themselves: `rtsr-bench run model.onnx`.
    """

    name: str
    title: str
    load: Callable[[LoadModel, Any, Any], Callable[[], Any]]
    keys: tuple[str, ...] = ()
    read: Callable[[Table, Path], Load] = no_keys
    request: Callable[[ModelSpec, Path, Path | None], LoadModel] = plain_request
    skeleton: Skeleton | None = None
    alone: tuple[str, ...] = ()


FORMATS: Registry[Format] = Registry("format", __name__, lambda form: form.name)
