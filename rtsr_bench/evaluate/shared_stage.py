"""The timed stage where the runtime of another track may hold: a few calls confirm it, or the model is timed."""

from __future__ import annotations

from dataclasses import replace

from rtsr_bench.evaluate.expectations import Expected
from rtsr_bench.evaluate.runtime import Measured
from rtsr_bench.evaluate.sharing import Source
from rtsr_bench.evaluate.stages import ImageStage, TimedStage, expect, load, measure_timed, timed_alone
from rtsr_bench.evaluate.work import Work
from rtsr_bench.record import Failure, Memory, Runtime


def time_or_take_over(work: Work, first: ImageStage) -> TimedStage:
    """Take the runtime of a record that holds for this job, if a few calls confirm it; otherwise time the model.

    Those calls accuse nobody: whatever is wrong with them, the whole timing follows. It gets inputs that no process of
    the model has seen. HarnessError where the machine is too busy, as in `measure_timed`.
    """
    source = None
    if isinstance(first.expected, Expected):
        source = work.bench.sources.find(work.job, first.system)
    if source is None:
        return measure_timed(work, first)
    with work.bench.lock.exclusive(f"timing {work.job.model.id}", work.listener.waiting):
        taken = _taken_over(timed_alone(replace(work, confirms=True), first), source)
        if taken is not None:
            return taken
        work.listener.note(f"the runtime of {source.record.track} was not confirmed, so the model is timed here")
        again = _expected_again(work, first)
    return measure_timed(work, replace(first, expected=again))


def _taken_over(stage: TimedStage, source: Source) -> TimedStage | None:
    """The stage with everything that comes with the runtime of another record; None if its calls do not confirm it."""
    timing, record = stage.timing, source.record
    if timing is None or not isinstance(timing.measured, Measured) or not isinstance(record.runtime, Runtime):
        return None
    shared = source.confirmed_by(timing.measured.runtime)
    if shared is None:
        return None
    memory = record.memory if isinstance(record.memory, Memory) else None
    return replace(
        stage,
        timing=replace(timing, measured=Measured(runtime=record.runtime, memory=memory)),
        setup=record.setup,
        transfers=record.transfers,
        complexity=record.complexity,
        references=record.references,
        shared=shared,
    )


def _expected_again(work: Work, first: ImageStage) -> Expected | Failure:
    """Let another process say what timed calls will have to give; images compared so far are compared once more."""
    if first.images.witness is not None:
        first.images.witness.found.clear()
    with work.bench.start_child() as child:
        loaded = load(child, work)
        return loaded if isinstance(loaded, Failure) else expect(child, work, first.images.witness)
