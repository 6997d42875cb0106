"""Every misfit and cheat becomes the Failure it must be, harms nobody, and leaves no process and no file behind.

Each is tried at the highest isolation level of this machine; those whose fate depends on the level, at the level
`process` too. With RTSR_BENCH_GUESTS_AT=process all are tried at that level. What it can't catch stands in
`PROCESS_CANNOT`. Archives, links and manifests that misbehave
are caught before any child is there: tests/submissions. Weights that run code: tests/sandbox/test_child.py. What needs
a card: tests/sandbox/test_cuda.py.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from stopwatch import watching

from rtsr_bench.evaluate.expectations import Expected, expect_outputs, measure_gap
from rtsr_bench.evaluate.recheck import Witness
from rtsr_bench.evaluate.runtime import Measured, measure_runtime
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.load import LoadMeter
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure, FailureKind
from rtsr_bench.sandbox import Bounds, Child, Level, obtainable
from rtsr_bench.wire import CountOperations, Loaded, LoadModel

GUESTS = Path(__file__).parent
SIZE = Size(24, 40)
PIXELS = np.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=np.uint8)
IMAGE = SimpleNamespace(name="an image", lr=lambda: PIXELS, size=SIZE.times(2))
SR = PIXELS.repeat(2, axis=0).repeat(2, axis=1).tobytes()
PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=SIZE, precision={}, warmup=1, repeats=4
)
BOUNDS = Bounds(memory=1 << 30, processes=80, file=1 << 26, scratch=1 << 26, files=2000)
ASKED = Level(os.environ.get("RTSR_BENCH_GUESTS_AT", Level.BUBBLEWRAP))
BEST = min(ASKED, obtainable().level, key=lambda level: level.rank)
BAD, CRASHED, INCONSISTENT = FailureKind.BAD_OUTPUT, FailureKind.CRASHED, FailureKind.INCONSISTENT
EXCEPTION, NO_RESULT, TIMEOUT = FailureKind.EXCEPTION, FailureKind.NO_RESULT, FailureKind.TIMEOUT
MEMORY = FailureKind.OUT_OF_MEMORY
OUTPUTS_OR_TIMES = ("differs from", "on images")
"""Either is evidence against a guest whose outputs and times are both wrong; times are compared first."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a guest does at which act, and what must come of it: kinds of failure, or none for one that harms nobody."""

    guest: str
    act: str = "load"
    kinds: tuple[FailureKind, ...] = ()
    words: str | tuple[str, ...] = ""
    by_level: bool = False
    at_process: tuple[FailureKind, ...] | None = None
    args: dict[str, str] = field(default_factory=dict)
    limit_s: float = 60.0
    both: bool = False  # it was in the process of the images, too, and says the same there


