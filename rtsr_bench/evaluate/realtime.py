"""One model plays a video: throughput, deadlines at a frame rate, the highest frame rate that is held."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from rtsr_bench import __version__
from rtsr_bench.backends import tolerance
from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.evaluate.bench import Bench, describe_child
from rtsr_bench.evaluate.blocks import Blocks
from rtsr_bench.evaluate.clocks import Gap, check_threads
from rtsr_bench.evaluate.conduct import Conductor
from rtsr_bench.evaluate.expectations import measure_gap
from rtsr_bench.evaluate.inputs import Crops, random_input
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.moments import moments
from rtsr_bench.evaluate.playing import Stage, check_frames, check_throughput
from rtsr_bench.evaluate.quiet import Machine
from rtsr_bench.evaluate.scene import pictures
from rtsr_bench.evaluate.search import highest_held
from rtsr_bench.evaluate.work import Work
from rtsr_bench.load import LoadMeter
from rtsr_bench.record import Failure
from rtsr_bench.record.realtime import Frames, Realtime, Trial
from rtsr_bench.sandbox import Child
from rtsr_bench.statistics import summarise_frames
from rtsr_bench.submissions import checkpoint_sha256, load_request, resolve_checkpoint
from rtsr_bench.system import Gauge, gauge
from rtsr_bench.wire import MOST_FRAMES

FLAT_OUT_S = 5.0
"""Seconds of frames without a cadence."""

FEWEST_FRAMES = 8
"""A run has at least so many frames, however slow the model is."""

ALONE, _ALONE_S, _FEWEST_ALONE = 24, 10.0, 5
"""Calls of the model alone, fewer where all of them would take longer than so many seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Playback:
    """What is asked: a frame rate, seconds, periods from a frame's arrival to its deadline, and whether to search."""

    fps: float = 60.0
    seconds: float = 30.0
    latency_frames: int = 2
    search: bool = True

    def __post_init__(self) -> None:
        for name, value, most in (("fps", self.fps, 10_000.0), ("seconds", self.seconds, 36_000.0)):
            if not 0 < value <= most:
                raise UserError(f"--{name}: expected a number above 0 and up to {most:g}, found {value:g}")
        if not 1 <= self.latency_frames <= 60:
            raise UserError(f"--latency-frames: expected 1 to 60 periods, found {self.latency_frames}")
        if self.fps * self.seconds > MOST_FRAMES:
            raise UserError(
                f"--fps {self.fps:g} --seconds {self.seconds:g}: expected at most {MOST_FRAMES:,} frames, found "
                f"{self.fps * self.seconds:,.0f}; lower one of them"
            )

    @property
    def frames(self) -> int:
        """Frames of the run that is asked for."""
        return frames_of(self.fps, self.seconds)


def frames_of(fps: float, seconds: float) -> int:
    """Return the frames of a run at a rate for some seconds."""
    return min(MOST_FRAMES, max(FEWEST_FRAMES, round(fps * seconds)))


def measure_realtime(
    job: Job, bench: Bench, playback: Playback, *, command: str = "", listener: Listener | None = None
) -> Realtime:
    """Play frames in a process that is alone on its device, then compare some with those of another process.

    Raises UserError if weights are not available and HarnessError where the harness breaks; however the model fails, it
    is in the result, beside what came before.
    """
    started, clock = datetime.now(UTC), monotonic()
    checkpoint = resolve_checkpoint(job.model, job.submission)
    guest = load_request(
        job.model, job.submission, checkpoint, allow_pickle=bench.allow_pickle, stub_missing=bench.stub_missing,
        execution=job.protocol.execution(bench.device_kind),
    )  # fmt: skip
    work = Work(job=job, bench=bench, guest=guest, listener=listener or Listener())
    session = _Session(work=work, playback=playback)
    failure = session.play() or session.compare()
    return Realtime(
        track=job.track.id,
        submission=job.submission.facts,
        model=job.model.facts(checkpoint_sha256(job.model, job.submission)),
        execution=work.execution,
        input=job.protocol.input,
        fps=playback.fps,
        seconds=playback.seconds,
        latency_frames=playback.latency_frames,
        started=started.isoformat(timespec="seconds"),
        wall_s=monotonic() - clock,
        harness=__version__,
        command=command,
        pickle_allowed=bench.allow_pickle,
        failure=failure,
        **session.found,
    )


