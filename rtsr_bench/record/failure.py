"""How a guest failed, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_REASON = 2000
"""Maximum characters of a reason; the beginning and the end of a longer one are kept."""

MAX_BRIEF = 300
"""Maximum characters of the first sentence of a reason."""

_KEPT_END = 500
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])")


class Stage(StrEnum):
    """Where a guest failed."""

    LOAD = "load"
    EXPORT = "export"
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
    """A failure of the guest: stage, kind, the complete reason on one line (`message`), and traceback (`detail`)."""

    stage: Stage
    kind: FailureKind
    message: str
    detail: str = ""

    @property
    def brief(self) -> str:
        """The first sentence of the reason."""
        return first_sentence(self.message)


def whole_reason(text: str) -> str:
    """Put a reason of any length on one line of at most `MAX_REASON` characters; the middle of a longer one is cut.

    A line break ends a sentence unless punctuation or a lower-case continuation indicates otherwise.
    """
    line = ""
    for part in (" ".join(part.split()) for part in text.splitlines()):
        if line and part:
            ends = line[-1] in ".:;,!?([{" or not (part[0].isupper() or part[0].isdigit())
            line += " " if ends else ". "
        line += part
    if len(line) <= MAX_REASON:
        return line
    return f"{line[: MAX_REASON - _KEPT_END - 3].rstrip()} … {line[-_KEPT_END:].lstrip()}"


def first_sentence(reason: str) -> str:
    """Return the first sentence of a reason, cut to `MAX_BRIEF` characters."""
    sentence = _SENTENCE_END.split(reason, maxsplit=1)[0].removesuffix(".")
    return sentence if len(sentence) <= MAX_BRIEF else sentence[: MAX_BRIEF - 1].rstrip() + "…"
