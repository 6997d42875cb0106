"""One entry of an NTIRE Efficient-SR repository, as `rtsr-bench import ntire-esr` lays it out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtsr_bench.errors import UserError
from rtsr_bench.formats import FORMATS, Format, Load

if TYPE_CHECKING:
    from pathlib import Path

    from rtsr_bench.files.table import Table
    from rtsr_bench.wire import LoadModel

DEFAULT_ENTRY = "test_demo:select_model"
DEFAULT_FORWARD = "forward"

_ENTRY = re.compile(r"[A-Za-z_]\w*:[A-Za-z_]\w*", re.ASCII)


def _read(table: Table, folder: Path) -> Load:
    from rtsr_bench.submissions.folder import inner_file
    from rtsr_bench.submissions.keys import arguments

    entry = table.text("entry", limit=200, default=DEFAULT_ENTRY, example=f'"{DEFAULT_ENTRY}"')
    if not _ENTRY.fullmatch(entry):
        raise table.mistake("entry", expected='"module:function"', hint=f'write entry = "{DEFAULT_ENTRY}"')
    script = f"{entry.partition(':')[0]}.py"
    problem = inner_file(folder, script)
    if problem is not None:
        raise UserError(f"{table.where} entry: expected the repository's {script} in the submission's folder, found "
                        f"one {problem}; `rtsr-bench import ntire-esr` puts it there")  # fmt: skip
    if table.has("checkpoint"):
        raise UserError(f"{table.where} checkpoint: expected none, because select_model names its own, found one; "
                        "remove it")  # fmt: skip
    args: dict[str, Any] = arguments(table)
    if type(args.get("model_id")) is not int:
        raise UserError(f"{table.where} args: expected the entry's number, found none; write args = {{ model_id = 0 }}")
    forward = table.text("forward", limit=100, default=DEFAULT_FORWARD, example=f'"{DEFAULT_FORWARD}"')
    if not forward.isidentifier():
        raise table.mistake("forward", expected="a function's name", hint=f'write forward = "{DEFAULT_FORWARD}"')
    return Load(entry=entry, args={"args": args, "forward": forward})


def _load(request: LoadModel, device: Any, notes: Any) -> Callable[[], Any]:
    from rtsr_bench.formats.ntire_esr.loading import builder

    del notes
    return builder(request, device)


NTIRE_ESR = FORMATS.add(
    Format(
        name="ntire-esr",
        title="an entry of an NTIRE Efficient-SR repository",
        keys=("entry", "args", "forward"),
        read=_read,
        load=_load,
    )
)
