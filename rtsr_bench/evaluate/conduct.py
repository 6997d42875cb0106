"""Conducting a child through timed calls: every input is new, and the parent's own clock runs along."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from rtsr_bench.evaluate.inputs import Input, look
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.sandbox import Child
from rtsr_bench.sandbox.pixels import sealed_memfd
from rtsr_bench.wire import (
    Answer,
    BeginTiming,
    Finished,
    FinishTiming,
    KeepWarm,
    LookAtOutput,
    Looked,
    Places,
    Repeated,
    Request,
    TimeCall,
)

Values = tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the child said of one call: values of the output, and of the input at the places they belong to."""

    output: Values
    given: Values = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One timed call: what the child said, and the seconds between request and answer as the parent saw them.

    `given` has no pixels where the image's output is compared with nothing. `look_s` are the seconds of looking into
    its output, 0 where that was done along with the next request; `idle_ms` is how long the device had no call of the
    model to work on before, as the child says.
    """

    given: Input
    sample_ms: float
    host_ms: float | None
    bracket_s: float
    look_s: float = 0.0
    idle_ms: float | None = None


class Conductor:
    """Asks a child for one timed call after another; `seen` holds what it said of inputs and outputs.

    Of images only those are kept whose outputs another process computes, too: a run makes hundreds of others.
    """

    def __init__(self, child: Child, protocol: Protocol, execution: Execution) -> None:
        self._child, self._protocol, self._execution = child, protocol, execution
        self._on_card = child.hello.device != "cpu"
        self._deadline = monotonic() + protocol.limits.runtime_s
        self._last: Input | None = None
        self._warmup = 0
        self._seed = secrets.randbits(47)
        self.seen: dict[Input, Seen] = {}
        self.last: Finished | None = None

    @property
    def outputs(self) -> dict[Input, Values]:
        """Values of the outputs by input."""
        return {given: seen.output for given, seen in self.seen.items()}

    def warmup_seeds(self) -> list[int]:
        """Return the seeds of the inputs of the warm-up, in order."""
        return [self._seed + number for number in range(self._warmup)]

    def begin(self, warmup: int, on_progress: Callable[[int], None] | None = None) -> Failure | None:
        """Make the model ready and run the untimed calls, the n-th one on random numbers of `seed + n`."""
        rules, self._warmup = self._protocol, warmup
        request = BeginTiming(
            size=rules.input,
            batch=rules.batch,
            scale=rules.scale,
            execution=self._execution,
            warmup=warmup,
            seed=self._seed,
        )
        answer = self._ask(request, on_progress=on_progress)
        return answer if isinstance(answer, Failure) else None

    def call(self, given: Input) -> Call | Failure:
        """Time one call on this input."""
        warmed = self._warm()
        if warmed is not None:
            return warmed
        request = TimeCall(seed=given.seed, probe=self._where())
        if given.image is None:
            before = monotonic()
            answer = self._ask(request)
            bracket_s = monotonic() - before
        else:
            with sealed_memfd(len(given.image), given.image) as image:
                before = monotonic()
                answer = self._ask(request, files=(image,))
                bracket_s = monotonic() - before
        if isinstance(answer, Failure):
            return answer
        failure = self._keep(answer)
        if failure is not None:
            return failure
        self._last = given
        # On CUDA untimed calls come before the next timed one: they must not complete what this one has left undone.
        look_s = self._look() if given.image is not None or self._on_card else 0.0
        if isinstance(look_s, Failure):
            return look_s
        if given.image is None:
            bracket_s, look_s = bracket_s + look_s, 0.0
        return Call(
            given=given if given.image is None or given.at else replace(given, image=b""),
            sample_ms=answer.sample_ms,
            host_ms=answer.host_ms,
            bracket_s=bracket_s,
            look_s=look_s,
            idle_ms=answer.idle_ms,
        )

    def _warm(self) -> Failure | None:
        """Keep a CUDA device at the clock of a loop without pauses, outside of the bracket of the timed call.

        The input of that call is sent afterwards, so no work on it can be done here.
        """
        answer = self._ask(KeepWarm()) if self._on_card else None
        return answer if isinstance(answer, Failure) else None

    def _look(self) -> float | Failure:
        """Look into the last output by itself; returns the seconds it took: no call hides what was put off till now.

        Of an image the whole output is read. Only here the child learns which calls were looked into.
        """
        whole = self._last is not None and self._last.image is not None
        request = LookAtOutput(probe=self._where(), whole=whole)
        before = monotonic()
        answer = self._ask(request)
        look_s = monotonic() - before
        if isinstance(answer, Failure):
            return answer
        failure, self._last = self._keep(answer), None
        return failure or look_s

    def finish(self, *, memory: bool = False) -> Failure | None:
        """Learn of the last output and, with `memory`, of the peak of memory, for which the model is called again."""
        answer = self._ask(FinishTiming(probe=self._where(), memory=memory))
        if isinstance(answer, Failure):
            return answer
        self.last = answer
        return self._keep(answer)

    def extend(self, seconds: float) -> None:
        """Move the deadline: time in which other work kept the model from being timed is not the model's."""
        self._deadline += seconds

    def _ask(self, request: Request[Answer], **more: Any) -> Answer | Failure:
        answer = self._child.ask(request, limit_s=max(0.001, self._deadline - monotonic()), **more)
        if isinstance(answer, Failure) and answer.kind is FailureKind.TIMEOUT:
            words = f"its calls took longer than the {self._protocol.limits.runtime_s:g} s that all of them may take"
            return replace(answer, message=words)
        return answer

    def _where(self) -> Places | None:
        return None if self._last is None else look(self._last, self._protocol)

    def _keep(self, answer: Repeated | Looked | Finished) -> Failure | None:
        if self._last is None:
            return None
        where = look(self._last, self._protocol)
        if (len(answer.probe), len(answer.given)) != (len(where.output), len(where.given)):
            message = (
                f"{len(answer.probe)} values of an output and {len(answer.given)} of its input arrived, expected "
                f"{len(where.output)} and {len(where.given)}"
            )
            return Failure(stage=Stage.RUNTIME, kind=FailureKind.INCONSISTENT, message=message)
        if self._last.image is None or self._last.at:
            self.seen[self._last] = Seen(output=answer.probe, given=answer.given)
        return None
