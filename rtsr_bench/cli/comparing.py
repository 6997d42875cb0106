"""What `rtsr-bench compare` does: finds both models, compares them, prints the verdicts, writes the page."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.cli.console import say
from rtsr_bench.errors import UserError
from rtsr_bench.text import ascii_safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.cli.compare import Source
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.compare.comparing import Told, Wanted
    from rtsr_bench.compare.judging import Stopping
    from rtsr_bench.compare.pair import Asked, Candidate
    from rtsr_bench.comparison import Comparison, Gate, Session
    from rtsr_bench.evaluate import Bench, Job
    from rtsr_bench.evaluate.overrides import Overrides
    from rtsr_bench.evaluate.place import Place

FAILED, UNDECIDED = 1, 4


def compare(
    sides: tuple[str, str],
    wanted: Wanted,
    source: Source,
    overrides: Overrides,
    place: Place,
    stopping: Stopping,
    out: Path | None,
) -> int:
    """Compare two submissions or two records; returns the exit code."""
    from rtsr_bench.compare.comparing import compare_records
    from rtsr_bench.compare.pair import NAMES, Asked
    from rtsr_bench.compare.sessions import SideFailedError
    from rtsr_bench.datasets import data_roots
    from rtsr_bench.store import is_record_name

    try:
        if is_record_name(sides[0]):
            made = compare_records((Path(sides[0]), Path(sides[1])), wanted)
        else:
            asked = Asked(
                track=source.track, models=source.models, roots=data_roots(source.roots), overrides=overrides,
                place=place, images=wanted.fidelity,
            )  # fmt: skip
            made = _measured(sides, asked, wanted, stopping, install=source.with_requirements)
    except SideFailedError as error:
        failure = error.failure
        kind = failure.kind.value.replace("_", " ")
        say(f"{NAMES[error.side]} failed ({failure.stage.value}, {kind}): {ascii_safe(failure.message)}", err=True)
        return FAILED
    for line in lines(made):
        say(line)
    if out is not None:
        for path in _write(made, out):
            say(f"wrote {path}")
    return exit_code(made.gates)


def exit_code(gates: Sequence[Gate]) -> int:
    """1 if a limit is exceeded, else 4 if one could not be decided, else 0."""
    if any(gate.passed is False for gate in gates):
        return FAILED
    return UNDECIDED if any(gate.passed is None for gate in gates) else 0


def lines(made: Comparison) -> list[str]:
    """The comparison for a terminal: verdicts, what they follow from, limits, notes."""
    said = [f"A: {made.a.model} ({made.a.source})", f"B: {made.b.model} ({made.b.source})"]
    said.append(", ".join(filter(None, (made.track, made.execution, f"timed input {made.input}"))))
    if made.runtime is not None:
        said += [f"runtime: {made.runtime.verdict.value}. {made.runtime.words}. {made.runtime.reason}"]
        if made.runtime.sessions:
            loads = [one.foreign_load for one in made.runtime.sessions if one.foreign_load is not None]
            load = f", {100 * sum(loads) / len(loads):.1f} % foreign load" if loads else ""
            said.append(f"  {len(made.runtime.sessions)} sessions ({made.runtime.ended}){load}")
    said += [f"{one.title}: {one.verdict.value}. {one.words}. {one.reason}" for one in made.metrics]
    said += [f"{gate.option} {gate.words}" for gate in made.gates]
    return [*said, *made.notes]


def prepare_out(out: Path | None) -> None:
    """Check before anything is measured that the page can be written; UserError if not."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out}: expected a folder that can be written, found: {error.strerror}") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise UserError(f"--out {out}: expected a folder that can be written, found no permission; name another one")


def _write(made: Comparison, out: Path) -> list[Path]:
    from rtsr_bench.comparison import encode
    from rtsr_bench.files.writing import write_whole
    from rtsr_bench.report.comparison_page import render

    files = {"comparison.json": encode(made), "comparison.html": render(made)}
    try:
        for name, data in files.items():
            write_whole(out / name, data)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written: {error.strerror}; name another folder") from None
    return [out / name for name in files]


def _measured(sides: tuple[str, str], asked: Asked, wanted: Wanted, stopping: Stopping, *, install: bool) -> Comparison:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.compare.comparing import compare_submissions
    from rtsr_bench.compare.pair import candidates
    from rtsr_bench.evaluate import Bench
    from rtsr_bench.tracks import find_track

    if asked.track is not None:
        find_track(asked.track)
    found = [candidates(text, asked.models, lambda line: say(line, err=True)) for text in sides]
    with ExitStack() as stack:
        display = stack.enter_context(Display())
        bench = stack.enter_context(Bench.at(asked.place))
        jobs = _jobs(found, replace(asked, place=replace(asked.place, device=bench.device)), bench, display, install)
        listener = stack.enter_context(display.job(1, 1, f"{jobs[0].model.id} and {jobs[1].model.id}"))
        return compare_submissions(jobs, sides, bench, wanted, stopping, _told(display, listener, stopping))


def _jobs(
    found: Sequence[Sequence[Candidate]], asked: Asked, bench: Bench, display: Display, install: bool
) -> tuple[Job, Job]:
    from rtsr_bench.cli.preparing import with_requirements
    from rtsr_bench.compare.pair import choose, make_jobs, unverified
    from rtsr_bench.evaluate.probe import find_scale
    from rtsr_bench.protocol import Limits
    from rtsr_bench.tracks import find_track

    isolation = bench.isolation
    reason = f" ({isolation.reason}); guests run with your rights" if isolation.reason else ""
    display.note(f"isolation: {isolation.level.value}{reason}")
    limits = Limits(**{f"{name}_s": seconds for name, seconds in asked.overrides.limits})
    track = find_track(asked.track) if asked.track else None
    chosen = choose(
        found,
        track,
        lambda submission, model: find_scale(
            bench, submission, model, limit_s=limits.load_s, waiting=lambda whom: display.note(f"waiting for {whom}")
        ),
    )
    ready = [
        (with_requirements(one, display.note, install=install, stub=asked.place.stub_missing), model)
        for one, model in chosen
    ]
    jobs = make_jobs(ready, asked)
    for line in unverified(jobs):
        display.note(line)
    return jobs


def _told(display: Display, listener: object, stopping: Stopping) -> Told:
    from rtsr_bench.compare.comparing import Told
    from rtsr_bench.compare.judging import LEAST_SESSIONS, estimate
    from rtsr_bench.comparison import percent, shown_percent
    from rtsr_bench.evaluate import Listener

    assert isinstance(listener, Listener)

    def on_session(sessions: list[Session]) -> None:
        last, found = sessions[-1], estimate(sessions)
        load = f", {100 * last.foreign_load:.0f} % foreign load" if last.foreign_load is not None else ""
        so_far = f" (at least {LEAST_SESSIONS} sessions are needed)"
        if found is not None and len(sessions) >= LEAST_SESSIONS:
            low, high = found.interval
            so_far = (
                f"; so far {shown_percent(found.ratio)} % ({shown_percent(low)} to {shown_percent(high)}), noise floor "
                f"{percent(found.floor):.2f} of at most {percent(stopping.resolution):.3g} %"
            )
        display.note(f"  session {len(sessions)}: B against A {shown_percent(last.ratio)} %{load}{so_far}")
        listener.stage(f"session {len(sessions) + 1}", 1)

    return Told(listener=listener, on_session=on_session)
