"""What every stage of a measurement needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rtsr_bench.backends import BACKENDS
from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.sharing import REPEATS
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import LoadModel, Prepared


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What every stage needs: the job, the bench it runs on, what the child loads, and the listener.

    `more`: other jobs follow on this bench. `confirms`: timed calls only confirm a runtime that is known.
    """

    job: Job
    bench: Bench
    guest: LoadModel
    listener: Listener
    more: bool = False
    confirms: bool = False

    @property
    def execution(self) -> Execution:
        """How the model is run and timed."""
        return self.job.protocol.execution(self.bench.device_kind)

    @property
    def rules(self) -> Protocol:
        """The rules of timed calls: those of the job, with fewer repeats where they only confirm a runtime.

        The warm-up stays as long, so that a model cannot know which it is before the last call.
        """
        rules = self.job.protocol
        return replace(rules, repeats=REPEATS) if self.confirms else rules

    @property
    def engine(self) -> bool:
        """Whether the execution exports or compiles the model."""
        return BACKENDS.find(self.execution.backend).engine

    @property
    def first_size(self) -> Size:
        """The LR size of the first image."""
        hr, scale = self.job.data[0].pairs[0].size, self.job.protocol.scale
        return Size(hr.height // scale, hr.width // scale)

    def prepare(self, child: Child, execution: Execution, size: Size) -> Prepared | Failure:
        """Make the model ready for an execution; what is exported and compiled is made for inputs of this size."""
        limits = self.job.protocol.limits
        if not BACKENDS.find(execution.backend).engine:
            return child.prepare(execution, limit_s=limits.load_s)
        self.listener.stage(f"preparing {execution.words}", 1)
        return child.prepare(execution, limit_s=limits.export_s, size=size)
