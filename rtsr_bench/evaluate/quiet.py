"""Timing on an idle machine: waits for it, detects disturbances, and reports a machine that stayed busy."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.load import Load, LoadMeter, Mark, disturbs
from rtsr_bench.number_warnings import QUIET_GPU, quiet_share
from rtsr_bench.record import Failure, FailureKind

BLOCK_FACTOR = 2.0
"""Twice the quiet share of foreign load has a block of calls timed again; the accounting of a second is not exact."""

BLOCK_S = 1.0
"""Seconds of calls that are judged together: the kernel counts in ticks of 10 ms."""

_LOOK_S = 0.5

Tell = Callable[[str], None]
"""Is told what one waits for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait for a quiet machine, s, and how many calls may be timed again, as a share of all."""

    wait_s: float
    retimed: float


VARIABLE = "RTSR_BENCH_QUIET_WAIT"
OFFICIAL, UNOFFICIAL = Patience(wait_s=300.0, retimed=1.0), Patience(wait_s=5.0, retimed=0.5)


def patience(*, official: bool) -> Patience:
    """How long to wait: the seconds that the environment variable names, else the usual ones; UserError for no number.

    An unofficial measurement that is not to wait times nothing again either.
    """
    usual, named = OFFICIAL if official else UNOFFICIAL, os.environ.get(VARIABLE)
    if named is None:
        return usual
    try:
        seconds = float(named)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UserError(f"{VARIABLE}: expected the seconds to wait for a quiet machine, found {named!r}")
    return Patience(wait_s=seconds, retimed=usual.retimed if seconds or official else 0.0)


class Machine:
    """The machine while one model is timed: `official` measurements need it quiet, others say how busy it was."""

    def __init__(
        self,
        meter: LoadMeter,
        *,
        official: bool,
        device_kind: str = "cpu",
        tell: Tell = lambda _: None,
        wait: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._meter, self._official, self._tell, self._sleep = meter, official, tell, sleep
        self._patience = wait or patience(official=official)
        self._share = quiet_share(device_kind, meter.cores)
        self._left_s = self._patience.wait_s
        self._retimed = 0

    @property
    def retimed(self) -> int:
        """Calls that were timed again because other work had disturbed them."""
        return self._retimed

    def mark(self) -> Mark:
        """Begin a block of calls."""
        return self._meter.mark()

    def since(self, before: Mark) -> Load:
        """The load since a mark."""
        return self._meter.since(before)

    def disturbed(self, load: Load) -> bool:
        """Whether a block of calls has to be timed again."""
        return disturbs(load, share=BLOCK_FACTOR * self._share, gpu=BLOCK_FACTOR * QUIET_GPU)

    def quiet(self, foreign: float | None, gpu: float | None) -> bool:
        """Whether these shares are known to be those of a quiet machine."""
        return foreign is not None and foreign <= self._share and (gpu or 0.0) <= QUIET_GPU

    def excuse(self, failure: Failure, load: Load) -> None:
        """HarnessError where a guest ran out of time beside other work."""
        if failure.kind is FailureKind.TIMEOUT and self.disturbed(load):
            raise HarnessError(self._busy(load, f"the model ran out of time beside it: {failure.message}"))

    def wait(self) -> Load | None:
        """Wait until the machine is quiet; the last load where it is not in time, None where it is or does not tell.

        HarnessError where an official measurement can't have it. An unofficial one without patience does not even look.
        """
        told = False
        while self._official or self._patience.wait_s:
            before = self._meter.mark(processes=True)
            self._sleep(_LOOK_S)
            load = self._meter.since(before)
            if not disturbs(load, share=self._share, gpu=QUIET_GPU):
                return None
            self._left_s -= _LOOK_S
            if self._left_s <= 0:
                if self._official:
                    raise HarnessError(self._busy(load, f"after {self._patience.wait_s:.0f} s of waiting"))
                return load
            if not told:
                told = True
                self._tell(f"a quiet machine ({load.words})")
        return None

    def again(self, calls: int, planned: int, load: Load) -> bool:
        """Whether so many disturbed calls may be timed again; HarnessError where an official measurement must not."""
        most = self._patience.retimed * planned
        if self._retimed + calls <= most or (most and not self._retimed):
            self._retimed += calls
            return True
        if self._official:
            raise HarnessError(self._busy(load, f"{self._retimed} calls timed again in vain"))
        return False

    def _busy(self, load: Load, what: str) -> str:
        return (
            f"the machine was too busy to time: {load.words}, at most {100 * self._share:.3g} % expected ({what}); "
            "stop other work and run the same command again, or time unofficially (--quick, or any other override)"
        )
