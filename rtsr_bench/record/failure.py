"""How a guest failed, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a guest failed."""

    LOAD = "load"
    ENHANCE = "enhance"
    RUNTIME = "runtime"
    COMPLEXITY = "complexity"


class FailureKind(StrEnum):
    """How a guest failed."""

    EXCEPTION = "exception"
    BAD_OUTPUT = "bad_output"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    NO_RESULT = "no_result"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The guest broke: at which stage, how, in one line (`message`), and the guest's own words (`detail`)."""

    stage: Stage
    kind: FailureKind
    message: str
    detail: str = ""