CASES = (
    Case(guest="raises", kinds=(EXCEPTION,), words="RuntimeError: the weights are at home"),
    Case(guest="import_error", kinds=(EXCEPTION,), words="a_package_nobody_has"),
    Case(guest="returns_no_module", kinds=(BAD,), words="expected a torch.nn.Module"),
    Case(guest="system_exit", kinds=(EXCEPTION,), words="SystemExit: good bye"),
    Case(guest="interrupts", kinds=(EXCEPTION,), words="KeyboardInterrupt: (no message)"),
    Case(guest="raises_beyond_exceptions", act="image", kinds=(EXCEPTION,), words="Beyond: out of colours. Sent home"),
    Case(guest="raises_the_unspeakable", kinds=(EXCEPTION,), words="Unspeakable: (its message can't be read: Unspeak"),
    Case(guest="raises_at_length", kinds=(EXCEPTION,), words="the last of 900 lines"),
    Case(guest="enables_gradients", act="image"),
    Case(guest="enables_gradients", act="time", both=True),
    Case(guest="changes_the_process", act="image"),
    Case(guest="exits", kinds=(NO_RESULT,), words="exit code 0", by_level=True),
    Case(guest="segfault", kinds=(CRASHED,), words="SIGSEGV", by_level=True),
    Case(guest="sleeps_loading", kinds=(TIMEOUT,), words="1.5 s", limit_s=1.5),
    Case(guest="busy_loop", kinds=(TIMEOUT,), words="1.5 s", limit_s=1.5),
    Case(guest="ignores_signals", kinds=(TIMEOUT,), limit_s=1.5, by_level=True),
    Case(guest="fork_bomb", kinds=(CRASHED, EXCEPTION), by_level=True),
    Case(guest="memory_bomb", kinds=(MEMORY,), by_level=True),
    Case(guest="memory_bomb_in_children", kinds=(MEMORY,), words="bytes of memory in use", by_level=True),
    Case(guest="threads_bomb", kinds=(CRASHED, EXCEPTION), by_level=True),
    Case(guest="memory_bomb_in_memfds", kinds=(MEMORY,), words="bytes of memory in use", by_level=True),
    Case(guest="takes_system_v_memory", kinds=(EXCEPTION,), words="PermissionError"),
    Case(guest="many_empty_files", kinds=(CRASHED,), words="files in its scratch folder", by_level=True),
    Case(guest="unlinks_and_links", act="image", by_level=True),
    Case(guest="disk_filler", kinds=(EXCEPTION,), words="No space left", at_process=(CRASHED,), by_level=True),
    Case(guest="huge_file", kinds=(EXCEPTION,), words="File too large"),
    Case(guest="deletes_its_folder", kinds=(EXCEPTION,), words="Read-only", at_process=(), by_level=True),
    Case(guest="writes_outside", kinds=(EXCEPTION,), args={"path": "{canary}/new"}),
    Case(guest="writes_outside", kinds=(EXCEPTION,), args={"path": "/new-file"}),
    Case(guest="reads_outside", kinds=(EXCEPTION,), words="No such file", args={"path": "{canary}/hr.png"}),
    Case(guest="reads_outside", kinds=(EXCEPTION,), words="No such file", args={"path": str(GUESTS / "good/arch.py")}),
    Case(guest="reads_outside", kinds=(EXCEPTION,), words="No such file", args={"path": "/etc/passwd"}),
    Case(guest="renders_the_hr_images", kinds=(EXCEPTION,), words="No module named"),
    Case(guest="opens_a_socket", kinds=(EXCEPTION,), words="Network is unreachable"),
    Case(guest="looks_at_processes", kinds=(EXCEPTION,), words="alone in here", args={"harness": str(os.getpid())}),
    Case(guest="traces", kinds=(EXCEPTION,), words="PermissionError"),
    Case(guest="makes_a_namespace", kinds=(EXCEPTION,), words="PermissionError"),
    Case(guest="reads_the_environment", kinds=(EXCEPTION,), words="found nothing"),
    Case(guest="kills_its_parent", at_process=(CRASHED,), by_level=True),
    Case(guest="stops_its_parent", kinds=(TIMEOUT, EXCEPTION), limit_s=1.5, by_level=True),
    Case(guest="leaves_a_daemon", act="image", by_level=True),
    Case(guest="starts_a_daemon", act="image"),
    Case(guest="closes_everything", kinds=(NO_RESULT,), by_level=True),
    Case(guest="forges_a_reply", kinds=(INCONSISTENT,), words="garbage"),
    Case(guest="answers_in_advance", act="image", kinds=(INCONSISTENT,), words="without a request"),
    Case(guest="floods_the_wire", kinds=(INCONSISTENT,), words="longer than"),
    Case(guest="answers_nonsense", kinds=(INCONSISTENT,), words="garbage"),
    Case(guest="answers_nested_deeply", kinds=(INCONSISTENT,), words="garbage"),
    Case(guest="writes_escape_sequences", kinds=(EXCEPTION,), words=r"\x1b[31mred\x1b[0m \u202eevil\x07"),
    Case(guest="raises_half_a_character", kinds=(EXCEPTION,), words=r"half: \ud800"),
    Case(guest="claims_astronomic_counts", act="count", kinds=(INCONSISTENT,), words="negative or astronomic"),
    Case(guest="floods_output", act="image"),
    Case(guest="shadows_modules", act="image"),
    Case(guest="wrong_shape", act="image", kinds=(BAD,), words="(1, 3, 48, 79), expected (1, 3, 48, 80)"),
    Case(guest="wrong_scale", act="image", kinds=(BAD,), words="(1, 3, 72, 120), expected (1, 3, 48, 80)"),
    Case(guest="nan_output", act="image", kinds=(BAD,), words="NaN"),
    Case(guest="nan_in_fp16", act="fp16", kinds=(BAD,), words="NaN or infinite"),
    Case(guest="integer_output", act="image", kinds=(BAD,), words="torch.uint8"),
    Case(guest="returns_list", act="image", kinds=(BAD,), words="returned a list"),
    Case(guest="out_of_memory", act="image", kinds=(MEMORY,), words="out of memory"),
    Case(guest="kills_itself", act="image", kinds=(CRASHED,), words="SIGKILL", by_level=True),
    Case(guest="puts_work_off", act="image", kinds=(BAD,), words="returned a Later"),
    Case(guest="mutates_input", act="time"),  # to no avail: each input is new; `check` names it
    Case(guest="patches_time", act="time", kinds=(INCONSISTENT,), words="on the harness's clock"),
    Case(guest="bends_the_harness", act="time", kinds=(INCONSISTENT,), words="on the harness's clock"),
    Case(guest="claims_more_than_passed", act="time", kinds=(INCONSISTENT,), words="the samples add up"),
    Case(guest="claims_next_to_nothing", act="time", kinds=(INCONSISTENT,), words="no positive number"),
    Case(guest="claims_infinite_outputs", act="time", kinds=(INCONSISTENT,), words="beyond all numbers"),
    Case(guest="forges_its_timing", act="time", both=True, kinds=(INCONSISTENT,), words="for an image the timed"),
    Case(guest="computes_when_looked_at", act="time", both=True, kinds=(INCONSISTENT,), words="on images"),
    Case(guest="remembers_images", act="time", both=True, kinds=(INCONSISTENT,), words="on images"),
    Case(guest="returns_a_cached_output", act="time", kinds=(INCONSISTENT,), words=OUTPUTS_OR_TIMES),
    Case(guest="skips_work_when_warm", act="time", kinds=(INCONSISTENT,), words=OUTPUTS_OR_TIMES),
    Case(guest="is_another_model_when_timed", act="time", kinds=(INCONSISTENT,), words=OUTPUTS_OR_TIMES),
    Case(guest="interpolates_when_timed", act="time", both=True, kinds=(INCONSISTENT,), words="for an image the timed"),
    Case(guest="averages_when_measured", act="time", both=True, kinds=(INCONSISTENT,), words="for an image the timed"),
    Case(guest="computes_in_a_thread", act="time", kinds=(INCONSISTENT,), words=OUTPUTS_OR_TIMES),
    Case(guest="hurries_on_noise", act="time", both=True, kinds=(INCONSISTENT,), words="on images"),
    Case(guest="sleeps_when_timed", act="time", kinds=(TIMEOUT,), limit_s=2.0),
    Case(guest="random_output", act="again", kinds=(INCONSISTENT,), words="gave different images"),
)

