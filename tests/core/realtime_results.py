"""A result of `realtime` made up for tests, measured by nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from demo_records import CPU

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.protocol import Size
from rtsr_bench.record import ModelFacts, SubmissionFacts, Telemetry, Throughput
from rtsr_bench.record.realtime import FrameCheck, Frames, Moment, Realtime, Search, Trial


def a_result(**changes: Any) -> Realtime:
    best = Trial(fps=51.2, frames=1536, missed=1)
    made = Realtime(
        track="builtin-x2",
        submission=SubmissionFacts(id="team_x", team="T & <b>", title="Net", digest="0" * 16),
        model=ModelFacts(id="team_x/x2", scale=2),
        system=CPU,
        execution=EAGER_FP32,
        input=Size(135, 240),
        fps=60.0,
        seconds=30.0,
        latency_frames=2,
        started="2026-11-30T18:00:00+00:00",
        wall_s=99.5,
        harness="0.1.0",
        run=Frames(fps=60.0, latency_ms=(15.0, None, 20.5, 40.0), wall_s=0.1),
        throughput=Throughput(frames=300, wall_s=5.0),
        search=Search(best=best, trials=(Trial(fps=60.0, frames=180, missed=9), best)),
        model_ms=(14.0, 15.0),
        moments=(Moment(at_s=1.0, state=Telemetry(when="during", sm_clock_mhz=2400), foreign_load=0.01),),
        check=FrameCheck(frames=6, places=192, mse=0.0),
        foreign_load=0.01,
    )
    return replace(made, **changes)
