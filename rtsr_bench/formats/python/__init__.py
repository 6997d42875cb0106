"""Python code: a module in the folder with a callable that returns a `torch.nn.Module`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtsr_bench.errors import UserError
from rtsr_bench.formats import FORMATS, Format, Load, Skeleton

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.files.table import Table
    from rtsr_bench.wire import LoadModel

DEFAULT_ENTRY = "arch:srmodel"

_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_MAX_ENTRY = 200
_TAKEN = frozenset({"torch", "numpy", "safetensors", "rtsr_bench"}) | sys.stdlib_module_names
"""Names under which the child has other modules already: a guest's module of such a name would not be found."""


def _read(table: Table, folder: Path) -> Load:
    from rtsr_bench.submissions.keys import arguments, weights_key

    entry = table.text("entry", limit=_MAX_ENTRY, default=DEFAULT_ENTRY, example=f'"{DEFAULT_ENTRY}"')
    if not _ENTRY.fullmatch(entry):
        raise table.mistake("entry", expected='"module:callable"', hint=f'write entry = "{DEFAULT_ENTRY}"')
    module = entry.partition(":")[0].split(".")
    if module[0] in _TAKEN:
        raise table.mistake(
            "entry",
            expected="a module of the submission's own",
            hint=f'rename {module[0]}.py: "{module[0]}" is taken',
        )
    path = folder.joinpath(*module)
    if not (path.with_name(f"{path.name}.py").is_file() or (path / "__init__.py").is_file()):
        raise UserError(
            f"{table.where} entry: expected {'/'.join(module)}.py in the submission's folder, found no such file; "
            "add it or name the module that holds the model"
        )
    return Load(entry=entry, args=arguments(table), weights_key=weights_key(table))


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.python.loading import builder

    del device
    return builder(request, notes)


_SKELETON = Skeleton(
    lines="""entry = "arch:srmodel"          # module:callable; the callable returns a torch.nn.Module
args = {{ scale = {scale}, channels = 16, blocks = 3 }}
# checkpoint = "checkpoint.pth" # remove the first # once you have trained it""",
    steps="""2. Put your network into `arch.py`. `srmodel()` returns a `torch.nn.Module` that maps a float tensor
   `(N, 3, H, W)` in 0..1 to `(N, 3, H * {scale}, W * {scale})`, at every H and W, odd ones too.
3. Train it with your own code, then save its weights here:
   `torch.save(model.state_dict(), "checkpoint.pth")`, or as safetensors.
   Take the first `#` off the `checkpoint` line in `submission.toml`.""",
)

PYTHON = FORMATS.add(
    Format(
        name="python",
        title="Python code",
        keys=("entry", "args", "weights_key"),
        read=_read,
        load=_load,
        skeleton=_SKELETON,
    )
)