PROCESS_CANNOT = {
    "writes_outside": "it writes with the rights of the user who runs it",
    "reads_outside": "it reads what that user may read: HR images, other submissions, the records",
    "renders_the_hr_images": "the whole package is importable",
    "opens_a_socket": "it has that user's network",
    "looks_at_processes": "it sees, and may trace and kill, that user's other processes, the harness too",
    "takes_system_v_memory": "such memory outlives the process; the kernel gives it to whoever asks",
    "traces": "nothing denies it a system call",
    "makes_a_namespace": "as above",
}
"""Guests that the level `process` does not catch, and why: they are run at a higher level only."""


def at_levels() -> Iterator[Any]:
    for case in CASES:
        name = "-".join([case.guest, *(value.rpartition("/")[2] for value in case.args.values() if "/" in value)])
        if case.guest not in PROCESS_CANNOT or BEST is not Level.PROCESS:
            yield pytest.param(case, BEST, id=f"{name}-{BEST.value}")
        if case.by_level and BEST is not Level.PROCESS:
            yield pytest.param(case, Level.PROCESS, id=f"{name}-process")


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Child]:
    """A good guest that is at home all the while."""
    with Child() as child:
        assert isinstance(child.ask(request("good"), limit_s=60), Loaded)
        yield child


@pytest.fixture(scope="module")
def expected(neighbour: Child) -> Expected:
    """What an honest model gives: every cheat that is timed claims to be `good`."""
    return expectations(neighbour)


def expectations(child: Child) -> Expected:
    found = expect_outputs(child, [cast("Any", SimpleNamespace(pairs=(IMAGE,)))], PROTOCOL, EAGER_FP32)
    assert not isinstance(found, Failure), found
    return found


def request(guest: str, args: dict[str, str] | None = None) -> LoadModel:
    return LoadModel(format="python", folder=GUESTS / guest, entry="arch:srmodel", args=args or {}, scale=2)


