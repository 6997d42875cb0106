"""The answers of the child. They are untrusted input for the parent, because a guest's code may have written them.

The child creates them without `check`. The parent calls it for every answer, so a bad value is a contradiction found by
the parent and not an exception in the child.
"""

from __future__ import annotations

import msgspec

from rtsr_bench.protocol import SCALES
from rtsr_bench.record import LEAST_MS, MOST_MS, Count, FailureKind

_MAX_FACTS, _MAX_COUNTS, _MAX_UNCOUNTED, _MAX_FINDINGS, _MAX_NAME = 64, 16, 200, 64, 300
_MAX_REFERENCE = 1000
_MOST = 1 << 62
"""No count of anything comes near; what is larger no reader of a record could take for a number."""

_LARGEST_VALUE = 4e38
"""Somewhat more than a 32-bit float holds: what is larger would overflow when it is squared."""


def _see_values(probe: tuple[float | None, ...]) -> None:
    if any(value is not None and abs(value) > _LARGEST_VALUE for value in probe):
        raise ValueError("a value of an output beyond what 32 bits hold")


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event"):
    """The base of all answers; `event` on the wire is their tag. Unknown fields are refused."""

    def check(self) -> None:
        """Raise ValueError if a value is out of range."""


class Progress(Message, frozen=True, kw_only=True, tag="progress"):
    """`done` untimed calls are done; more answers follow."""

    done: int


class Failed(Message, frozen=True, kw_only=True, tag="failed"):
    """The request failed. `detail` is a traceback; `over`: every further call would fail with the same error."""

    kind: FailureKind
    message: str
    detail: str = ""
    over: bool = False


class Reply(Message, frozen=True, kw_only=True, tag="done"):
    """The request is done: the base of all replies."""


class Imported(Reply, frozen=True, kw_only=True):
    """The plug-ins are imported."""


class Hello(Reply, frozen=True, kw_only=True):
    """What the child knows of the device before any guest is there."""

    device: str
    device_name: str
    device_uuid: str
    torch: str
    python: str
    threads: int
    facts: dict[str, str]

    def check(self) -> None:
        """Raise ValueError if there are too many facts."""
        if len(self.facts) > _MAX_FACTS:
            raise ValueError(f"more than {_MAX_FACTS} facts")


class Loaded(Reply, frozen=True, kw_only=True):
    """The model is loaded; `scale` is the declared one, or the one found by running it.

    `notes`: what had to be done to load it, one sentence each. `stubs`: missing packages that were replaced by a stub.
    """

    scale: int
    notes: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise ValueError for an unknown scale, and for too many or too long sentences."""
        if len(self.stubs) > _MAX_FINDINGS or any(len(name) > _MAX_NAME for name in self.stubs):
            raise ValueError(f"more than {_MAX_FINDINGS} stubs, or one of more than {_MAX_NAME} characters")
        if len(self.notes) > _MAX_FINDINGS or any(len(note) > _MAX_NAME for note in self.notes):
            raise ValueError(f"more than {_MAX_FINDINGS} notes, or one of more than {_MAX_NAME} characters")
        if self.scale not in SCALES:
            raise ValueError(f"a scale of {self.scale}, expected one of {SCALES}")


class Prepared(Reply, frozen=True, kw_only=True):
    """The model is ready for an execution.

    `graph_bytes`: size of the graph or the code that was made; `peak_bytes`: how far memory rose, None if unknown.
    """

    graph_bytes: int = 0
    peak_bytes: int | None = None

    def check(self) -> None:
        """Raise ValueError for impossible sizes."""
        if not (0 <= self.graph_bytes < _MOST and 0 <= (self.peak_bytes or 0) < _MOST):
            raise ValueError(f"a graph of {self.graph_bytes} bytes, a peak of {self.peak_bytes}")


class Enhanced(Reply, frozen=True, kw_only=True):
    """The SR image lies in its file."""


class PeakMemory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes in use at most while timing, and before the model was built."""

    kind: str
    peak_bytes: int
    baseline_bytes: int

    def check(self) -> None:
        """Raise ValueError for an impossible peak."""
        if not (0 <= self.peak_bytes < _MOST and 0 <= self.baseline_bytes < _MOST and len(self.kind) <= _MAX_NAME):
            raise ValueError("a peak of memory that no machine has")


class Warmed(Reply, frozen=True, kw_only=True):
    """The untimed calls are done."""


