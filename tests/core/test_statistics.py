"""Summaries of samples against NumPy and SciPy's words, and the warnings that stand beside numbers."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from demo_records import CPU, record, runtime, with_mse

from rtsr_bench.number_warnings import WarningKind, warnings
from rtsr_bench.protocol import Precision
from rtsr_bench.record import Fidelity, Runtime, Telemetry
from rtsr_bench.statistics import drift, mean, mean_interval, percentile, spread, summarise


def doubts(one, **changes):
    samples = replace(one.runtime, **changes)
    return [w.kind for w in warnings(replace(one, runtime=samples), summarise(samples), "rgb_b0")]


@pytest.mark.parametrize("percent", [0, 5, 50, 95, 99, 100])
@pytest.mark.parametrize("count", [1, 2, 15, 244])
def test_percentiles_are_numpys(percent, count):
    values = [random.Random(count + i).random() for i in range(count)]
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), rel=1e-14)


def test_mean_does_not_depend_on_the_order():
    values = [random.Random(i).random() * 10 ** (i % 9) for i in range(500)]
    assert mean(values) == mean(values[::-1]) == mean(sorted(values))


def test_spread_is_the_relative_standard_deviation():
    values = [2.0, 4.0, 4.0, 5.0]
    assert spread(values) == pytest.approx(np.std(values, ddof=1) / np.mean(values), rel=1e-14)
    assert spread([3.0]) == 0


def test_drift_compares_the_outer_quarters_and_forgives_one_hiccup():
    assert drift([10.0] * 4 + [99.0] * 8 + [11.0] * 4) == pytest.approx(0.1)
    assert drift([10.0] * 15 + [500.0]) == 0
    assert drift([1.0] * 7) is None


def test_interval_covers_the_mean_and_is_the_same_every_time():
    values = [random.Random(i).lognormvariate(1, 0.1) for i in range(244)]
    low, high = mean_interval(values)
    assert (low, high) == mean_interval(values)
    assert low < mean(values) < high
    half = 1.96 * np.std(values, ddof=1) / math.sqrt(len(values))
    assert high - low == pytest.approx(2 * half, rel=0.1)


def test_interval_of_nothing_and_of_equal_samples():
    assert mean_interval([4.0]) is None
    assert mean_interval([4.0] * 9) == (4.0, 4.0)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for trial in range(60):
        dice = random.Random(trial)
        low, high = mean_interval([dice.gauss(5, 1) for _ in range(60)])
        covered += low <= 5 <= high
    assert 51 <= covered <= 60


def test_a_batch_counts_per_frame():
    one = record().runtime
    assert summarise(replace(one, batch=4)).mean_ms == pytest.approx(summarise(one).mean_ms / 4)


def test_a_calm_run_has_no_warning():
    assert doubts(record()) == []


def test_noise_and_drift_are_said_at_their_limits():
    one = record(mean_ms=11.5)
    calm, noisy = [10.0] * 122 + [12.0] * 122, [10.0, 13.0] * 122
    assert WarningKind.DRIFT in doubts(one, samples_ms=tuple(calm))
    assert WarningKind.SPREAD not in doubts(one, samples_ms=tuple(calm))
    assert doubts(one, samples_ms=tuple(noisy)) == [WarningKind.SPREAD]


def test_launch_bound_is_reported_for_a_gpu_only():
    one = record(mean_ms=0.3)
    assert WarningKind.LAUNCH_BOUND in doubts(one)
    assert WarningKind.LAUNCH_BOUND not in doubts(record(mean_ms=0.3, system=CPU))
    assert WarningKind.LAUNCH_BOUND not in doubts(record(mean_ms=3.0))


@pytest.mark.parametrize(("host_ms", "bound"), [(0.79, False), (0.8, True), (1.2, True)])
def test_a_call_is_launch_bound_from_eighty_percent_on(host_ms: float, bound: bool):
    said = doubts(record(mean_ms=1.0), samples_ms=(1.0,) * 244, host_ms=(host_ms,) * 244)
    assert (WarningKind.LAUNCH_BOUND in said) == bound


def test_throttling_is_reported_but_idling_is_not():
    one = record()
    hot = Telemetry(when="during", throttle_reasons=("hw_thermal_slowdown", "gpu_idle"))
    found = warnings(replace(one, runtime=replace(one.runtime, telemetry=(hot,))), summarise(one.runtime), "rgb_b0")
    assert [w.kind for w in found] == [WarningKind.THROTTLED]
    assert "hw_thermal_slowdown" in found[0].text
    assert "idle" not in found[0].text
    rest = Telemetry(when="before", throttle_reasons=("gpu_idle", "Applications Clocks Setting"))
    assert doubts(one, telemetry=(rest,)) == []


@pytest.mark.parametrize(("parent_wall_s", "expected"), [(0.5, True), (1.7, False), (2.5, False), (6.0, True)])
def test_the_parents_clock_is_compared_with_the_samples(parent_wall_s, expected):
    one = record(mean_ms=7.0)  # 244 samples: 1.7 s
    assert (WarningKind.CLOCK in doubts(one, parent_wall_s=parent_wall_s)) is expected


def test_few_repeats_are_said():
    assert WarningKind.FEW_REPEATS in doubts(record(looking=True))


@pytest.mark.parametrize(("loss_db", "expected"), [(0.04, False), (0.06, True), (-1.0, False)])
def test_fidelity_loss_in_the_timed_precision_is_reported(loss_db, expected):
    one = record()
    images = tuple(with_mse(image, image.values["mse/rgb_b0"] / 10 ** (loss_db / 10)) for image in one.fidelity.images)
    full = Fidelity(precision=Precision.FP32, images=images, wall_s=1.0)
    found = [w.kind for w in warnings(replace(one, fidelity_fp32=full), None, "rgb_b0")]
    assert found == ([WarningKind.PRECISION_LOSS] if expected else [])


def test_runtime_fixture_is_a_runtime():
    assert isinstance(runtime(record().protocol, 5.0, Precision.FP16, "s"), Runtime)


@pytest.mark.parametrize(
    ("kind", "foreign", "gpu", "said"),
    [
        ("cpu", 0.002, None, []),
        ("cpu", 0.48, None, ["machine was busy: 48 % foreign load"]),
        ("cpu", None, None, []),
        ("cuda", 0.4, 0.0, []),
        ("cuda", 0.6, 0.3, ["machine was busy: 60 % foreign load", "machine was busy: 30 % foreign load"]),
    ],
)
def test_busy_machine_is_reported_beside_the_runtime(
    kind: str, foreign: float | None, gpu: float | None, said: list[str]
) -> None:
    one = record()
    assert isinstance(one.runtime, Runtime)
    busy = replace(
        one,
        runtime=replace(one.runtime, foreign_load=foreign, foreign_gpu=gpu),
        system=replace(one.system, device_kind=kind),
    )
    found = warnings(busy, summarise(busy.runtime), "rgb_b0")
    assert [warning.short for warning in found if warning.kind is WarningKind.BUSY] == said
