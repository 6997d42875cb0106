"""Code that names CUDA runs on the device that is measured, and the record says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.protocol import Size

CALLS = {
    "tensor": ("torch.ones(2).cuda()", ".cuda()"),
    "module": ("torch.nn.Conv2d(1, 1, 1).cuda().weight", ".cuda()"),
    "to a name": ('torch.ones(2).to("cuda:0")', '.to("cuda")'),
    "to a device": ('torch.ones(2).to(torch.device("cuda"))', '.to("cuda")'),
    "module to a device": ('torch.nn.Conv2d(1, 1, 1).to(device="cuda").weight', '.to("cuda")'),
    "factory": ('torch.zeros(2, device="cuda")', 'device="cuda"'),
    "load": ('torch.load("w.pth", map_location="cuda")', 'map_location="cuda"'),
    "to a number": ("torch.ones(2).to(torch.cuda.current_device())", '.to("cuda")'),
    "module to a number": ("torch.nn.Conv2d(1, 1, 1).to(0).weight", '.to("cuda")'),
    "factory with a number": ("torch.ones(2, device=0)", 'device="cuda"'),
    "generator": ('torch.rand(2, generator=torch.Generator("cuda:0").manual_seed(3))', "torch.Generator(...)"),
    "factory of random numbers": ('torch.randperm(2, device="cuda")', 'device="cuda"'),
    "like another": ('torch.zeros_like(torch.ones(2), device="cuda")', 'device="cuda"'),
    "method": ('torch.ones(2).new_zeros(2, device=torch.device("cuda", 0))', 'device="cuda"'),
    "type by name": ('torch.ones(2).type("torch.cuda.FloatTensor")', ".type(torch.cuda...)"),
    "type": ("torch.ones(2).type(torch.cuda.FloatTensor)", ".type(torch.cuda...)"),
    "pinned": ("torch.ones(2).pin_memory()", ".pin_memory()"),
    "load by keyword": ('torch.load(f="w.pth", map_location="cuda")', 'map_location="cuda"'),
    "load by a function": ('torch.load("w.pth", map_location=lambda s, l: s.cuda())', "a map_location function"),
}
CHILD = """
import sys, torch
from pathlib import Path
from rtsr_bench.measuring import cuda_calls
torch.save(torch.ones(2), "w.pth")
notes = []
cuda_calls.map_to(torch.device("cpu"), Path("."), notes.append)
for line in sys.stdin:
    notes.clear()
    print(eval(line).device, "|", *notes[-1:])
print(torch.cuda.current_device())
"""


def run(folder: Path, text: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=folder, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_calls_go_to_the_measured_device_and_are_noted(tmp_path: Path) -> None:
    (tmp_path / "arch.py").write_text("x.cuda()\n")
    lines = run(tmp_path, "".join(f"{code}\n" for code, _ in CALLS.values()))
    assert lines.pop() == "0"
    seen: set[str] = set()
    for line, (code, what) in zip(lines, CALLS.values(), strict=True):
        device, _, note = line.partition(" |")
        assert device == "cpu", code
        assert (what in note) == (what not in seen), code
        assert what in seen or note.endswith("this was mapped to cpu.")
        seen.add(what)


def test_code_that_does_not_name_cuda_runs_unpatched(tmp_path: Path) -> None:
    import torch

    from rtsr_bench.measuring import cuda_calls

    (tmp_path / "arch.py").write_text("barracuda = 1\n")
    before = torch.Tensor.to
    assert cuda_calls.map_to(torch.device("cpu"), tmp_path, pytest.fail) is None
    assert torch.Tensor.to is before


def test_on_cuda_nothing_is_patched(tmp_path: Path) -> None:
    import torch

    from rtsr_bench.measuring import cuda_calls

    (tmp_path / "arch.py").write_text("x.cuda()\n")
    assert cuda_calls.map_to(torch.device("cuda"), tmp_path, pytest.fail) is None


ENTRY = """
import torch


@torch.jit.script
def scripted(x: torch.Tensor) -> torch.Tensor:
    return x + torch.zeros_like(x) * torch.ones(1, dtype=x.dtype)


class Net(torch.nn.Module):
    ended: torch.cuda.Event | None = None

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 12, 3, padding=1)
        self.offset = torch.zeros(1, 12, 1, 1, device="cuda")
        self.place = torch.device("cuda", torch.cuda.current_device())

    def forward(self, x):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        with torch.cuda.device(self.place), torch.cuda.stream(torch.cuda.Stream()):
            start.record()
            out = self.conv(scripted(x.cuda(non_blocking=True))) + self.offset.to(self.place)
            end.record(torch.cuda.current_stream())
        torch.cuda.current_stream().wait_stream(torch.cuda.default_stream())
        torch.cuda.synchronize()
        self.ended = end
        assert isinstance(end, torch.cuda.Event) and start.elapsed_time(end) >= 0
        assert "cpu" in torch.cuda.get_device_name(0)
        return torch.nn.functional.pixel_shuffle(out, 2)


def srmodel():
    return Net().cuda().eval()
"""


def test_a_submission_that_calls_cuda_runs_in_a_child(tmp_path: Path) -> None:
    from rtsr_bench.record import Failure
    from rtsr_bench.sandbox import Child
    from rtsr_bench.wire import LoadModel

    (tmp_path / "arch.py").write_text(ENTRY)
    request = LoadModel(format="python", folder=tmp_path, entry="arch:srmodel", scale=2)
    with Child(device="cpu", threads=1) as child:
        loaded = child.ask(request, limit_s=60)
        assert not isinstance(loaded, Failure), loaded
        assert any("asks for CUDA (.cuda())" in note for note in loaded.notes), loaded.notes
        assert not isinstance(child.enhance(bytes(12 * 16 * 3), size=Size(12, 16), scale=2, execution=EAGER_FP32,
                                            limit_s=60), Failure)  # fmt: skip
