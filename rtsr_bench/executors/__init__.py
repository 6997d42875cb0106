"""Where the jobs of a plan are measured: one module an executor, behind one interface; and the loop that feeds them.

`local` measures in this process's children. An executor for a cluster submits `rtsr-bench measure JOB --out RECORD`,
and reports what became of it (docs/decisions/0022-jobs-and-executors.md).
"""

from rtsr_bench.executors.executor import EXECUTORS, Ended, Executor, Lost, Observer, Order, Task
from rtsr_bench.executors.schedule import Schedule, Tally, pending, run_plan

__all__ = [
    "EXECUTORS",
    "Ended",
    "Executor",
    "Lost",
    "Observer",
    "Order",
    "Schedule",
    "Tally",
    "Task",
    "pending",
    "run_plan",
]
