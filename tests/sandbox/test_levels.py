"""The isolation level: really tried, shown, and refused where it is less than what is required."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest
from msgspec.structs import replace

from rtsr_bench.errors import UserError
from rtsr_bench.sandbox import Isolation, Level, bubblewrap, levels, require, seccomp, wants_gpu
from rtsr_bench.sandbox.room import Room
from rtsr_bench.wire import LoadModel


def test_insufficient_isolation_is_refused_with_a_solution() -> None:
    found = Isolation(level=Level.PROCESS, reason="no bwrap on PATH")
    require(found, Level.PROCESS)
    with pytest.raises(UserError, match=r"--require-isolation bubblewrap.*no bwrap on PATH.*apt install") as caught:
        require(found, Level.BUBBLEWRAP)
    assert "\n" not in str(caught.value)
    require(Isolation(level=Level.BUBBLEWRAP), Level.PROCESS)


def test_without_bwrap_the_level_is_process_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "executables", list)
    found = levels.obtainable.__wrapped__()
    assert found.level is Level.PROCESS
    assert "no bwrap" in found.reason


def bwrap(path: Path, script: str) -> str:
    """A stand-in for bwrap."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_bwrap_that_does_not_work_is_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = bwrap(tmp_path / "bwrap", "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1")
    monkeypatch.setattr(bubblewrap, "executables", lambda: [fake])
    found = levels.obtainable.__wrapped__()
    assert found.level is Level.PROCESS
    assert found.reason.endswith("setting up uid map: Permission denied")


def test_where_one_bwrap_is_too_old_the_next_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = bwrap(tmp_path / "bwrap", "echo 'bwrap: Unknown option --disable-userns' >&2; exit 1")
    works = bwrap(tmp_path / "bwrap-of-the-package", "exit 0")
    monkeypatch.setattr(bubblewrap, "executables", lambda: [old, works])
    assert levels.obtainable.__wrapped__() == Isolation(level=Level.BUBBLEWRAP, executable=works)
    monkeypatch.setattr(bubblewrap, "executables", lambda: [old, str(tmp_path / "gone")])
    found = levels.obtainable.__wrapped__()
    assert found.level is Level.PROCESS
    assert "Unknown option" in found.reason
    assert "gone does not work here: FileNotFoundError" in found.reason


IN_ROOM = 'export IN_ROOM=1; while [ "$1" != -- ]; do shift; done; shift; exec "$@"'


@pytest.mark.parametrize(
    ("trial", "level", "reason"),
    [
        (
            "'no device' if 'IN_ROOM' in os.environ else 0",
            Level.PROCESS,
            "works, but CUDA does not work in it: no device",
        ),
        ("'no driver at all'", Level.BUBBLEWRAP, ""),
        ("0", Level.BUBBLEWRAP, ""),
    ],
    ids=["not in the room", "nowhere", "everywhere"],
)
def test_sandbox_with_cuda_is_tested_with_cuda(
    trial: str, level: Level, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bubblewrap, "executables", lambda: [bwrap(tmp_path / "bwrap", IN_ROOM)])
    command = (sys.executable, "-I", "-S", "-c", f"import os; raise SystemExit({trial})")
    monkeypatch.setattr(bubblewrap, "CUDA_TRIAL", command)
    found = levels.obtainable.__wrapped__(gpu=True)
    assert found.level is level
    assert found.reason.endswith(reason)
    assert levels.obtainable.__wrapped__().level is Level.BUBBLEWRAP  # for a CPU the room is good enough


DRIVER = """
#include <stdlib.h>
int cuInit(unsigned int flags) { return atoi(getenv("TZ")); }
int cuDeviceGetCount(int *count) { *count = getenv("LANG")[0] == '1'; return 0; }
"""


