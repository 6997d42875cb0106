"""Children that are started before they are needed: like any other, handed to one guest each, gone with the harness."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Bounds, Child, ChildSettings, Level, Stock, obtainable
from rtsr_bench.sandbox.plugged import Plugged
from rtsr_bench.wire import Loaded, LoadModel

SETTINGS = ChildSettings(
    device="cpu", threads=1, level=Level.PROCESS, bounds=Bounds(), timed=False, visible="",
    plugged=Plugged(sources=()), environment=(("LANG", "C"),),
)  # fmt: skip
OTHERS = (
    {"device": "cuda:0"}, {"threads": 2}, {"level": Level.BUBBLEWRAP}, {"bounds": Bounds(scratch=1)}, {"timed": True},
    {"visible": "GPU-1"}, {"plugged": Plugged(sources=("a_backend",))}, {"environment": (("LANG", "de"),)},
)  # fmt: skip


@dataclass(eq=False)
class Played:
    """Stands for a child, and notes what is done with it."""

    settings: ChildSettings
    alive: bool = True
    fails: Exception | None = None
    done: list[str] = field(default_factory=list)

    def settle(self) -> None:
        self._do("settled")

    def greet(self) -> None:
        self._do("greeted")

    def kill(self) -> None:
        self.done.append("killed")

    def close(self) -> None:
        self.done.append("closed")

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.fails is not None:
            raise self.fails


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Played]:
    """The children that are started from here on, none of which is a process."""
    found: list[Played] = []

    def ahead(settings: ChildSettings) -> Played:
        found.append(Played(settings))
        return found[-1]

    monkeypatch.setattr(Child, "ahead", ahead)
    return found


def test_a_child_is_handed_out_once(started: list[Played]) -> None:
    with Stock() as stock:
        stock.start(SETTINGS)
        first, second = stock.take(SETTINGS), stock.take(SETTINGS)
    assert [cast("Any", first), cast("Any", second)] == started
    assert [one.done for one in started] == [["greeted"], ["greeted"]], "who takes a child closes it"


def test_one_waits_at_a_time_and_ends_with_the_stock(started: list[Played]) -> None:
    with Stock() as stock:
        stock.start(SETTINGS)
        stock.start(SETTINGS)
        stock.start(replace(SETTINGS, timed=True))
        stock.settle()
        assert [one.settings.timed for one in started] == [False, True]
        started[0].alive = False
        stock.start(SETTINGS)
        stock.kill()
    assert [one.done for one in started] == [["settled", "killed", "closed"]] * 2 + [["killed", "closed"]]


def test_as_many_wait_as_are_asked_for(started: list[Played]) -> None:
    with Stock() as stock:
        stock.start(SETTINGS, 2)
        stock.take(SETTINGS)
        stock.start(SETTINGS, 3)
    assert [one.done for one in started] == [["greeted"], *[["closed"]] * 3]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: next(iter(other)))
def test_a_child_of_other_settings_is_not_taken(other: dict[str, Any], started: list[Played]) -> None:
    with Stock() as stock:
        stock.start(replace(SETTINGS, **other))
        stock.take(SETTINGS)
    assert [one.done for one in started] == [["closed"], ["greeted"]]


def test_every_setting_is_compared() -> None:
    assert {name for other in OTHERS for name in other} == set(ChildSettings.__dataclass_fields__)


def test_what_the_harness_passes_on_is_part_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ChildSettings.now(level=Level.PROCESS)
    monkeypatch.setenv("OMP_NUM_THREADS", "63")
    assert ChildSettings.now(level=Level.PROCESS) != before
    monkeypatch.undo()
    assert ChildSettings.now(level=Level.PROCESS) == before


def test_ended_waiting_child_is_replaced(started: list[Played]) -> None:
    with Stock() as stock:
        for fails in (HarnessError("ended"), UserError("a plug-in")):
            stock.start(SETTINGS)
            started[-1].fails = fails
            stock.settle()  # it is dropped
            stock.start(SETTINGS)
            started[-1].fails = HarnessError("ended since")
            assert cast("Any", stock.take(SETTINGS)) is started[-1]
            assert started[-1].fails is None
    assert len(started) == 6


def test_failed_start_is_reported_only_by_take(monkeypatch: pytest.MonkeyPatch) -> None:
    def ahead(settings: ChildSettings) -> Child:
        raise HarnessError("no child process could be started")

    monkeypatch.setattr(Child, "ahead", ahead)
    with Stock() as stock:
        stock.start(SETTINGS)
        stock.settle()
        with pytest.raises(HarnessError):
            stock.take(SETTINGS)


def test_unavailable_device_is_reported_at_start(started: list[Played]) -> None:
    with Stock() as stock:
        stock.start(SETTINGS)
        started[-1].fails = UserError("device cuda:9 cannot be used")
        with pytest.raises(UserError, match="cuda:9"):
            stock.take(SETTINGS)
    assert len(started) == 1


def test_a_thread_takes_its_own_and_those_of_the_main_thread(started: list[Played]) -> None:
    """The kernel ends a child with the thread that started it, and the main thread ends last."""
    taken: list[Any] = []
    with Stock() as stock:

        def elsewhere() -> None:
            stock.start(replace(SETTINGS, timed=True))
            taken.append(stock.take(SETTINGS))

        stock.start(SETTINGS)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        taken.append(stock.take(replace(SETTINGS, timed=True)))
    assert taken[0] is started[0]
    assert taken[1] is started[2]
    assert started[1].done == ["closed"]


LEAVES_THINGS = """import os, sys, tempfile
os.environ["LEFT_BEHIND"] = "1"
sys.modules["left_behind"] = os
for folder in (tempfile.gettempdir(), os.path.expanduser("~"), "/dev/shm"):
    try:
        open(os.path.join(folder, "left-behind"), "w").close()
    except OSError:
        pass
