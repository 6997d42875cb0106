"""Timed calls in blocks: each block's foreign load is known, and what other work disturbed is timed again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import Crops, Input, random_input
from rtsr_bench.evaluate.quiet import BLOCK_S, Machine
from rtsr_bench.load import Load, Mark
from rtsr_bench.record import Failure

MakeInput = Callable[[], Input]
"""Makes the input of a planned call when its turn comes: crops of 4K are too large to be held ready by the hundred."""


@dataclass(kw_only=True, slots=True)
class Timed:
    """Calls by kind, in order, and the `loads` of the blocks that were kept.

    `noise`: random numbers, the samples; `crops`: new images; `known`: images whose outputs are compared;
    `repeated`: random numbers that the warm-up had. `quiet`: all of it on a machine known to be quiet.
    """

    noise: list[Call] = field(default_factory=list)
    crops: list[Call] = field(default_factory=list)
    known: list[Call] = field(default_factory=list)
    repeated: list[Call] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    quiet: bool = False

    def add(self, calls: Iterable[Call]) -> None:
        """Sort calls into their kinds."""
        for call in calls:
            if call.given.image is not None:
                (self.known if call.given.at else self.crops).append(call)
            else:
                (self.repeated if call.given.repeated else self.noise).append(call)

    @property
    def foreign(self) -> float | None:
        """Share of the processors that other work used, over all that was kept; None where unknown."""
        known = [load for load in self.loads if load.foreign is not None]
        wall_s = sum(load.wall_s for load in known)
        return sum((load.foreign or 0.0) * load.wall_s for load in known) / wall_s if wall_s else None

    @property
    def gpu(self) -> float | None:
        """Largest share of the GPU that other processes used in a block; None where unknown."""
        return max((load.gpu for load in self.loads if load.gpu is not None), default=None)


class Blocks:
    """Makes planned calls one after another, in blocks of about a second."""

    def __init__(self, conductor: Conductor, machine: Machine, crops: Crops, on_call: Callable[[Call], None]) -> None:
        self._conductor, self._machine, self._crops, self._on_call = conductor, machine, crops, on_call

    def run(self, plan: Sequence[MakeInput]) -> Timed | Failure:
        """Make every planned call undisturbed, as far as the machine allows; a Failure is the guest's."""
        todo, made, whole = deque(plan), Timed(), True
        while todo:
            began = self._machine.mark()
            block: list[Call] = []
            while todo and (not block or monotonic() - began.wall_s < BLOCK_S):
                call = self._conductor.call(todo.popleft()())
                if isinstance(call, Failure):
                    self._machine.excuse(call, self._machine.since(began))
                    return call
                block.append(call)
            whole &= self._judge(block, began, made, todo, len(plan))
        made.quiet = whole and self._machine.quiet(made.foreign, made.gpu)
        return made

    def _judge(self, block: list[Call], began: Mark, made: Timed, todo: deque[MakeInput], planned: int) -> bool:
        """Keep a block or plan its calls again; whether nothing disturbed what is kept."""
        load = self._machine.since(began)
        disturbed = self._machine.disturbed(load)
        if disturbed and self._machine.again(len(block), planned, load):
            todo.extend(self._like(call) for call in block)
            self._machine.wait()
            self._conductor.extend(monotonic() - began.wall_s)
            return True
        made.loads.append(load)
        made.add(block)
        for call in block:
            self._on_call(call)
        return not disturbed

    def _like(self, call: Call) -> MakeInput:
        """What makes another input of the kind of a disturbed call: the guest has seen this one.

        A crop comes in the place of an image whose output is compared: that output has arrived.
        """
        given = call.given
        if given.image is None:
            return (lambda: given) if given.repeated else random_input
        return self._crops.input
