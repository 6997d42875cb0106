"""The record of one model on one track under one protocol on one system.

Observations are stored, everything else is derived: metric values of each image, every timed sample, unrounded.
An outcome field is the measurement, a `Failure` (tried and failed) or None (not asked for).

History of the schema, newest first (loaders upgrade step by step, see `store`):

- 7 (2026-11): `shared_runtime`: the record of another track that the runtime was taken from.
- 7 (2026-11): `transfers`: frames from host memory to host memory, measured on a GPU.
- 7 (2026-11): `references`: the fixed references, timed right before and right after the model.
- 7 (2026-11): `setup`: what an execution needs before its first call; `fidelity_fp32` is that of eager fp32, beside
  every other execution.
- 7 (2026-11): an image has `values` and `baseline` by `NAME/CONVENTION` for any metric, instead of `mse`, `ssim` and
  `baseline_mse`; `protocol.metrics`. `repeatability` and `submitted_images` were `made_twice` and `handed_in`.
- 7 (2026-11): `stubs_allowed`, `stubs`: packages that were not installed and were replaced by a stub;
  `submission.fetched_from`.
- 7 (2026-11): `execution`: how the model was run; `protocol.backend`, `protocol.memory_format`, `protocol.options`.
- 6 (2026-11): `notes`: changes made to load and run the model; `protocol.tf32`, `system.device_uuid`;
  `runtime`: calls on images, pauses, foreign load, repeated calls, correlation with the input.
- 5 (2026-11): `model.trained_by` names who trained the weights if it was not the team.
- 4 (2026-11): `made_twice.outputs` has `mse` for images instead of `difference`.
- 3 (2026-11): `made_twice`, `handed_in` and `pickle_allowed`; earlier records have none of them.
- 2 (2026-11): `model.untrained` says why a model has no trained weights; such a record has no fidelity.
- 1 (2026-11): the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Protocol
from rtsr_bench.record.checks import OutputTwice, PixelDifference, Repeatability, SubmittedImages
from rtsr_bench.record.facts import DataUse, ModelFacts, SubmissionFacts, System
from rtsr_bench.record.failure import Failure, FailureKind, Stage
from rtsr_bench.record.measurements import (
    LEAST_MS,
    MOST_MS,
    Complexity,
    Count,
    Fidelity,
    ImageFidelity,
    Memory,
    Runtime,
    Setup,
    Telemetry,
    Throughput,
)
from rtsr_bench.record.references import References, ReferenceTimes
from rtsr_bench.record.shared import SharedRuntime

__all__ = [
    "LEAST_MS",
    "MOST_MS",
    "SCHEMA",
    "Complexity",
    "Count",
    "DataUse",
    "Failure",
    "FailureKind",
    "Fidelity",
    "ImageFidelity",
    "Memory",
    "ModelFacts",
    "OutputTwice",
    "PixelDifference",
    "Record",
    "ReferenceTimes",
    "References",
    "Repeatability",
    "Runtime",
    "Setup",
    "SharedRuntime",
    "Stage",
    "SubmissionFacts",
    "SubmittedImages",
    "System",
    "Telemetry",
    "Throughput",
    "record_key",
]

SCHEMA = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One model on one track under one protocol on one system; all published values are derived from records.

    `started` is UTC in ISO 8601; `wall_s` the seconds of the whole measurement; `overrides` the command-line overrides
    that made it unofficial, in words. `fidelity` is that of the timed execution; `fidelity_fp32`, in eager fp32, is
    added if the timed one is another; a model with `untrained` has neither. `setup` is None for executions that need
    none. `data` are the sets that fidelity is (or would be) measured on.
    `repeatability` compares two processes, if it came to that; `submitted_images` compares the team's own SR images,
    None if there are none. `pickle_allowed`: weights could be read as code, with `--allow-pickle`. `execution`: how the
    model was run, None if not recorded. `notes`: what the child did to load and run the model (prefix removed, EMA
    weights taken, ...).
    `references`: the fixed references beside the timed model, None if they or the model were not timed.
    `stubs`: packages that were not installed and were replaced by stubs, if `stubs_allowed`. `transfers`: frames with
    their transfers, None where no GPU was measured. `shared_runtime`: the record of another track that the runtime, and
    what is measured with it, was taken from; None if it was measured here.
    """

    schema: int = SCHEMA
    track: str
    track_digest: str
    protocol: Protocol
    overrides: tuple[str, ...] = ()
    submission: SubmissionFacts
    model: ModelFacts
    system: System
    data: tuple[DataUse, ...]
    started: str
    wall_s: float
    harness: str
    command: str = ""
    fidelity: Fidelity | Failure | None = None
    fidelity_fp32: Fidelity | Failure | None = None
    runtime: Runtime | Failure | None = None
    complexity: Complexity | Failure | None = None
    memory: Memory | Failure | None = None
    repeatability: Repeatability | None = None
    submitted_images: SubmittedImages | None = None
    pickle_allowed: bool = False
    notes: tuple[str, ...] = ()
    execution: Execution | None = None
    stubs_allowed: bool = False
    stubs: tuple[str, ...] = ()
    setup: Setup | None = None
    transfers: Throughput | None = None
    references: References | None = None
    shared_runtime: SharedRuntime | None = None

    def __post_init__(self) -> None:
        try:
            datetime.fromisoformat(self.started)
        except ValueError:
            raise ValueError(f"expected `started` as a time in ISO 8601, found {self.started!r}") from None
        if self.model.untrained and (self.fidelity is not None or self.fidelity_fp32 is not None):
            raise ValueError(f"expected no fidelity of an untrained model ({self.model.untrained!r}), found one")
        if self.shared_runtime is not None and not isinstance(self.runtime, Runtime):
            raise ValueError(f"expected the runtime that was taken from {self.shared_runtime.track!r}, found none")

    @property
    def key(self) -> str:
        """Records with the same key answer the same question; the latest one counts."""
        return record_key(
            track=self.track,
            protocol=self.protocol,
            submission=self.submission.id,
            submission_digest=self.submission.digest,
            model=self.model.id,
            checkpoint_sha256=self.model.checkpoint_sha256,
            device_name=self.system.device_name,
            device_uuid=self.system.device_uuid,
            torch_threads=self.system.torch_threads,
            data=self.data,
        )


def record_key(
    *,
    track: str,
    protocol: Protocol,
    submission: str,
    submission_digest: str,
    model: str,
    checkpoint_sha256: str,
    device_name: str,
    torch_threads: int,
    data: tuple[DataUse, ...],
    device_uuid: str = "",
) -> str:
    """Return a record's key without the record: submission, files, data, rules and device.

    Two GPUs of the same name are two devices.
    """
    sets = ",".join(f"{use.name}={use.digest}" for use in data)
    system = f"{device_name}, {torch_threads} threads{f', {device_uuid}' if device_uuid else ''}"
    parts = (track, protocol.digest, submission, submission_digest, model, checkpoint_sha256, system, sets)
    return "|".join(parts)
