"""Does `rtsr-bench compare` say the right thing? A network against itself, and against a copy that is 5 % slower.

    python benchmarks/compare.py [--runs 20] [--input 120x216] [--sessions 40]
    python benchmarks/compare.py --fidelity --data-root DIR

Each run is a whole comparison of runtimes in fresh processes: first N of a stack of convolutions with itself, then N of
it with a copy that has one more 1x1 convolution. Prints a line a run: what was said, how far the copy is, the interval,
the noise floor, sessions, seconds and foreign load; then the totals. The exit code is 1 unless all of the first are
"same within noise" and all of the second "slower". Run it on a quiet machine.

With --fidelity instead: RT4KSR-S x2 against copies whose weights were changed a little, on Set14. Prints for each the
mean difference, the interval, the p-value and the verdict; the exit code is 1 where the verdict is not what interval
and test say.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from rtsr_bench.compare.comparing import Told, Wanted, compare_submissions
from rtsr_bench.compare.judging import RESOLUTION, Stopping
from rtsr_bench.compare.pair import Asked, candidates, choose, make_jobs
from rtsr_bench.comparison import Comparison, RuntimeComparison, Verdict, percent, shown_percent
from rtsr_bench.evaluate import Bench, Job, Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.protocol import Size

PROJECT = Path(__file__).parents[1]
ARCH = '''
import torch
import torch.nn.functional as F


class Net(torch.nn.Module):
    """A stack of 3x3 convolutions; `extra` more 1x1 convolutions."""

    def __init__(self, extra=0):
        super().__init__()
        torch.manual_seed(2)
        self.head = torch.nn.Conv2d(3, {channels}, 3, padding=1)
        body = [torch.nn.Conv2d({channels}, {channels}, 3, padding=1) for _ in range({layers})]
        self.body = torch.nn.ModuleList(body)
        self.extra = torch.nn.ModuleList(torch.nn.Conv2d({channels}, {channels}, 1) for _ in range(extra))
        self.tail = torch.nn.Conv2d({channels}, 12, 3, padding=1)

    def forward(self, x):
        y = self.head(x)
        for layer in self.body:
            y = F.relu(layer(y))
        for layer in self.extra:
            y = layer(y)
        return F.interpolate(x, scale_factor=2, mode="nearest") + 0.05 * F.pixel_shuffle(self.tail(y), 2)
'''
MANIFEST = """[submission]
id = "{name}"
team = "benchmark"
title = "{name}"

