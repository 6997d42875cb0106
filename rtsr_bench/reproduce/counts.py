"""Parameters and MACs of the models in the tables, built one after the other in one child per folder."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.paper import AS_PRINTED, CountAsk, ObservedCount
from rtsr_bench.paper.compare import frame_input
from rtsr_bench.protocol import Size
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child, count_model
from rtsr_bench.submissions import ModelSpec, Submission, discover, load_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

LIMIT_S = 120.0
"""Time limit in seconds to build a model, and to count it; each takes a few tenths of a second."""

_SMALL = Size(64, 64)
"""Input if only parameters are needed; it keeps a computed pass small."""


def count_models(
    asks: Iterable[CountAsk], models: Path, *, on_folder: Callable[[str], None] = lambda _: None
) -> tuple[tuple[ObservedCount, ...], str]:
    """Count every requested model, from its folder below `models`; also return the version of torch.

    Models have fresh weights and are counted at the input of the paper's tables and at the LR size of a 4K frame.
    UserError if `models` is not a folder; a model that is missing or fails has a `trouble` text.
    """
    if not models.is_dir():
        raise UserError(f"no folder of reference models at {models}: give the repository's folder with --models")
    ordered = sorted({ask.key: ask for ask in asks}.values(), key=lambda ask: ask.key)
    folders = {name: tuple(group) for name, group in groupby(ordered, key=lambda ask: ask.submission)}
    found: list[ObservedCount] = []
    torch = ""
    # A child spends most of its time importing torch. Nothing is timed here, so children may run in parallel.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="counting") as pool:
        jobs = {name: pool.submit(_folder, models / name, wanted) for name, wanted in folders.items()}
        for name, job in jobs.items():
            counts, version = job.result()
            on_folder(name)
            found += counts
            torch = version or torch
    return tuple(found), torch


def _folder(path: Path, wanted: Sequence[CountAsk]) -> tuple[list[ObservedCount], str]:
    """The counts of one folder's models, all in one child: its modules are imported once."""
    if not path.is_dir():
        return [ObservedCount(key=ask.key, trouble=f"no folder {path.name} among the models") for ask in wanted], ""
    try:
        (submission,) = discover(path)
    except (UserError, ValueError) as error:
        return [ObservedCount(key=ask.key, trouble=str(error)) for ask in wanted], ""
    with _start() as child:
        return [_counted(ask, submission, child) for ask in wanted], child.hello.torch


def _counted(ask: CountAsk, submission: Submission, child: Child) -> ObservedCount:
    spec = _spec(ask, submission)
    if spec is None:
        return ObservedCount(key=ask.key, trouble=f"{submission.id} has no model of scale x{ask.scale}")
    if not child.alive:
        return ObservedCount(key=ask.key, trouble="another model of the folder ended the counting process")
    request = load_request(spec, submission, None)
    loaded = child.ask(request, limit_s=LIMIT_S)
    if isinstance(loaded, Failure):
        return ObservedCount(key=ask.key, trouble=loaded.message)
    counted = count_model(
        child,
        request,
        (AS_PRINTED, frame_input(ask.scale)) if ask.entry else (_SMALL,),
        start=_start,
        load_s=LIMIT_S,
        count_s=LIMIT_S,
    )
    if isinstance(counted, Failure):
        return ObservedCount(key=ask.key, trouble=counted.message)
    missing = any(count.uncounted for count in counted.counts)
    macs = () if missing else tuple((count.input, count.macs) for count in counted.counts)
    return ObservedCount(key=ask.key, params=counted.params, macs=macs)


def _start() -> Child:
    return Child(device="cpu", threads=1)


def _spec(ask: CountAsk, submission: Submission) -> ModelSpec | None:
    """The manifest's model of this scale, or another entry and arguments of the same folder; without weights."""
    spec = next((model for model in submission.models if model.scale == ask.scale), None)
    if spec is None:
        return None
    if ask.entry:
        spec = replace(spec, entry=ask.entry, args=ask.args)
    return replace(spec, checkpoint=None)
