"""The requests of the parent, in the order in which it sends them. `op` on the wire is the name of the class.

The type argument of each is its reply. Invalid values are refused where the parent creates the request, and again where
the child decodes it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from rtsr_bench.execution import EAGER_FP32, Execution, Precision
from rtsr_bench.protocol import SCALES, Size
from rtsr_bench.wire.replies import (
    Counted,
    Enhanced,
    Findings,
    Finished,
    Hello,
    Imported,
    Loaded,
    Looked,
    Played,
    Prepared,
    ReferenceTimed,
    Repeated,
    Reply,
    Warmed,
)

Answer = TypeVar("Answer", bound=Reply)

MOST_FRAMES = 200_000
"""Frames of one run: their latencies are one answer, which has to fit into a line."""

SCENE_STEP = 3
"""Rows by which the scene moves from one frame to the next."""


class Request(
    msgspec.Struct, Generic[Answer], frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op", tag=True
):
    """The base of all requests: immutable; unknown fields are refused when it is decoded."""


class ImportPlugins(Request[Imported], frozen=True, kw_only=True):
    """Import these plug-ins and no others: `sources` are names of installed modules and absolute paths."""

    sources: tuple[str, ...]


class Rlimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits that the child sets for itself; memory and file in bytes, 0 memory for no limit; processes of the user."""

    memory: int
    processes: int
    file: int
    cpu_s: int


class Greet(Request[Hello], frozen=True, kw_only=True):
    """Make the device ready and set the limits. `device` may be `auto`; `threads` are torch's, 0 for its default."""

    device: str
    threads: int
    limits: Rlimits


class TimeReference(Request[ReferenceTimed], frozen=True, kw_only=True):
    """Time the fixed references; refused in a process that a guest has been in."""


class LoadModel(Request[Loaded], frozen=True, kw_only=True):
    """Read a submission's folder in the way of its format and build its model.

    All paths are absolute. `files` are further files that the format needs, by names that the format chooses. `scale`
    is the declared one, None if it has to be found by running the model. `packages` is a folder with the packages that
    the submission requires. `execution` is how the model will be run.
    """

    format: str
    folder: Path
    entry: str = ""
    args: dict[str, Any] = {}
    checkpoint: Path | None = None
    files: dict[str, Path] = {}
    weights_key: str = ""
    data_range: float = 1.0
    scale: int | None = None
    packages: Path | None = None
    allow_pickle: bool = False
    stub_missing: bool = False
    execution: Execution = EAGER_FP32

    def __post_init__(self) -> None:
        if self.scale is not None:
            _check_scale(self.scale)
        if not (math.isfinite(self.data_range) and self.data_range > 0):
            raise ValueError(f"a data range of {self.data_range}, expected a finite number above 0")


class PrepareModel(Request[Prepared], frozen=True, kw_only=True):
    """Make the model ready for an execution, which may take building it anew.

    With `size` it is called once with an input of that size, so that everything is exported and compiled that a call
    needs.
    """

    execution: Execution
    size: Size | None = None


class EnhanceImage(Request[Enhanced], frozen=True, kw_only=True):
    """Read LR pixels of `size` from the first file, write SR pixels to the second one."""

    size: Size
    scale: int
    execution: Execution

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        _check_sizes(self.size)


class CheckContract(Request[Findings], frozen=True, kw_only=True):
    """Check the model in fp32 at each of these LR sizes, then its output in each of these half precisions."""

    scale: int
    sizes: tuple[Size, ...] = ()
    precisions: tuple[Precision, ...] = ()

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        _check_sizes(*self.sizes)


class BeginTiming(Request[Warmed], frozen=True, kw_only=True):
    """Make the model ready to be timed and run the untimed calls, the n-th one on random numbers of `seed + n`.

    `size` is that of the LR input. Without a model a stand-in is timed, which shows the overhead of a call.
    """

    size: Size
    batch: int
    scale: int
    execution: Execution
    warmup: int
    seed: int

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        _check_sizes(self.size)
        if self.batch < 1 or self.warmup < 0:
            raise ValueError(f"a batch of {self.batch} and {self.warmup} untimed calls, expected 1 and 0 at least")


class KeepWarm(Request[Warmed], frozen=True, kw_only=True):
    """Keep a CUDA device busy with untimed calls, right before a timed one."""


class Places(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the last output is looked into, and where its input: indices of the flat tensors."""

    output: tuple[int, ...]
    given: tuple[int, ...] = ()


class TimeCall(Request[Repeated], frozen=True, kw_only=True):
    """Look into the output of the call before, then time one on random numbers of `seed` or a file's pixels."""

    seed: int
    probe: Places | None = None


class LookAtOutput(Request[Looked], frozen=True, kw_only=True):
    """Look into the output of the call before, with nothing else to be done; `whole` reads all of it."""

    probe: Places | None = None
    whole: bool = False


class FinishTiming(Request[Finished], frozen=True, kw_only=True):
    """Look into the last output; `memory` asks for the peak of memory, for which the model is called again."""

    probe: Places | None = None
    memory: bool = False


class BeginPlaying(Request[Warmed], frozen=True, kw_only=True):
    """Make the model ready to play a scene and play untimed frames, `warmup` at most.

    The scene is in the file: `size.height + rows - 1` rows of `size.width` pixels. Frame k of a run is the window of
    `size` at the row `(start + k * SCENE_STEP) % rows`.
    """

    size: Size
    scale: int
    execution: Execution
    rows: int
    warmup: int = 0

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        _check_sizes(self.size)
        if self.rows < 1 or self.warmup < 0:
            raise ValueError(f"a scene of {self.rows} rows and {self.warmup} untimed frames, expected 1 and 0 at least")


class PlayFrames(Request[Played], frozen=True, kw_only=True):
    """Play `frames` frames that arrive at `fps`, or without `fps` at most so many within `seconds`, as they can be."""

    frames: int
    fps: float | None = None
    seconds: float = 0.0
    start: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= MOST_FRAMES or self.start < 0:
            raise ValueError(f"{self.frames} frames, expected 1 to {MOST_FRAMES}")
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"{self.fps} frames per second, expected a finite number above 0")


class CountOperations(Request[Counted], frozen=True, kw_only=True):
    """Count parameters, and operations at each LR size: by shapes alone, or `computed` in a pass with values."""

    sizes: tuple[Size, ...]
    computed: bool = False

    def __post_init__(self) -> None:
        _check_sizes(*self.sizes)


def _check_scale(scale: int) -> None:
    if scale not in SCALES:
        raise ValueError(f"a scale of {scale}, expected one of {SCALES}")


def _check_sizes(*sizes: Size) -> None:
    for size in sizes:
        if min(size.height, size.width) < 1:
            raise ValueError(f"an image of {size}, expected sides of 1 pixel at least")
