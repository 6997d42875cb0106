"""The nouns of this room: a submission, its models, and where a model's weights are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rtsr_bench.errors import HarnessError
from rtsr_bench.protocol import SCALES
from rtsr_bench.record import ModelFacts, SubmissionFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointFile:
    """Weights that lie in the submission's folder; `name` is their path relative to it, with forward slashes."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointRecipe:
    """Weights to be fetched: an address, the SHA-256 (64 lower-case hex digits) they must have, and a file name."""

    url: str
    sha256: str
    name: str


CheckpointRef = CheckpointFile | CheckpointRecipe


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """One model of a submission, as its manifest describes it; nothing here was found by running it.

    `scale` is 2, 3 or 4, or None where no manifest says it (see `with_scale`). `args` are the keyword arguments of the
    entry: JSON-able values only. `checkpoint` None: the harness loads no weights (the entry may load its own).
    `data_range` is the largest value of the model's input and output, 1.0 or 255.0. `untrained` says in a few words
    why it has no trained weights: then its fidelity is not measured; empty where it has some. `trained_by` says who
    trained its weights, where it was not the team of the submission. `weights_key` names the weights to take from a
    checkpoint that holds several.
    """

    submission: str
    scale: int | None
    variant: str = ""
    format: str = "python"
    entry: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    checkpoint: CheckpointRef | None = None
    data_range: float = 1.0
    untrained: str = ""
    trained_by: str = ""
    weights_key: str = ""

    @property
    def id(self) -> str:
        """`team_x/s-x2`, `team_x/x2` without a variant, `team_x/x?` while the scale is not known."""
        scale = f"x{'?' if self.scale is None else self.scale}"
        return f"{self.submission}/{self.variant}-{scale}" if self.variant else f"{self.submission}/{scale}"

    def with_scale(self, scale: int) -> ModelSpec:
        """Return the same model with the scale that was found by running it; HarnessError where another was known."""
        if scale not in SCALES or self.scale not in (None, scale):
            raise HarnessError(f"{self.id}: scale {scale} was found by running it, the manifest says {self.scale}")
        return replace(self, scale=scale)

    def facts(self, checkpoint_sha256: str = "") -> ModelFacts:
        """What a record keeps of the model; HarnessError while the scale is not known."""
        if self.scale is None:
            raise HarnessError(f"{self.id}: a record was asked for before its scale was found")
        return ModelFacts(
            id=self.id,
            scale=self.scale,
            variant=self.variant,
            format=self.format,
            data_range=self.data_range,
            checkpoint=self.checkpoint.name if self.checkpoint is not None else "",
            checkpoint_sha256=checkpoint_sha256,
            untrained=self.untrained,
            trained_by=self.trained_by,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A folder that a team submitted, read without running any of it.

    `folder` holds the files (an archive's unpacked copy), `source` is the folder or archive as the user named it,
    `digest` the first 16 hex digits of a SHA-256 over the files (see `digest`), `origin` `reference` for what lies in
    `reference_models/` and `guest` for all else, `requirements` the lines of `requirements.txt`,
    `packages` a folder of what they ask for where one was made (see `environment`), `fetched_from` the address on a
    hub, with its commit, that the files came from (see `hubs`).
    """

    id: str
    team: str
    title: str
    folder: Path
    source: Path
    models: tuple[ModelSpec, ...]
    digest: str
    origin: str = "guest"
    authors: str = ""
    paper: str = ""
    code: str = ""
    license: str = ""
    notes: str = ""
    requirements: tuple[str, ...] = ()
    packages: Path | None = None
    fetched_from: str = ""

    @property
    def facts(self) -> SubmissionFacts:
        """What a record keeps of the submission."""
        return SubmissionFacts(
            id=self.id,
            team=self.team,
            title=self.title,
            digest=self.digest,
            origin=self.origin,
            authors=self.authors,
            paper=self.paper,
            code=self.code,
            license=self.license,
            notes=self.notes,
            fetched_from=self.fetched_from,
        )
