"""Counting a model: by shapes alone where that works, else by a computed pass in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from rtsr_bench.protocol import Size
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.sandbox.child import Child
from rtsr_bench.wire import Counted, CountOperations, LoadModel


def count_model(
    child: Child | None,
    load: LoadModel,
    sizes: Sequence[Size],
    *,
    start: Callable[[], Child],
    load_s: float,
    count_s: float,
) -> Counted | Failure:
    """Return parameters and operations at each LR size, or the failure of the last attempt.

    `child` holds the model; None, or one that has ended, where a process has to be started with `start` and told to
    `load`. It is asked for a pass without values (on the meta device), after which it must not run the model again:
    the guest may keep what it made there. A model that needs values is counted in a new process. One that ran out of
    time without values is not tried again.
    """
    counted = _ask(child, load, sizes, start, (load_s, count_s), computed=False)
    again = counted.kind is not FailureKind.TIMEOUT if isinstance(counted, Failure) else not counted.counts
    if again and not (isinstance(counted, Failure) and counted.stage is Stage.LOAD):
        counted = _ask(None, load, sizes, start, (load_s, count_s), computed=True)
    if not isinstance(counted, Failure) and [count.input for count in counted.counts] != list(sizes):
        message = "the counts that arrived are not for the input sizes asked for"
        return Failure(stage=Stage.COMPLEXITY, kind=FailureKind.INCONSISTENT, message=message)
    return counted


def _ask(
    child: Child | None,
    load: LoadModel,
    sizes: Sequence[Size],
    start: Callable[[], Child],
    limits_s: tuple[float, float],
    *,
    computed: bool,
) -> Counted | Failure:
    load_s, count_s = limits_s
    with contextlib.ExitStack() as ends:
        if child is None or not child.alive:
            child = ends.enter_context(start())
            loaded = child.ask(load, limit_s=load_s)
            if isinstance(loaded, Failure):
                return loaded
        return child.ask(CountOperations(sizes=tuple(sizes), computed=computed), limit_s=count_s)
