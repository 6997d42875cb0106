"""Conducting a child through timed calls: every input is new, and the parent's own clock runs along."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from rtsr_bench.protocol import Precision, Protocol
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.sandbox import Child, Finished, Looked, Repeated, Warmed
from rtsr_bench.sandbox.pixels import sheet
from rtsr_bench.wire import Op

PLACES = 256
"""Values of an output that are looked at, at places that the guest learns of after the call."""

Values = tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """What a timed call is given: random numbers of a seed, or an image (raw pixels of the timed LR size).

    `at` is where the output is looked into, or else `places` the seed of it; `whole` times a copy of the whole output
    along.
    """

    seed: int = 0
    image: bytes | None = None
    places: int = 0
    at: tuple[int, ...] = ()
    whole: bool = False


def fresh_input() -> Input:
    """Return an input that nobody can know of before it is sent."""
    return Input(seed=secrets.randbits(48), places=secrets.randbits(48))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One timed call: what the child said, and the seconds between request and answer as the parent saw them.

    `idle_ms` is how long the device had no call of the model to work on before, as the child says.
    `look_s` are those of looking into its output, 0 where that was done along with the next request.
    """

    given: Input
    sample_ms: float
    host_ms: float | None
    bracket_s: float
    look_s: float = 0.0
    idle_ms: float | None = None


def places(given: Input, protocol: Protocol) -> list[int]:
    """Return where the output (batch, 3, H, W) for an input is looked into, as places in the flat tensor."""
    if given.at:
        return list(given.at)
    count = protocol.batch * 3 * protocol.input.times(protocol.scale).pixels
    return random.Random(given.places).choices(range(count), k=PLACES)  # noqa: S311 - the seed is the secret


class Conductor:
    """Asks a child for one timed call after another; `outputs` holds what it said of each call's output."""

    def __init__(self, child: Child, protocol: Protocol, precision: Precision) -> None:
        self._child, self._protocol, self._precision = child, protocol, precision
        self._on_card = child.hello.device != "cpu"
        self._deadline = monotonic() + protocol.limits.runtime_s
        self._last: Input | None = None
        self.outputs: dict[Input, Values] = {}
        self.last: Finished | None = None

    def begin(self, warmup: int, on_progress: Callable[[int], None] | None = None) -> Failure | None:
        """Make the model ready and run the untimed calls."""
        rules = self._protocol
        request = {
            "size": [rules.input.height, rules.input.width],
            "batch": rules.batch,
            "scale": rules.scale,
            "precision": self._precision.value,
            "warmup": warmup,
            "seed": secrets.randbits(48),
        }
        answer = self._child.ask(Op.RUNTIME, Warmed, request, limit_s=self._left(), on_progress=on_progress)
        return answer if isinstance(answer, Failure) else None

    def call(self, given: Input) -> Call | Failure:
        """Time one call on this input."""
        failure = self._warm()
        if failure is not None:
            return failure
        request = {"seed": given.seed, "whole": given.whole, "probe": self._where()}
        if given.image is None:
            before = monotonic()
            answer = self._child.ask(Op.REPEAT, Repeated, request, limit_s=self._left())
            bracket_s = monotonic() - before
        else:
            with sheet(len(given.image), given.image) as image:
                before = monotonic()
                answer = self._child.ask(Op.REPEAT, Repeated, request, limit_s=self._left(), files=(image,))
                bracket_s = monotonic() - before
        if isinstance(answer, Failure):
            return answer
        failure = self._keep(answer.probe)
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
            given=given,
            sample_ms=answer.sample_ms,
            host_ms=answer.host_ms,
            idle_ms=answer.idle_ms,
            bracket_s=bracket_s,
            look_s=look_s,
        )

    def _warm(self) -> Failure | None:
        """Keep a CUDA device at the clock of a loop without pauses, outside of the bracket of the timed call.

        The input of that call is sent afterwards, so no work on it can be done here.
        """
        answer = self._child.ask(Op.WARM, Warmed, limit_s=self._left()) if self._on_card else None
        return answer if isinstance(answer, Failure) else None

    def _look(self) -> float | Failure:
        """Look into the last output by itself; returns the seconds it took: no call hides what was put off till now."""
        before = monotonic()
        answer = self._child.ask(Op.LOOK, Looked, {"probe": self._where()}, limit_s=self._left())
        look_s = monotonic() - before
        if isinstance(answer, Failure):
            return answer
        failure, self._last = self._keep(answer.probe), None
        return failure or look_s

    def finish(self, *, memory: bool = False) -> Failure | None:
        """Learn of the last output and, with `memory`, of the peak of memory, for which the model is called again."""
        request = {"probe": self._where(), "memory": memory}
        answer = self._child.ask(Op.FINISH, Finished, request, limit_s=self._left())
        if isinstance(answer, Failure):
            return answer
        self.last = answer
        return self._keep(answer.probe)

    def _left(self) -> float:
        return max(0.001, self._deadline - monotonic())

    def _where(self) -> dict[str, list[int]] | None:
        return None if self._last is None else {"places": places(self._last, self._protocol)}

    def _keep(self, values: Values) -> Failure | None:
        if self._last is None:
            return None
        asked = len(self._last.at) or PLACES
        if len(values) != asked:
            message = f"{len(values)} values of an output arrived, expected {asked}"
            return Failure(stage=Stage.RUNTIME, kind=FailureKind.INCONSISTENT, message=message)
        self.outputs[self._last] = values
        return None
