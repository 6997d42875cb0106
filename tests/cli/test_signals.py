"""A signal ends a run, even if the interrupt that it raises is lost in a callback of the interpreter."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import os, signal, time
from rtsr_bench.cli import signals
signals.AGAIN_S = 0.5
signals.end_on_signals()
class Lost:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
Lost()
print("lost")
try:
    time.sleep(60)
except KeyboardInterrupt:
    signals.ended()
    print("raised again")
"""


def test_lost_interrupt_is_raised_again() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout.splitlines(), done.returncode) == (["lost", "raised again"], 0)
