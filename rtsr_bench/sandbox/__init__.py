"""The parent's side of the boundary: one child process with a guest in it, started, limited, watched and killed.

What the boundary covers today: a guest's code never runs in the harness; it can crash, hang, flood its output or end
the process without harm to the run; HR images, other submissions and the harness's environment variables are never
given to it; whatever it answers is read as bounded, strict JSON; it is killed with its process group at its time limit
and when the harness ends. What it does not cover: the child has the rights of the user who runs it. It can read files,
open sockets, start processes that leave its group, and lie about its runtime. Run strangers' code in a container until
the isolation level in the record says more than `process`.
"""

from rtsr_bench.sandbox.bounds import Bounds
from rtsr_bench.sandbox.child import Child
from rtsr_bench.sandbox.levels import Isolation, Level, obtainable, require
from rtsr_bench.sandbox.replies import (
    Counted,
    Enhanced,
    Finding,
    Findings,
    Finished,
    Hello,
    Loaded,
    PeakMemory,
    Repeated,
    Warmed,
)

__all__ = [
    "Bounds",
    "Child",
    "Counted",
    "Enhanced",
    "Finding",
    "Findings",
    "Finished",
    "Hello",
    "Isolation",
    "Level",
    "Loaded",
    "PeakMemory",
    "Repeated",
    "Warmed",
    "obtainable",
    "require",
]
