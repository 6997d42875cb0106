"""Metrics as values: light to describe, measured together where they share a kernel, and held to their bounds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.metric import METRICS, Metric, known
from rtsr_bench.metrics import fidelity
from rtsr_bench.metrics.pairs import measure_pair
from rtsr_bench.metrics.planes import planes
from rtsr_bench.protocol import Colour, Convention

RGB, Y = Convention(Colour.RGB), Convention(Colour.Y, 2)
SR, HR = np.random.default_rng(1).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)


def of(measure: Callable[..., float], **changes: object) -> Metric:
    plain = Metric(name="mine", title="Mine", explanation="Mine", digits=1, measure=measure)
    return replace(plain, **changes)  # type: ignore[arg-type]  # passed on as they are


def test_describing_metrics_and_columns_loads_nothing_heavy() -> None:
    code = (
        "import sys; from rtsr_bench.metric import METRICS; from rtsr_bench.report.column import COLUMNS\n"
        "print(*METRICS.all(), *COLUMNS.all()); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, modules = done.stdout.splitlines()
    assert {"psnr", "ssim", "ms_ssim", "fidelity", "runtime"} <= set(names.split())
    assert not set(modules.split()) & {"numpy", "torch", "scipy", "numba", "PIL", "pandas", "matplotlib"}


def test_psnr_and_ssim_are_the_fused_kernel_s_by_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, calls = fidelity.measure(SR, HR, [RGB, Y]), []
    monkeypatch.setattr(fidelity, "measure", lambda *asked, **options: calls.append(options) or expected)
    values = measure_pair(SR, HR, known(("psnr", "ssim")), [RGB, Y])
    assert len(calls) == 1
    assert list(values) == ["mse/rgb_b0", "mse/y_b2", "ssim/rgb_b0", "ssim/y_b2"]
    assert values["mse/y_b2"] == expected.mse["y_b2"]
    assert values["ssim/rgb_b0"] == expected.ssim["rgb_b0"]


@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_a_metric_by_itself_gives_what_it_gives_beside_others(name: str) -> None:
    metric = METRICS.find(name)
    together = measure_pair(SR, HR, known(("psnr", "ssim")), [Y])
    assert metric.measure(SR, HR, Y) == together[metric.observed_as(Y.key)]


def test_bicubic_is_not_measured_by_metrics_that_do_not_compare_with_it() -> None:
    assert [metric.name for metric in METRICS.all().values() if metric.baseline] == ["psnr"]


def test_a_metric_is_taken_under_the_conventions_that_it_knows() -> None:
    values = measure_pair(SR, HR, [of(lambda *_: 3, colours=(Colour.Y,), observed="seen")], [RGB, Y])
    assert values == {"seen/y_b2": 3.0}


def test_an_image_below_what_a_metric_needs_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="Mine needs 37x37 pixels inside the border of 2, found 36") as caught:
        measure_pair(SR, HR, [of(lambda *_: 3, least_side=37)], [RGB, Y])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (lambda *_: 1 / 0, "metric 'mine': measure raised ZeroDivisionError"),
        (lambda *_: "much", "metric 'mine': measure raised ValueError"),
        (lambda *_: float("nan"), r"metric 'mine': expected a finite number in \[0, 1\], found nan"),
        (lambda *_: 2, r"metric 'mine': expected a finite number in \[0, 1\], found 2.0"),
    ],
)
def test_a_metric_that_breaks_is_one_line_that_names_it(measure: Callable[..., float], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        measure_pair(SR, HR, [of(measure, bounds=(0, 1))], [RGB])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "MSE", "a/b", "1st", "a b"])
def test_a_name_that_would_break_keys_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="expected a name of a-z"):
        of(lambda *_: 0, name=name)


@pytest.mark.parametrize(
    ("name", "unit", "convention", "part", "column"),
    [
        ("psnr", "dB", "rgb_b0", "", "psnr_rgb_b0_db"),
        ("psnr", "dB", "rgb_b0", "gain", "gain_rgb_b0_db"),
        ("psnr", "dB", "", "", "psnr_db"),
        ("mine", "%", "y_b2", "gain", "gain_mine_y_b2"),
    ],
)
def test_column_keys(name: str, unit: str, convention: str, part: str, column: str) -> None:
    assert of(lambda *_: 0, name=name, unit=unit).column(convention, part=part) == column


def test_the_documentation_has_a_line_for_every_shipped_metric() -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert not [one.title for one in METRICS.all().values() if f"| **{one.title}** |" not in text]


@pytest.mark.parametrize("convention", [RGB, Y, Convention(Colour.Y_NTIRE23, 3)])
def test_planes_give_a_convention_s_mse(convention: Convention) -> None:
    pairs = list(planes(SR, HR, convention))
    assert len(pairs) == (3 if convention.colour is Colour.RGB else 1)
    assert pairs[0][0].shape == (40 - 2 * convention.border, 50 - 2 * convention.border)
    mse = np.mean([np.square(x - y) for x, y in pairs])
    assert mse == pytest.approx(fidelity.measure(SR, HR, [convention]).mse[convention.key], rel=1e-12)
