"""The fixed references beside a model: the same small work on every track, timed right before and right after it."""

from __future__ import annotations

from dataclasses import dataclass

from rtsr_bench.record.measurements import LEAST_MS, MOST_MS


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceTimes:
    """Milliseconds of each call of one fixed reference, in order, right before and right after the model was timed.

    `id` names its code, its input and its version; times of different ids are not comparable.
    """

    id: str
    before_ms: tuple[float, ...]
    after_ms: tuple[float, ...]

    def __post_init__(self) -> None:
        if not (self.before_ms and self.after_ms):
            raise ValueError(f"expected samples of the reference {self.id!r} before and after the model, found none")
        for value in (*self.before_ms, *self.after_ms):
            if not LEAST_MS <= value <= MOST_MS:
                raise ValueError(f"expected a sample of {LEAST_MS:g} to {MOST_MS:g} ms, found {value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class References:
    """Both fixed references, timed in a process without a guest: a stack of convolutions, and bicubic.

    `foreign_load`: the larger share (0..1) of all processors that other work used meanwhile, before or after the model;
    None if unknown.
    """

    convs: ReferenceTimes
    bicubic: ReferenceTimes
    foreign_load: float | None = None

    def __post_init__(self) -> None:
        if self.foreign_load is not None and not 0 <= self.foreign_load <= 1:
            raise ValueError(f"expected a share of a machine in 0..1, found {self.foreign_load!r}")
