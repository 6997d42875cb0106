"""A job: one model on one track, with everything that is decided before a guest is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rtsr_bench.datasets import Dataset
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import DataUse, Failure, record_key
from rtsr_bench.submissions import ModelSpec, Submission, checkpoint_sha256
from rtsr_bench.tracks import Track


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One model on one track at one place; `jobfile` turns it into JSON and back.

    `roots` are the data roots that its record's command names. `unloadable` is how the model failed when it was run to
    find its scale: such a job starts no child for it, its record is that failure.
    """

    submission: Submission
    model: ModelSpec
    track: Track
    protocol: Protocol
    overrides: Overrides
    data: tuple[Dataset, ...]
    roots: tuple[Path, ...] = ()
    place: Place = field(default_factory=Place)
    unloadable: Failure | None = None

    @property
    def label(self) -> str:
        """The job for readers: `team_x/x2 on open4k-x2`, with the execution if it is not the track's."""
        execution = f", {self.overrides.execution}" if self.overrides.execution else ""
        return f"{self.model.id} on {self.track.id}{execution}"

    @property
    def uses(self) -> tuple[DataUse, ...]:
        """What the record keeps of the data sets."""
        whole = self.protocol.images is None
        return tuple(
            DataUse(id=data.id, name=data.title, digest=data.digest, images=len(data.pairs), verified=data.verified,
                    complete=whole, note=data.note)
            for data in self.data
        )  # fmt: skip

    def key(self, device_name: str, torch_threads: int, device_uuid: str = "") -> str:
        """The key of the record that this job would leave on such a system."""
        return record_key(
            track=self.track.id,
            protocol=self.protocol,
            submission=self.submission.id,
            submission_digest=self.submission.digest,
            model=self.model.id,
            checkpoint_sha256=checkpoint_sha256(self.model, self.submission),
            device_name=device_name,
            device_uuid=device_uuid,
            torch_threads=torch_threads,
            data=self.uses,
        )