[[model]]
scale = 2
entry = "arch:Net"
args = {{ extra = {extra} }}
untrained = "random weights"
"""
NOISE = (0.0, 3e-4, 1e-3, 1.9e-3, 3e-3)
"""Relative noise on the weights of RT4KSR-S; 1.9e-3 costs about 0.02 dB on Set14."""


def write_network(folder: Path, name: str, extra: int, options: argparse.Namespace) -> Path:
    """Write a submission with so many extra convolutions."""
    place = folder / name
    place.mkdir()
    (place / "arch.py").write_text(ARCH.format(channels=options.channels, layers=options.layers))
    (place / "submission.toml").write_text(MANIFEST.format(name=name, extra=extra))
    return place


def jobs_of(a: str, b: str, asked: Asked) -> tuple[Job, Job]:
    """Put two models whose scales are declared under the rules of a track."""
    sides = [candidates(text, (), print) for text in (a, b)]

    def undeclared(*_: object) -> int:
        raise SystemExit("expected models with a declared scale")

    return make_jobs(choose(sides, None, undeclared), asked)


def compared(a: str, b: str, asked: Asked, bench: Bench, options: argparse.Namespace) -> Comparison:
    """Compare two submissions."""
    stopping = Stopping(most_sessions=options.sessions, most_s=3600.0, resolution=math.log1p(options.resolution / 100))
    wanted = Wanted(runtime=not options.fidelity, fidelity=options.fidelity)
    return compare_submissions(jobs_of(a, b, asked), (a, b), bench, wanted, stopping, Told())


def line(runtime: RuntimeComparison, seconds: float) -> str:
    """What a run found, on one line."""
    low, high = runtime.interval or (math.nan, math.nan)
    loads = [one.foreign_load or 0.0 for one in runtime.sessions]
    return (
        f"{runtime.verdict.value:18} {shown_percent(runtime.ratio)} % ({shown_percent(low)} to {shown_percent(high)}), "
        f"floor {percent(runtime.floor or 0.0):.2f} %, {runtime.a_ms:.2f} ms, {len(runtime.sessions)} sessions, "
        f"{seconds:.0f} s, foreign load {100 * sum(loads) / len(loads):.1f} %"
    )


def compare_runtimes(options: argparse.Namespace) -> bool:
    """Compare N times with itself and N times with the slower copy; whether all was found."""
    right = True
    asked = Asked(
        track="builtin-x2",
        models=(),
        roots=(),
        overrides=Overrides(input=options.input),
        place=Place(device="cpu"),
        images=False,
    )
    with tempfile.TemporaryDirectory() as folder, Bench(device="cpu", threads=options.threads) as bench:
        network, slower = (str(write_network(Path(folder), f"extra-{extra}", extra, options)) for extra in (0, 1))
        for what, other, expected in (("itself", network, Verdict.SAME), ("slower copy", slower, Verdict.SLOWER)):
            verdicts: Counter[str] = Counter()
            changes = []
            for run in range(options.runs):
                began = monotonic()
                runtime = compared(network, other, asked, bench, options).runtime
                assert runtime is not None
                verdicts[runtime.verdict.value] += 1
                changes.append(percent(runtime.ratio))
                print(f"{what} {run + 1:2}: {line(runtime, monotonic() - began)}", flush=True)
            said = ", ".join(f"{count} of {options.runs} {word}" for word, count in verdicts.most_common())
            print(f"{what}: {said}; mean difference {sum(changes) / len(changes):+.2f} %", flush=True)
            right &= verdicts[expected.value] == options.runs
    return right


def perturbed(folder: Path, noise: float) -> Path:
    """Write RT4KSR-S x2 with noise on its weights, relative to the spread of each tensor."""
    import torch

    from rtsr_bench.submissions import discover, resolve_checkpoint

    (submission,) = discover(PROJECT / "reference_models" / "rt4ksr")
    model = next(one for one in submission.models if one.id.endswith("/s-x2"))
    place = folder / f"noise-{noise:g}".replace(".", "_")
    shutil.copytree(submission.folder, place, ignore=shutil.ignore_patterns("*.pth", "results"))
    checkpoint = resolve_checkpoint(model, submission)
    assert checkpoint is not None
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    torch.manual_seed(3)
    weights = state.get("state_dict", state)
    for name, value in weights.items():
        if value.is_floating_point() and value.numel() > 1:
            weights[name] = value + noise * value.std() * torch.randn_like(value)
    torch.save(state, place / "changed.pth")
    manifest = (
        f'[submission]\nid = "{place.name}"\nteam = "benchmark"\ntitle = "changed"\n\n[[model]]\nscale = 2\n'
        f'entry = "{model.entry}"\ncheckpoint = "changed.pth"\nargs = {{ size = "S", scale = 2 }}\n'
    )
    (place / "submission.toml").write_text(manifest)
    return place


def compare_images(options: argparse.Namespace) -> bool:
    """Compare RT4KSR-S with changed copies of itself on Set14; whether each verdict is what its numbers say."""
    right = True
    asked = Asked(
        track="classic-x2",
        models=(),
        roots=tuple(options.data_root),
        overrides=Overrides(data=("set14",)),
        place=Place(device="cpu"),
    )
    with tempfile.TemporaryDirectory() as folder, Bench(device="cpu") as bench:
        for noise in NOISE:
            other = perturbed(Path(folder), noise)
            made = compared(f"{PROJECT / 'reference_models' / 'rt4ksr'}#s-x2", str(other), asked, bench, options)
            for one in made.metrics:
                print(f"weights changed by {noise:g}: {one.title} {one.verdict.value}; {one.words}", flush=True)
                low, high = one.interval or (math.nan, math.nan)
                apart, significant = not low <= 0 <= high, (one.p_value or 1) <= 0.05
                said = {(True, True): {"better", "worse"}, (False, False): {"same within noise"}}
                right &= one.verdict.value in said.get((apart, significant), {"ambiguous"})
    return right


def size(text: str) -> Size:
    """Read HEIGHTxWIDTH."""
    height, width = map(int, text.split("x"))
    return Size(height, width)


def main() -> int:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--input", type=size, default=Size(120, 216))
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--resolution", type=float, default=100 * RESOLUTION, help="percent")
    parser.add_argument("--fidelity", action="store_true")
    parser.add_argument("--data-root", type=Path, action="append", default=[])
    options = parser.parse_args()
    right = compare_images(options) if options.fidelity else compare_runtimes(options)
    print(f"{'all' if right else 'NOT all'} as expected")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