@pytest.mark.parametrize(
    ("error", "devices", "said"), [("0", "1", ""), ("0", "0", "no device"), ("100", "1", "the driver's error 100")]
)
def test_the_trial_of_cuda_asks_the_driver(
    error: str, devices: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler to build a stand-in for the driver")
    (tmp_path / "cuda.c").write_text(DRIVER)
    library = tmp_path / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", library, tmp_path / "cuda.c"], check=True)
    for name, value in (("LD_LIBRARY_PATH", str(tmp_path)), ("TZ", error), ("LANG", devices)):
        monkeypatch.setenv(name, value)
    assert levels._run(bubblewrap.CUDA_TRIAL) == (bool(said), said)


def test_a_machine_without_a_driver_says_so() -> None:
    code, said = levels._run([part.replace("libcuda.so.1", "libnone.so") for part in bubblewrap.CUDA_TRIAL])
    assert code == 1
    assert "libnone.so" in said


def test_device_nodes_of_every_kind_of_machine_are_let_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = {
        "nvidia0",
        "nvidia12",
        "nvidiactl",
        "nvidia-uvm",
        "nvidia-caps",
        "dxg",
        "nvhost-ctrl",
        "nvhost-gpu",
        "nvmap",
    }
    for name in (*named, "sda", "kvm", "video0"):
        (tmp_path / name).touch()
    monkeypatch.setattr(bubblewrap, "_DEV", tmp_path)
    assert set(bubblewrap.gpu_nodes()) == named
    shell = bubblewrap.Shell(executable="bwrap", room=tmp_path, scratch_bytes=1, gpu=True)
    words = shell.command(environment={}, seccomp_fd=None)
    assert {Path(words[at + 1]).name for at, word in enumerate(words) if word == "--dev-bind-try"} == named
    assert wants_gpu("auto")
    monkeypatch.setattr(bubblewrap, "_DEV", tmp_path / "none")
    assert [wants_gpu(device) for device in ("auto", "cpu", "cuda", "cuda:1")] == [False, False, True, True]


@pytest.mark.skipif(levels.obtainable().level is Level.PROCESS, reason="needs bubblewrap")
def test_an_environment_may_lie_below_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        venv.create(place / "env", symlinks=True)
        python = str(place / "env" / "bin" / "python")
        monkeypatch.setattr(sys, "prefix", str(place / "env"))
        monkeypatch.setattr(sys, "exec_prefix", str(place / "env"))
        monkeypatch.setattr(sys, "executable", python)
        monkeypatch.setattr(bubblewrap, "TRIAL", (python, "-I", "-S", "-c", "open('/tmp/mine', 'w').write('x')"))
        assert levels.obtainable.__wrapped__().level is Level.BUBBLEWRAP
        assert not Path("/tmp/mine").exists()


@pytest.mark.parametrize(("machine", "ptrace"), [("x86_64", 101), ("aarch64", 117)])
def test_the_filter_denies_what_it_should_and_lets_pass_the_rest(machine: str, ptrace: int) -> None:
    program = seccomp.program(machine)
    assert program is not None
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    assert run(program, architecture, ptrace) == 0x00050001
    assert run(program, architecture, 425) == 0x00050001  # io_uring_setup
    assert run(program, architecture, 63) == 0x7FFF0000  # uname, or read
    assert run(program, 0x40000003, 4) == 0x80000000  # another architecture
    assert seccomp.program("z80") is None


def run(program: bytes, architecture: int, number: int) -> int:
    """What a classic BPF program of the few instructions used here returns."""
    steps = list(struct.iter_unpack("=HBBI", program))
    at, value = 0, 0
    while True:
        code, yes, no, operand = steps[at]
        at += 1
        match code:
            case 0x20:
                value = {0: number, 4: architecture}[operand]
            case 0x15:
                at += yes if value == operand else no
            case 0x35:
                at += yes if value >= operand else no
            case 0x06:
                return int(operand)
            case _:
                pytest.fail(f"an instruction that is not used here: {code:#x}")


def test_plug_ins_are_bound_read_only_each_at_a_place_of_its_own(tmp_path: Path) -> None:
    paths = (tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py")
    shell = bubblewrap.Shell(executable="bwrap", room=tmp_path, scratch_bytes=1, gpu=False, plugins=paths)
    words = shell.command(environment={}, seccomp_fd=None)
    bound = [tuple(words[at + 1 : at + 3]) for at, word in enumerate(words) if word == "--ro-bind"]
    for number, path in enumerate(paths):
        assert (str(path), str(bubblewrap.plugin_inside(number, path))) in bound
    assert len({bubblewrap.plugin_inside(*numbered) for numbered in enumerate(paths)}) == 2


def test_sandbox_contains_only_the_submission(tmp_path: Path) -> None:
    team, weights = tmp_path / "team", tmp_path / "cache" / "w.safetensors"
    for name in ("arch.py", "results/0001.png", "results/readme.md", ".git/config", "__pycache__/arch.pyc"):
        (team / name).parent.mkdir(parents=True, exist_ok=True)
        (team / name).write_text(name)
    weights.parent.mkdir()
    weights.write_text("weights")
    (team / "again.py").symlink_to(team / "arch.py")
    (team / "hr.png").symlink_to(tmp_path / "hr.png")
    (tmp_path / "hr.png").write_text("ground truth")
    room = Room()
    try:
        request = LoadModel(
            format="onnx", folder=team, entry="/etc/passwd", checkpoint=weights, files={"half": team / "arch.py"}
        )
        moved = room.admit(request, Path("/room"))
        assert moved == replace(
            request,
            folder=Path("/room/submission"),
            checkpoint=Path("/room/weights/w.safetensors"),
            files={"half": Path("/room/submission/arch.py")},
        )
        assert [path.name for path in (room.visible / "weights").iterdir()] == ["w.safetensors"]
        inside = room.visible / "submission"
        assert sorted(path.name for path in inside.rglob("*")) == [
            "again.py", "arch.py", "hr.png", "readme.md", "results"
        ]  # fmt: skip
        assert (inside / "again.py").readlink() == Path("arch.py")
        assert (inside / "hr.png").is_symlink()  # the link, never what it points to
        assert (room.visible / "weights" / "w.safetensors").read_text() == "weights"
    finally:
        room.close()
    assert not room.folder.exists()
    assert (team / "arch.py").is_file()


def linked(team: Path, tmp_path: Path) -> dict[str, str]:
    """Links of every kind in a submission, and what reading each must give; empty for what leaves the folder."""
    for name in ("e100.pth", "deep/inner.pth", "results/0001.png"):
        (team / name).parent.mkdir(parents=True, exist_ok=True)
        (team / name).write_text(name)
    (tmp_path / "secret.pth").write_text("secret")
    (tmp_path / "other").symlink_to(team.parent)
    links = {
        "relative.pth": ("e100.pth", "e100.pth"),
        "absolute.pth": (str(team / "e100.pth"), "e100.pth"),
        "parent.pth": (str(tmp_path / "other" / team.name / "e100.pth"), "e100.pth"),
        "comes_back.pth": (f"../{team.name}/e100.pth", "e100.pth"),
        "dotted.pth": (f"{team}/deep/../e100.pth", "e100.pth"),
        "chain.pth": ("absolute.pth", "e100.pth"),
        "long_chain.pth": (str(tmp_path / "other" / team.name / "chain.pth"), "e100.pth"),
        "deep/up.pth": ("../e100.pth", "e100.pth"),
        "left_out.png": ("results/0001.png", "results/0001.png"),
        "leaves.pth": (str(tmp_path / "secret.pth"), ""),
        "leaves_up.pth": ("../../secret.pth", ""),
        "gone.pth": ("nowhere.pth", ""),
        "circle.pth": ("circle.pth", ""),
    }
    for name, (target, _) in links.items():
        (team / name).symlink_to(target)
    (team / "folder").symlink_to(tmp_path / "other" / team.name / "deep", target_is_directory=True)
    return {name: content for name, (_, content) in links.items()} | {"folder/inner.pth": "deep/inner.pth"}


@pytest.mark.parametrize("by", ["its path", "a linked parent", "dots"])
def test_links_inside_the_folder_work_in_the_sandbox(tmp_path: Path, by: str) -> None:
    team = tmp_path / "teams" / "team"
    expected = linked(team, tmp_path)
    named = {"its path": team, "a linked parent": tmp_path / "other" / "team", "dots": team / ".." / "team"}[by]
    room = Room()
    try:
        asked = named.absolute()
        moved = room.admit(LoadModel(format="python", folder=asked, checkpoint=asked / "long_chain.pth"), room.visible)
        shutil.rmtree(team)  # what is read is in the room, or cannot be read
        inside = moved.folder
        assert moved.checkpoint is not None
        assert moved.checkpoint.read_text() == "e100.pth"
        for name, content in expected.items():
            if content:
                assert (inside / name).read_text() == content, name
                assert (inside / name).resolve().is_relative_to(room.visible)
            else:
                assert (inside / name).is_symlink()
    finally:
        room.close()


def test_folder_of_a_killed_harness_is_removed_by_the_next() -> None:
    left = Room()
    left._held.lock.close()  # as the kernel does when a process ends
    room = Room()
    try:
        assert not left.folder.exists()
        assert room.folder.exists()
    finally:
        room.close()