import torch
def srmodel():
    return torch.nn.Upsample(scale_factor=2)
"""
LOOKS = """import json, os, sys
def below(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        return error.strerror
def srmodel():
    raise ValueError(json.dumps({
        "environment": {name: value for name, value in os.environ.items() if name not in PLACES},
        "modules": sorted(sys.modules),
        "folders": [below(os.environ["HOME"]), below(os.getcwd()), below(os.path.dirname(os.getcwd())), SHARED],
        "processes": PROCESSES,
        "arguments": sys.argv[1:],
    }))
PLACES = ("HOME", "TMPDIR", "PWD")
SHARED = below("/dev/shm") if os.path.isdir("/room") else ""
PROCESSES = len([name for name in os.listdir("/proc") if name.isdecimal()]) if os.path.isdir("/room") else 0
"""


def submission(folder: Path, code: str) -> LoadModel:
    folder.mkdir()
    (folder / "arch.py").write_text(code)
    return LoadModel(format="python", folder=folder, entry="arch:srmodel", scale=2)


def test_a_child_that_waited_beside_a_guest_sees_what_a_new_one_sees(tmp_path: Path) -> None:
    first, second = submission(tmp_path / "first", LEAVES_THINGS), submission(tmp_path / "second", LOOKS)
    settings, seen = ChildSettings.now(threads=1), []
    with Stock() as stock:
        stock.start(settings)
        with stock.take(settings) as child:
            stock.start(settings)
            stock.settle()
            assert isinstance(child.ask(first, limit_s=60), Loaded)
        with stock.take(settings) as child, Child(threads=1) as new:
            for one in (child, new):
                failure = one.ask(second, limit_s=60)
                assert isinstance(failure, Failure)
                seen.append(json.loads(failure.message.partition(": ")[2]))
    assert seen[0] == seen[1]
    assert "left-behind" not in str(seen[0]["folders"])
    assert "LEFT_BEHIND" not in seen[0]["environment"]
    assert "left_behind" not in seen[0]["modules"]


HARNESS = """
import sys, time
from rtsr_bench.sandbox import ChildSettings, Level, Stock
with Stock() as stock:
    settings = [ChildSettings.now(level=Level(sys.argv[1]), timed=timed) for timed in (False, True)]
    stock.start(settings[0])
    stock.settle()
    stock.start(settings[1])
    print("one waits, one starts", flush=True)
    time.sleep(60)
"""


def workers_of(harness: int) -> list[str]:
    found, pid = [], str(harness).encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"rtsr_bench.measuring.worker" in words and pid in words:
                found.append(entry.name)
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are seen in /proc")
@pytest.mark.parametrize(
    ("level", "number"),
    [(Level.PROCESS, signal.SIGKILL), (Level.BUBBLEWRAP, signal.SIGKILL), (obtainable().level, signal.SIGINT)],
)
def test_a_harness_that_ends_leaves_no_child_that_waits(level: Level, number: signal.Signals, tmp_path: Path) -> None:
    if level.rank > obtainable().level.rank:
        pytest.skip(obtainable().reason)
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS, level.value],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == "one waits, one starts\n"
        assert workers_of(harness.pid)
        harness.send_signal(number)
    deadline = time.monotonic() + 30
    while (left := workers_of(harness.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    if number is signal.SIGINT:  # what a killed one leaves of its folders, the next run removes
        assert list(tmp_path.iterdir()) == []
