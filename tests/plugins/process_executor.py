"""An executor from outside the package: each job in a process of its own, as the node of a cluster would run it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate.jobfile import encode_job
from rtsr_bench.executors import EXECUTORS, Ended, Executor, Lost, Order, Task
from rtsr_bench.store import decode


@EXECUTORS.add
class Processes(Executor):
    """Runs `rtsr-bench measure` on every job, `at_once` of them at a time."""

    name = "processes"

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._running: list[tuple[Task, Path, subprocess.Popen[bytes]]] = []

    def submit(self, tasks: Sequence[Task]) -> None:
        folder = self.order.records / ".jobs"
        folder.mkdir(exist_ok=True)
        for task in tasks:
            file, out = folder / f"{task.number}.json", self.order.records / f"record-{task.number}.json"
            file.write_bytes(encode_job(task.job))
            command = [sys.executable, "-m", "rtsr_bench", "measure", str(file), "--out", str(out)]
            self._running.append((task, out, subprocess.Popen(command, stderr=subprocess.PIPE)))

    def poll(self) -> Sequence[Ended | Lost]:
        task, out, process = self._running.pop(0)
        said = process.communicate()[1].decode()
        if out.is_file():
            return [Ended(task=task, path=out, record=decode(out.read_bytes()))]
        return [Lost(task=task, error=HarnessError(said.splitlines()[-1] if said else "the process printed no error"))]

    def cancel(self) -> None:
        for _, _, process in self._running:
            process.terminate()
            process.communicate()
