"""Facts of a record: submission, model, system and data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionFacts:
    """The submission; `digest` is the SHA-256 over the names and bytes of its files.

    `fetched_from` is the address, with its commit, that the files were fetched from; empty if they were local.
    """

    id: str
    team: str
    title: str
    digest: str
    origin: str = "guest"
    authors: str = ""
    paper: str = ""
    code: str = ""
    license: str = ""
    notes: str = ""
    fetched_from: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """A model of the submission; `id` is `submission/variant-xN`, `checkpoint_sha256` is empty without a checkpoint.

    `untrained` says in a few words why the model has no trained weights ("architecture only"); empty if it has.
    `trained_by` says who trained the weights if it was not the submission's team.
    """

    id: str
    scale: int
    variant: str = ""
    format: str = "python"
    data_range: float = 1.0
    checkpoint: str = ""
    checkpoint_sha256: str = ""
    untrained: str = ""
    trained_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """The hardware and software measured on. `facts` holds values that only some kinds of device have, as text.

    `device_uuid` distinguishes two GPUs of the same name; empty for a CPU and if not recorded.
    """

    device_kind: str
    device_name: str
    device_index: int | None = None
    cpu_model: str
    cpu_cores: int
    torch_threads: int
    memory_bytes: int
    os: str
    python: str
    torch: str
    facts: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    isolation: str = "process"
    device_uuid: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataUse:
    """A data set as measured: `id` as in the protocol, `name` as shown to readers.

    `digest` is over its image pairs; `verified` means that every file matched a pinned hash.
    """

    id: str
    name: str
    digest: str
    images: int
    verified: bool
    complete: bool = True
    note: str = ""
