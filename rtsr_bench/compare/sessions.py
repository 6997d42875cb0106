"""One session: two fresh processes of each model, timed in turns in short blocks."""

from __future__ import annotations

import contextlib
import math
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from rtsr_bench.comparison import Session
from rtsr_bench.division import division_of
from rtsr_bench.evaluate.clocks import check_sum
from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.evaluate.quiet import Machine
from rtsr_bench.evaluate.work import Work
from rtsr_bench.load import Load, LoadMeter
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child
from rtsr_bench.statistics import mean, median
from rtsr_bench.system import gauge

PROCESSES = 2
"""Processes of each model in a session: the two differ by noise alone, which gives the noise floor."""

WARM_S, LEAST_WARM = 0.3, 2
"""Untimed calls of a process before the first timed one: for so many seconds, at least two, at most the protocol's."""

BLOCK_S, MOST_CALLS = 0.02, 32
"""Calls of one process in a row: for about so many seconds, at most 32. The speed of a shared processor changes within
some 50 ms, so longer blocks meet different speeds."""

SESSION_S, LEAST_ROUNDS, MOST_ROUNDS = 2.0, 2, 200
"""Seconds of timed calls of each process in a session. In a round each process has two blocks."""

OUTSIDE = 0.25
"""Share of a process's calls, at either end, that its runtime leaves out: it is the interquartile mean."""

WAKE_S = 0.06
"""A call is shorter than this: its first one after the turns of others is not timed, because its caches are cold."""


class SideFailedError(Exception):
    """A model could not be timed; `side` is 0 for A and 1 for B."""

    def __init__(self, side: int, failure: Failure) -> None:
        super().__init__(failure.message)
        self.side, self.failure = side, failure


