"""Python code: a module in the folder with a callable that returns a `torch.nn.Module`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import Table
from rtsr_bench.submissions.formats.format import Format, Load, arguments, plain_request

DEFAULT_ENTRY = "arch:srmodel"

_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_MAX_ENTRY = 200
_TAKEN = frozenset({"torch", "numpy", "safetensors", "rtsr_bench"}) | sys.stdlib_module_names
"""Names under which the child has other modules already: a guest's module of such a name would not be found."""


def _read(table: Table, folder: Path) -> Load:
    entry = table.text("entry", limit=_MAX_ENTRY, default=DEFAULT_ENTRY, example=f'"{DEFAULT_ENTRY}"')
    if not _ENTRY.fullmatch(entry):
        raise table.mistake("entry", expected='"module:callable"', way_out=f'write entry = "{DEFAULT_ENTRY}"')
    module = entry.partition(":")[0].split(".")
    if module[0] in _TAKEN:
        raise table.mistake(
            "entry",
            expected="a module of the submission's own",
            way_out=f'rename {module[0]}.py: "{module[0]}" is taken',
        )
    path = folder.joinpath(*module)
    if not (path.with_name(f"{path.name}.py").is_file() or (path / "__init__.py").is_file()):
        raise UserError(
            f"{table.where} entry: expected {'/'.join(module)}.py in the submission's folder, found no such file; "
            "add it or name the module that holds the model"
        )
    return Load(entry=entry, args=arguments(table))


PYTHON = Format(
    name="python",
    title="Python code",
    keys=("entry", "args"),
    read=_read,
    request=plain_request,
)