def act(case: Case, child: Child, expected: Expected, args: dict[str, str]) -> Failure | None:
    if case.both:
        with Child(level=child.isolation, threads=1) as other:
            assert isinstance(other.ask(request(case.guest), limit_s=60), Loaded)
            expected = expectations(other)
    gap = measure_gap(child, PROTOCOL, EAGER_FP32) if case.act == "time" else None
    loaded = child.ask(request(case.guest, args), limit_s=case.limit_s)
    if isinstance(loaded, Failure) or case.act == "load":
        return loaded if isinstance(loaded, Failure) else None
    if gap is not None:
        assert not isinstance(gap, Failure)
        limits = replace(PROTOCOL.limits, runtime_s=case.limit_s)
        timing = measure_runtime(
            child, replace(PROTOCOL, limits=limits), EAGER_FP32, gap=gap, expected=expected,
            watching=watching(None if case.kinds else LoadMeter(child.cpu_s)),
        )  # fmt: skip
        measured = timing.measured
        assert isinstance(measured, Failure | Measured)
        return measured if isinstance(measured, Failure) else None
    if case.act == "count":
        counted = child.ask(CountOperations(sizes=(SIZE,)), limit_s=case.limit_s)
        return counted if isinstance(counted, Failure) else None
    execution = EAGER_FP32.in_precision(Precision.FP16) if case.act == "fp16" else EAGER_FP32
    sr = child.enhance(PIXELS.tobytes(), size=SIZE, scale=2, execution=execution, limit_s=case.limit_s)
    if isinstance(sr, Failure):
        return sr
    if case.act == "again":
        witness = Witness(data=cast("Any", [SimpleNamespace(pairs=(IMAGE,))]))
        image = np.frombuffer(sr, dtype=np.uint8).reshape(48, 80, 3)
        witness.keep(0, "a set", "an image", image, cast("Any", None))
        return witness.disagrees(child, PROTOCOL, EAGER_FP32)
    assert bytes(sr) == SR
    return None


@pytest.mark.parametrize(("case", "level"), list(at_levels()))
def test_guest_gets_the_expected_result_and_leaves_nothing_behind(
    case: Case, level: Level, neighbour: Child, expected: Expected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_ORGANISER", "s3cret")
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "hr.png").write_bytes(b"ground truth")
    submitted_images = {path: path.read_bytes() for path in (GUESTS / case.guest).rglob("*.py")}
    rooms = set(Path(tempfile.gettempdir()).glob(f"rtsr-bench-{os.getpid()}-*"))
    with Child(level=level, bounds=BOUNDS, threads=1) as child:
        assert child.isolation is level
        known = processes()
        failure = act(case, child, expected, {name: text.format(canary=canary) for name, text in case.args.items()})
    kinds = case.kinds if level is not Level.PROCESS or case.at_process is None else case.at_process
    if kinds:
        assert isinstance(failure, Failure), "not caught"
        assert failure.kind in kinds, failure
        assert failure.message.isprintable()
        assert not {"\x1b", "\x07", "\r", "\u202e", "\ud800"} & set(failure.message + failure.detail)
        if case.at_process is None or level is not Level.PROCESS:
            words = (case.words,) if isinstance(case.words, str) else case.words
            assert any(each in failure.message for each in words), failure.message
    else:
        assert failure is None, failure
    assert set(Path(tempfile.gettempdir()).glob(f"rtsr-bench-{os.getpid()}-*")) == rooms
    assert sorted(path.name for path in canary.iterdir()) == ["hr.png"]
    assert {path: path.read_bytes() for path in (GUESTS / case.guest).rglob("*.py")} == submitted_images
    gone_by = time.monotonic() + 5
    while left := processes() - known:
        assert time.monotonic() < gone_by, f"left behind: {left}"
        time.sleep(0.02)
    sr = neighbour.enhance(PIXELS.tobytes(), size=SIZE, scale=2, execution=EAGER_FP32, limit_s=60)
    assert sr == SR


def processes() -> set[tuple[int, str]]:
    """Workers of this test run and what they started, by number and command line."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            ours = b"rtsr_bench.measuring.worker" in words and str(os.getpid()).encode() in words
            if ours or words[:2] in ([b"sleep", b"62.5"], [b"sleep", b"61.25"]):
                found.add((int(entry.name), b" ".join(words).decode()))
    return found


def test_there_are_enough_of_them() -> None:
    assert len({case.guest for case in CASES}) >= 50
    assert set(PROCESS_CANNOT) <= {case.guest for case in CASES}


def test_a_good_guest_is_at_home_at_every_level(expected: Expected) -> None:
    for level in Level:
        if level.rank <= BEST.rank:
            with Child(level=level, threads=1) as child:
                for what in ("time", "again"):
                    assert act(Case(guest="good", act=what), child, expected, {}) is None
