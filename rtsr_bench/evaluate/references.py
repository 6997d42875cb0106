"""The fixed references right before and right after a model is timed."""

from __future__ import annotations

from dataclasses import dataclass

from rtsr_bench.division import division_of
from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate.quiet import Machine
from rtsr_bench.evaluate.reference_processes import wanted
from rtsr_bench.evaluate.work import Work
from rtsr_bench.load import LoadMeter
from rtsr_bench.record import Failure, References, ReferenceTimes
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import ReferenceTimed, TimeReference

TRIES = 2
"""How often they are timed if other work disturbs them; what the last try gave is kept, with its load."""

_LIMIT_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Both references once, and the share (0..1) of the processors that other work used meanwhile, None if unknown."""

    timed: ReferenceTimed
    foreign: float | None


def time_references(work: Work, *, after: bool) -> Moment | None:
    """Time the references; None if they are not wanted. To be called while the device is held and no guest is there.

    Disturbed by other work, they are timed again. Before an official measurement that waits for a quiet machine, as the
    timing of the model does: HarnessError where there is none. Otherwise nothing waits: the model is timed already, or
    its row may be one of a busy machine.
    """
    if not wanted():
        return None
    bench, rules = work.bench, work.job.protocol
    official = not after and division_of(rules, work.job.track.protocol) is not None
    with bench.reference_child() as child:
        machine = Machine(
            LoadMeter(child.cpu_s),
            official=official,
            device_kind=bench.device_kind,
            tell=work.listener.waiting,
            sleep=bench.lock.sleep,
        )
        return _undisturbed(child, machine, patient=official)


def _undisturbed(child: Child, machine: Machine, *, patient: bool) -> Moment:
    left = TRIES
    while True:
        left -= 1
        began = machine.mark()
        timed = child.ask(TimeReference(), limit_s=_LIMIT_S)
        load = machine.since(began)
        if isinstance(timed, Failure):
            raise HarnessError(f"the fixed references could not be timed: {timed.message}")
        if not left or not machine.disturbed(load):
            return Moment(timed=timed, foreign=load.foreign)
        if patient:
            machine.wait()


def combined(before: Moment | None, after: Moment | None) -> References | None:
    """What a record keeps of both moments; None without both."""
    if before is None or after is None:
        return None
    first, last = before.timed, after.timed
    known = [moment.foreign for moment in (before, after) if moment.foreign is not None]
    return References(
        convs=ReferenceTimes(id=first.convs.id, before_ms=first.convs.samples_ms, after_ms=last.convs.samples_ms),
        bicubic=ReferenceTimes(
            id=first.bicubic.id, before_ms=first.bicubic.samples_ms, after_ms=last.bicubic.samples_ms
        ),
        foreign_load=max(known, default=None),
    )