@dataclass(kw_only=True, slots=True)
class _Session:
    """The stages, one after another; `found` holds fields of the result. Each stage returns the guest's failure."""

    work: Work
    playback: Playback
    found: dict[str, Any] = field(default_factory=dict)
    stage: Stage | None = None

    def play(self) -> Failure | None:
        """Do all that is timed, with the device for this model alone."""
        work, bench = self.work, self.work.bench
        with (
            bench.lock.exclusive(f"playing {work.job.model.id}", work.listener.waiting),
            bench.start_child(timed=True) as child,
            gauge(bench.device_kind, child.hello.device_uuid) as meter,
        ):
            self.found["system"] = describe_child(child, bench, meter)
            gap = measure_gap(child, work.job.protocol, work.execution)
            if isinstance(gap, Failure):
                raise HarnessError(f"the machine could not be timed without a guest: {gap.message}")
            self.stage = Stage(child=child, protocol=work.job.protocol, execution=work.execution)
            failure = self._load(child) or self._ready(child) or self._timed(meter, gap)
            meter.see_device()
        return failure

    def _load(self, child: Child) -> Failure | None:
        self.work.listener.stage("loading", 1)
        loaded = child.ask(self.work.guest, limit_s=self.work.job.protocol.limits.load_s)
        if isinstance(loaded, Failure):
            return loaded
        self.found |= {"notes": loaded.notes, "stubs": loaded.stubs}
        return None

    def _ready(self, child: Child) -> Failure | None:
        rules = self.work.job.protocol
        ready = self.work.prepare(child, self.work.execution, rules.input)
        return ready if isinstance(ready, Failure) else None

    def _timed(self, meter: Gauge, gap: Gap) -> Failure | None:
        assert self.stage is not None
        work, child, stage = self.work, self.stage.child, self.stage
        load = LoadMeter(child.cpu_s, meter.foreign(child.pids))
        machine = Machine(
            load, official=False, device_kind=work.bench.device_kind, tell=work.listener.waiting,
            sleep=work.bench.lock.sleep,
        )  # fmt: skip
        machine.wait()
        warmup = work.job.protocol.warmup
        work.listener.stage("warming up", warmup)
        began, worked_s = machine.mark(), child.cpu_s()
        failure = stage.set(warmup=warmup, on_progress=work.listener.step)
        failure = failure or self._flat_out(stage) or self._run(stage, meter, load) or self._search(stage)
        spent = machine.since(began)
        self.found |= {"foreign_load": spent.foreign, "foreign_gpu": spent.gpu}
        if failure is not None:
            machine.excuse(failure, spent)
        elif work.bench.device_kind == "cpu":
            failure = check_threads(child.cpu_s() - worked_s, spent.wall_s, child.hello.threads)
        return failure or self._alone(stage, machine, gap)

    def _flat_out(self, stage: Stage) -> Failure | None:
        self.work.listener.stage("as many frames as possible", 1)
        made = stage.flat_out(FLAT_OUT_S)
        if isinstance(made, Failure):
            return made
        self.found["throughput"] = made
        return None

    def _run(self, stage: Stage, meter: Gauge, load: LoadMeter) -> Failure | None:
        listener, asked = self.work.listener, self.playback
        failure = stage.set()
        listener.stage(f"{asked.fps:g} FPS", asked.frames)
        with moments(meter, load, device_kind=self.work.bench.device_kind) as readings:
            run = failure or stage.at(asked.fps, asked.frames, on_progress=listener.step)
        if not isinstance(run, Frames):
            return run
        self.found |= {"run": run, "moments": tuple(readings)}
        return None

    def _search(self, stage: Stage) -> Failure | None:
        if not self.playback.search:
            return None

        def trial(fps: float, seconds: float) -> Trial | Failure:
            frames = frames_of(fps, seconds)
            self.work.listener.stage(f"searching the highest rate: {fps:.4g} FPS", frames)
            made = stage.set() or stage.at(fps, frames, on_progress=self.work.listener.step)
            if isinstance(made, Failure):
                return made
            deadline_ms = 1000 * self.playback.latency_frames / fps
            return Trial(fps=fps, frames=frames, missed=summarise_frames(made.latency_ms, deadline_ms).missed)

        made = highest_held(trial, self.found["throughput"].fps, self.playback.seconds)
        if isinstance(made, Failure):
            return made
        self.found["search"] = made
        return None

    def _alone(self, stage: Stage, machine: Machine, gap: Gap) -> Failure | None:
        """Time calls of the model alone, as a run does, on random numbers; throughput must not be far above them."""
        work, throughput = self.work, self.found["throughput"]
        calls = max(_FEWEST_ALONE, min(ALONE, int(_ALONE_S * throughput.fps)))
        work.listener.stage("the model alone", calls)
        conductor = Conductor(stage.child, stage.protocol, stage.execution)
        failure = conductor.begin(1)
        if failure is not None:
            return failure
        crops = Crops(pictures(), stage.protocol.input)
        timed = Blocks(conductor, machine, crops, lambda _: None).run([random_input] * calls)
        if isinstance(timed, Failure):
            return timed
        self.found["model_ms"] = tuple(call.sample_ms for call in timed.noise)
        failure = conductor.finish()
        if failure is None and timed.quiet:
            failure = check_throughput(throughput, timed.noise, gap, work.bench.device_kind)
        return failure

    def compare(self) -> Failure | None:
        """Let another process enhance some of the frames, and compare."""
        work, stage = self.work, self.stage
        if stage is None or not stage.shown:
            return None
        with work.bench.lock.shared(work.listener.waiting), work.bench.start_child() as child:
            work.listener.stage("some frames again", 1)
            witness = Stage(child=child, protocol=stage.protocol, execution=stage.execution)
            failure = self._load_again(child) or self._ready(child)
            most_mse = tolerance(stage.execution, work.bench.device_kind).most_mse
            for shown in stage.shown if failure is None else ():
                check = check_frames(shown, witness, most_mse)
                if isinstance(check, Failure):
                    return check
                self.found["check"] = check
        return failure

    def _load_again(self, child: Child) -> Failure | None:
        loaded = child.ask(self.work.guest, limit_s=self.work.job.protocol.limits.load_s)
        return loaded if isinstance(loaded, Failure) else None