class Repeated(Reply, frozen=True, kw_only=True):
    """Milliseconds of one call, on the device and (for CUDA) on the host.

    `probe` and `given`: values of the output and the input of the call before; `idle_ms`: how long the device had no
    call of the model to work on before this one.
    """

    sample_ms: float
    host_ms: float | None = None
    idle_ms: float | None = None
    probe: tuple[float | None, ...] = ()
    given: tuple[float | None, ...] = ()

    def check(self) -> None:
        """Raise ValueError for impossible times or values."""
        if not (LEAST_MS <= self.sample_ms <= MOST_MS and 0.0 <= (self.host_ms or 0.0) <= MOST_MS):
            raise ValueError("a sample that is no positive number of milliseconds")
        if not 0.0 <= (self.idle_ms or 0.0) <= MOST_MS:
            raise ValueError("a pause that is no number of milliseconds")
        _see_values(self.probe + self.given)


class Looked(Reply, frozen=True, kw_only=True):
    """Values of the output and the input of the call before."""

    probe: tuple[float | None, ...] = ()
    given: tuple[float | None, ...] = ()

    def check(self) -> None:
        """Raise ValueError for impossible values."""
        _see_values(self.probe + self.given)


class Finished(Reply, frozen=True, kw_only=True):
    """Values of the last output and its input, and the peak of memory where the system tells."""

    probe: tuple[float | None, ...] = ()
    given: tuple[float | None, ...] = ()
    memory: PeakMemory | None = None

    def check(self) -> None:
        """Raise ValueError for impossible values or an impossible peak."""
        _see_values(self.probe + self.given)
        if self.memory is not None:
            self.memory.check()


DROPPED = -1
"""In the place of the latency of a frame that was never begun."""


class Played(Reply, frozen=True, kw_only=True):
    """Latency of each frame in microseconds, from its arrival to its SR image in host memory, or `DROPPED`.

    `seen` holds values of some SR images (H x W x 3): frame, place in the flat image, value.
    """

    latency_us: tuple[int, ...]
    seen: tuple[tuple[int, int, int], ...] = ()

    def check(self) -> None:
        """Raise ValueError for impossible latencies and values."""
        if not self.latency_us or not all(DROPPED <= one < MOST_MS * 1e3 for one in self.latency_us):
            raise ValueError("a latency that is no number of microseconds")
        if not all(0 <= at < len(self.latency_us) and place >= 0 <= value <= 255 for at, place, value in self.seen):
            raise ValueError("a value that is of no SR image")


class ReferenceSamples(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Milliseconds of each call of one fixed reference, in order; `id` names its code and its input."""

    id: str
    samples_ms: tuple[float, ...]

    def check(self) -> None:
        """Raise ValueError for impossible times."""
        if not (0 < len(self.samples_ms) <= _MAX_REFERENCE and 0 < len(self.id) <= _MAX_NAME):
            raise ValueError(f"{len(self.samples_ms)} samples of a reference")
        if any(not LEAST_MS <= sample <= MOST_MS for sample in self.samples_ms):
            raise ValueError("a sample that is no positive number of milliseconds")


class ReferenceTimed(Reply, frozen=True, kw_only=True):
    """Both fixed references are timed: the stack of convolutions and bicubic."""

    convs: ReferenceSamples
    bicubic: ReferenceSamples

    def check(self) -> None:
        """Raise ValueError for impossible times."""
        self.convs.check()
        self.bicubic.check()


class Counted(Reply, frozen=True, kw_only=True):
    """Parameters and operations."""

    params: int
    counts: tuple[Count, ...]

    def check(self) -> None:
        """Raise ValueError for impossible counts."""
        numbers = [self.params]
        for count in self.counts:
            numbers += [count.macs, count.flops, count.activations, count.convs, *count.uncounted.values()]
        if min(numbers) < 0 or max(numbers) > _MOST:
            raise ValueError("a count that is negative or astronomic")
        names = [name for count in self.counts for name in count.uncounted]
        if len(self.counts) > _MAX_COUNTS or len(names) > _MAX_UNCOUNTED or max(map(len, names), default=0) > _MAX_NAME:
            raise ValueError("more counts, or longer names of operators, than any model has")


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question of the contract check; `ok` is None where the answer is neither good nor bad."""

    question: str
    ok: bool | None
    answer: str


class Findings(Reply, frozen=True, kw_only=True):
    """All answers of the contract check; sides of images work that are multiples of `multiple`, `least` at least."""

    findings: tuple[Finding, ...] = ()
    multiple: int = 1
    least: int = 1

    def check(self) -> None:
        """Raise ValueError for too many findings, or impossible sides."""
        if len(self.findings) > _MAX_FINDINGS:
            raise ValueError(f"more than {_MAX_FINDINGS} findings")
        if not (0 < self.multiple < _MOST and 0 < self.least < _MOST):
            raise ValueError("sides of images that are no number of pixels")
