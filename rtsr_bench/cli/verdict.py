"""The output of `check` for one model: every answer, or at most three lines if many models are checked."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rtsr_bench.cli.causes import Cause, cause_of
from rtsr_bench.cli.console import say
from rtsr_bench.text import cut

if TYPE_CHECKING:
    from rtsr_bench.record import Failure
    from rtsr_bench.wire import Counted

_PLAIN_WIDTH, _LEAST_WIDTH = 160, 60
"""Columns of a line if the width of the terminal is unknown, and the minimum."""

_DETAIL = 12
"""Lines of a traceback that are shown."""

OK, BAD, NOTE = "ok", "BAD", "note"


@dataclass(kw_only=True, slots=True)
class Verdict:
    """The answers about one model, printed one by one with `whole`; `causes` are why it breaks the contract."""

    name: str
    about: str
    whole: bool
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    numbers: str = ""
    limited: bool = False

    def __post_init__(self) -> None:
        if self.whole:
            say(f"{self.name}  ({self.about})")

    @property
    def good(self) -> bool:
        """Whether it meets the contract."""
        return not self.causes

    def add(self, sign: str, about: str, text: str, *, cause: Cause | None = None) -> None:
        """Add one answer; of one that is BAD also the cause, as the summary names it."""
        self.answers.append((sign, about, text))
        if sign == BAD:
            said = "break the contract"
            self.causes.append(cause or Cause(group=said, one="breaks the contract", own=f"{about}: {text}"))
        if self.whole:
            _print(sign, about, text)

    def failed(self, failure: Failure) -> None:
        """Add that the model broke while it was asked."""
        said = f"{failure.kind.value}: {failure.message}"
        self.add(BAD, failure.stage.value, said, cause=cause_of(failure))
        for line in failure.detail.splitlines()[-_DETAIL:] if self.whole else ():
            say(f"       | {line}")

    def counts(self, counted: Counted) -> None:
        """Add parameters and operations."""
        self.add(OK, "parameters", f"{counted.params:,}")
        for count in counted.counts:
            macs = f"{count.macs / 1e9:.2f} GMAC ({count.flops / 1e9:.2f} GFLOP), {count.convs} convs"
            missing = ", ".join(f"{name} x{times}" for name, times in count.uncounted.items())
            note = f"; not counted: {missing}" if missing else ""
            self.add(NOTE if missing else OK, f"at {count.input}", f"{macs}{note}")
        last = counted.counts[-1]
        self.numbers = f", {counted.params:,} parameters, {last.macs / 1e9:.2f} GMAC at {last.input}"

    def end(self) -> None:
        """Print the verdict: its own line after all answers, or all there is room for."""
        if self.whole:
            said = "meets the contract" if self.good else "breaks the contract: see the lines marked BAD"
            say(f"  {said}{', within the limits noted above' if self.good and self.limited else ''}")
            return
        said = "meets the contract" if self.good else "breaks the contract"
        say(f"{self.name}: {said}{', with limits' if self.limited else ''}{self.numbers}")
        for sign in (BAD, NOTE):
            found = [f"{about}: {text}" for kind, about, text in self.answers if kind == sign]
            if found:
                more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
                first = f"  {sign:<4} "
                say(first + cut(found[0], _width() - len(first) - len(more)) + more)


def _width() -> int:
    return max(_LEAST_WIDTH, shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns)


def _print(sign: str, about: str, text: str) -> None:
    """Print one answer; what is longer than a line goes on below its beginning."""
    first = f"  {sign:<4} {about:<16} "
    wrapped = textwrap.fill(
        text, _width(), initial_indent=first, subsequent_indent=" " * len(first),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    say(wrapped)
