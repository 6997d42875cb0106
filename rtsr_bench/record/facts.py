"""Who submitted what, measured on which machine with which data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionFacts:
    """Who submitted what; `digest` is the SHA-256 over the names and bytes of the submission's files.

    `fetched_from` is the address, with its commit, that the files were fetched from; empty where they were at hand.
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
    """Which model of the submission; `id` is `submission/variant-xN`, `checkpoint_sha256` empty where it has none.

    `untrained` says in a few words why the model has no trained weights ("architecture only"); empty where it has.
    `trained_by` says who trained its weights where it was not the submission's team, whose architecture it is.
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
    """The hardware and software measured on. `facts` holds what only one kind of device has, as text.

    `device_uuid` tells two cards of one name apart; empty for a CPU and where it was not recorded.
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
    """A data set as measured on: `id` as the protocol asks for it, `name` as readers are shown it.

    `digest` is over its image pairs, `verified` when every file matched a pinned hash.
    """

    id: str
    name: str
    digest: str
    images: int
    verified: bool
    complete: bool = True
    note: str = ""