class TimedProcess:
    """A child that holds one of the models; `kept` are its samples in ms."""

    def __init__(self, side: int, work: Work, child: Child) -> None:
        self.side, self.work, self.child = side, work, child
        self.conductor = Conductor(child, work.job.protocol, work.execution)
        self.kept: list[float] = []

    def make_ready(self) -> float:
        """Load the model, prepare it, and run the untimed calls; returns the seconds of a call."""
        work, limits = self.work, self.work.job.protocol.limits
        self._see(self.child.ask(work.guest, limit_s=limits.load_s))
        if work.engine:
            self._see(work.prepare(self.child, work.execution, work.job.protocol.input))
        self._see(self.conductor.begin(min(LEAST_WARM, work.job.protocol.warmup)))
        began, samples = monotonic(), [self.call().sample_ms]
        while monotonic() - began < WARM_S and len(samples) < work.job.protocol.warmup:
            samples.append(self.call().sample_ms)
        return median(samples) / 1e3

    def call(self) -> Call:
        """Make one call on random numbers."""
        made = self.conductor.call(random_input())
        if isinstance(made, Failure):
            raise SideFailedError(self.side, made)
        return made

    def block(self, calls: int, *, wake: bool) -> list[Call]:
        """Make so many timed calls in a row."""
        if wake:
            self.call()
        return [self.call() for _ in range(calls)]

    def finish(self) -> None:
        """Learn of the last output: what is no image is refused here."""
        self._see(self.conductor.finish())

    def _see(self, answer: object) -> None:
        if isinstance(answer, Failure):
            raise SideFailedError(self.side, answer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How many calls a block has, how many rounds a session, and whether a block begins with an untimed call."""

    calls: int
    rounds: int
    wake: bool

    @classmethod
    def for_calls_of(cls, seconds: float) -> Plan:
        """Plan a session for calls of this length, that of the slower model."""
        calls = min(MOST_CALLS, max(1, round(BLOCK_S / seconds)))
        rounds = max(LEAST_ROUNDS, math.ceil(SESSION_S / (2 * calls * seconds)))
        return cls(calls=calls, rounds=min(rounds, MOST_ROUNDS), wake=seconds < WAKE_S)


def time_session(sides: tuple[Work, Work], began_s: float) -> Session:
    """Start two processes of each model and time them in turns, alone on the device.

    `began_s`: seconds since the start of the first session. SideFailedError for what a model does wrong, HarnessError
    where the machine is too busy.
    """
    bench, listener = sides[0].bench, sides[0].listener
    what = f"comparing {sides[0].job.model.id} with {sides[1].job.model.id}"
    with bench.lock.exclusive(what, listener.waiting), contextlib.ExitStack() as stack:
        processes = list(_started(sides, stack))
        meter = stack.enter_context(gauge(bench.device_kind, processes[0].child.hello.device_uuid))
        children = [one.child for one in processes]
        machine = Machine(
            LoadMeter(
                lambda: sum(child.cpu_s() for child in children),
                meter.foreign(lambda: [pid for child in children for pid in child.pids()]),
            ),
            official=_official(sides[0]),
            device_kind=bench.device_kind,
            tell=listener.waiting,
            sleep=bench.lock.sleep,
        )
        plan = Plan.for_calls_of(max([one.make_ready() for one in processes]))
        machine.wait()
        loads = _time_rounds(processes, plan, machine)
        for one in processes:
            one.finish()
        meter.see_device()
    return _session(processes, loads, machine, began_s)


def _official(work: Work) -> bool:
    """Whether the protocol is the track's: then the machine has to be quiet, as for a record."""
    return division_of(work.job.protocol, work.job.track.protocol) is not None


def _started(sides: tuple[Work, Work], stack: contextlib.ExitStack) -> Iterator[TimedProcess]:
    """Start all processes at once; which of them holds which model is drawn by lot."""
    bench, total = sides[0].bench, PROCESSES * len(sides)
    with bench.settled():
        bench.start_ahead(timed=total)
    roles = [0, 1] * PROCESSES
    secrets.SystemRandom().shuffle(roles)
    for side in roles:
        child = stack.enter_context(bench.start_child(timed=True))
        yield TimedProcess(side, sides[side], child)


def _time_rounds(processes: Sequence[TimedProcess], plan: Plan, machine: Machine) -> list[Load]:
    """Time rounds: each process once in an order drawn by lot, then once in the reverse order, so that drift cancels.

    A round that other work disturbed is timed again, as far as the machine allows.
    """
    loads: list[Load] = []
    draw, planned = secrets.SystemRandom(), plan.rounds * 2 * plan.calls * len(processes)
    while len(loads) < plan.rounds:
        order, began = draw.sample(list(processes), len(processes)), machine.mark()
        made: dict[int, list[Call]] = {id(one): [] for one in processes}
        for one in (*order, *reversed(order)):
            try:
                made[id(one)] += one.block(plan.calls, wake=plan.wake)
            except SideFailedError as error:
                machine.excuse(error.failure, machine.since(began))
                raise
        load = machine.since(began)
        if machine.disturbed(load) and machine.again(2 * plan.calls * len(processes), planned, load):
            machine.wait()
            continue
        loads.append(load)
        for one in processes:
            _keep(one, made[id(one)])
    return loads


def _keep(process: TimedProcess, calls: Sequence[Call]) -> None:
    failure = check_sum(calls, process.child.hello.device.partition(":")[0])
    if failure is not None:
        raise SideFailedError(process.side, failure)
    process.kept += [call.sample_ms for call in calls]


def _session(processes: Sequence[TimedProcess], loads: Sequence[Load], machine: Machine, began_s: float) -> Session:
    (a, a_again), (b, b_again) = (
        [runtime_ms(one.kept) / one.work.job.protocol.batch for one in processes if one.side == side] for side in (0, 1)
    )
    known = [load for load in loads if load.foreign is not None]
    wall_s = sum(load.wall_s for load in known)
    return Session(
        a_ms=(a, a_again),
        b_ms=(b, b_again),
        calls=len(processes[0].kept),
        began_s=began_s,
        foreign_load=sum((load.foreign or 0.0) * load.wall_s for load in known) / wall_s if wall_s else None,
        retimed=machine.retimed,
    )


def runtime_ms(samples: Sequence[float]) -> float:
    """The runtime of a process in a session, ms: the mean of the middle half of its samples."""
    out = int(OUTSIDE * len(samples))
    return mean(sorted(samples)[out : len(samples) - out])
