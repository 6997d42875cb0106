"""Warnings about numbers: why a runtime or a fidelity is unreliable, in a few words and in a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rtsr_bench.division import Division, execution_of, is_plain_eager
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.record import Fidelity, References, Runtime
from rtsr_bench.record.measurements import MSE
from rtsr_bench.score import mean_psnr_db
from rtsr_bench.statistics import RuntimeSummary, median, reference_drift

if TYPE_CHECKING:
    from rtsr_bench.record import Record

SPREAD_LIMIT = 0.10
SMALL_GAIN_DB = 0.01
DRIFT_LIMIT = 0.05
FIDELITY_LOSS_LIMIT_DB = 0.05
"""MLPerf asks for 99.9 % of the quality of fp32: of a PSNR of 30 dB that is a loss of 0.03 dB, of 50 dB 0.05 dB."""

REFERENCE_DRIFT_LIMIT = 0.25
"""On a shared server with at most 5 % of other work, 88 % of changes within some seconds were smaller (decision 31)."""

FEW_REPEATS = 100
"""Below this many samples the 99th percentile is little more than the slowest sample."""

LAUNCH_SHARE = 0.8
"""If the host's launch time is at least this share of a sample, kernels wait for their launches."""

CLOCK_FACTOR = 1.25
CLOCK_SLACK_S = 0.5
"""The parent's clock also includes the time between repeats (synchronising, freeing the output)."""

QUIET_SHARE = {"cpu": 0.05, "cuda": 0.5}
"""Share of the processors' time that other work may use during official timing, by the timed device: a GPU call needs
one processor to launch it. CUDA: not yet tried."""

QUIET_CORES = 0.25
"""Upper limit of the same in processors, for machines with many: a model's threads wait for the slowest of them."""

LEAST_RELATION = 0.2
"""Minimum correlation of the box-downsampled output with its random input; below it the row has a warning."""

QUIET_GPU = 0.05
"""Share of the GPU's time that other processes may use during official timing."""

_HARMLESS = ("idle", "none", "applications_clocks", "sync_boost", "display_clock")
"""Parts of NVML clock reasons that mean a setting or an idle state, not a loss of speed."""


class WarningKind(StrEnum):
    """Why a number is unreliable."""

    BUSY = "busy"
    UNRELATED = "unrelated"
    SPREAD = "spread"
    DRIFT = "drift"
    LAUNCH_BOUND = "launch_bound"
    THROTTLED = "throttled"
    CLOCK = "clock"
    REFERENCE = "reference"
    FEW_REPEATS = "few_repeats"
    PRECISION_LOSS = "precision_loss"
    EXECUTION_LOSS = "execution_loss"
    SMALL_GAIN = "small_gain"
    EXACT = "exact"


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberWarning:
    """A warning about a number (`about`: runtime, fidelity or relative), in a few words and in a sentence."""

    kind: WarningKind
    about: str
    short: str
    text: str


def warnings(
    record: Record,
    summary: RuntimeSummary | None,
    convention: str,
    *,
    execution_loss_db: float | None = None,
    division: Division | None = None,
) -> tuple[NumberWarning, ...]:
    """The warnings of a record, most important first; fidelity is compared under `convention` (a key).

    `execution_loss_db` is what the record's execution loses against eager fp32, None if that is not known.
    """
    found: list[NumberWarning] = []
    if summary is not None and isinstance(record.runtime, Runtime):
        found += _of_load(record.runtime, record.system.device_kind, record.system.cpu_cores)
        found += _of_relation(record.runtime)
        found += _of_samples(summary)
        found += _of_device(record.runtime, record.system.device_kind)
        found += _of_clock(record.runtime)
        found += _of_references(record.references)
        if summary.samples < FEW_REPEATS:
            text = f"Only {summary.samples} repeats: interval and percentiles are rough."
            found.append(_about_runtime(WarningKind.FEW_REPEATS, f"{summary.samples} repeats", text))
    if division is not Division.OPEN and is_plain_eager(record):
        found += _of_precision(record, convention)
    else:
        found += _of_execution(record, execution_loss_db, division)
    found += _of_gain(record, convention)
    return tuple(found)


def _about_runtime(kind: WarningKind, short: str, text: str) -> NumberWarning:
    return NumberWarning(kind=kind, about="runtime", short=short, text=text)


def quiet_share(device_kind: str, cores: int) -> float:
    """Share of `cores` processors that other work may use while a model is timed on this kind of device."""
    share = QUIET_SHARE.get(device_kind, QUIET_SHARE["cpu"])
    return share if device_kind == "cuda" else min(share, QUIET_CORES / max(1, cores))


def _of_load(runtime: Runtime, device_kind: str, cores: int) -> list[NumberWarning]:
    """Other work on the machine during timing, if it is unknown or above the share allowed for an idle machine."""
    if runtime.foreign_load is None and runtime.image_ms:  # records before schema 6 have no image times
        text = "The load of the machine is unknown: this system does not report it. Times on images were not compared."
        return [_about_runtime(WarningKind.BUSY, "load unknown", text)]
    found = []
    processors = runtime.foreign_load, "processors'", quiet_share(device_kind, cores)
    for load, whose, most in (processors, (runtime.foreign_gpu, "GPU's", QUIET_GPU)):
        if load is not None and load > most:
            share = f"{100 * load:.0f} %"
            text = f"The machine was busy: other work used {share} of the {whose} time while the model was timed."
            found.append(_about_runtime(WarningKind.BUSY, f"machine was busy: {share} foreign load", text))
    return found


def _of_relation(runtime: Runtime) -> list[NumberWarning]:
    """An output that hardly depends on the timed random input: the model smooths, or it cheats."""
    found = runtime.input_correlation
    if found is None or found >= LEAST_RELATION:
        return []
    text = (
        f"The output for random inputs hardly depends on them (correlation {found:.2f}; most models have at least"
        f" {LEAST_RELATION:g}): the model smooths, or it does less work on random inputs."
    )
    return [_about_runtime(WarningKind.UNRELATED, "output unlike its random input", text)]


def _of_samples(summary: RuntimeSummary) -> list[NumberWarning]:
    found = []
    if summary.spread > SPREAD_LIMIT:
        share = f"{100 * summary.spread:.0f} %"
        text = f"The samples spread by {share} of their mean (limit {100 * SPREAD_LIMIT:.0f} %)."
        found.append(_about_runtime(WarningKind.SPREAD, f"spread {share}", text))
    if summary.drift is not None and abs(summary.drift) > DRIFT_LIMIT:
        share = f"{100 * summary.drift:+.0f} %"
        text = (
            f"The runtime drifted by {share} from the first to the last quarter of the repeats"
            f" (limit {100 * DRIFT_LIMIT:.0f} %)."
        )
        found.append(_about_runtime(WarningKind.DRIFT, f"drift {share}", text))
    return found


def _of_device(runtime: Runtime, device_kind: str) -> list[NumberWarning]:
    found = []
    if (
        device_kind == "cuda"
        and runtime.host_ms
        and median(runtime.host_ms) >= LAUNCH_SHARE * median(runtime.samples_ms)
    ):
        host, device = median(runtime.host_ms), median(runtime.samples_ms)
        text = (
            f"Launch-bound: the host needs {host:.2f} ms to launch a call that takes the GPU {device:.2f} ms,"
            " so the runtime depends more on the host than on the GPU."
        )
        found.append(_about_runtime(WarningKind.LAUNCH_BOUND, "launch-bound", text))
    reasons = sorted(
        {
            reason
            for moment in runtime.telemetry
            for reason in moment.throttle_reasons
            if not any(word in reason.lower().replace(" ", "_") for word in _HARMLESS)
        }
    )
    if reasons:
        text = f"The GPU reduced its clocks during the measurement: {', '.join(reasons)}."
        found.append(_about_runtime(WarningKind.THROTTLED, "throttled", text))
    return found


def _of_clock(runtime: Runtime) -> list[NumberWarning]:
    claimed = math.fsum(runtime.samples_ms) / 1000
    most = CLOCK_FACTOR * max(claimed, math.fsum(runtime.host_ms) / 1000) + CLOCK_SLACK_S
    if 0.99 * claimed - CLOCK_SLACK_S <= runtime.parent_wall_s <= most:
        return []
    text = (
        f"The samples add up to {claimed:.2f} s, but the harness's clock measured {runtime.parent_wall_s:.2f} s"
        f" (at most {most:.2f} s expected)."
    )
    return [_about_runtime(WarningKind.CLOCK, "clocks disagree", text)]


def _of_references(references: References | None) -> list[NumberWarning]:
    """A machine that was faster or slower right after the model was timed than right before."""
    if references is None:
        return []
    change = reference_drift(references.convs)
    if abs(change) <= REFERENCE_DRIFT_LIMIT:
        return []
    share = f"{100 * change:+.0f} %"
    text = (
        f"The fixed reference changed by {share} from right before to right after the model was timed"
        f" (limit {100 * REFERENCE_DRIFT_LIMIT:.0f} %): the speed of the machine changed, so the runtime relative to it"
        " is unreliable."
    )
    short = f"reference changed by {share}"
    return [NumberWarning(kind=WarningKind.REFERENCE, about="relative", short=short, text=text)]


def _of_precision(record: Record, convention: str) -> list[NumberWarning]:
    timed, full = record.fidelity, record.fidelity_fp32
    if not (isinstance(timed, Fidelity) and isinstance(full, Fidelity)):
        return []
    try:
        loss = _psnr(full, convention) - _psnr(timed, convention)
    except (KeyError, ValueError):
        return []  # eligibility reports what is wrong with the record
    if not loss > FIDELITY_LOSS_LIMIT_DB:
        return []
    text = f"In {timed.precision.value}, the timed precision, the PSNR is {loss:.2f} dB lower than in fp32."
    short = f"{timed.precision.value} loses {loss:.2f} dB"
    return [NumberWarning(kind=WarningKind.PRECISION_LOSS, about="fidelity", short=short, text=text)]


def _of_execution(record: Record, loss_db: float | None, division: Division | None) -> list[NumberWarning]:
    """The loss against eager fp32, if it is above the limit, or unknown in the open division."""
    timed, execution = record.fidelity, execution_of(record)
    if not isinstance(timed, Fidelity) or execution == EAGER_FP32:
        return []
    words = execution.words if execution else "this execution"
    if loss_db is None and division is Division.OPEN:
        text = f"Fidelity under eager fp32 is not known, so the loss of {words} is not, either."
        short = "loss against eager fp32 not known"
    elif loss_db is not None and loss_db > FIDELITY_LOSS_LIMIT_DB:
        text = f"Under {words} the PSNR is {loss_db:.2f} dB lower than under eager fp32."
        short = f"loses {loss_db:.2f} dB against eager fp32"
    else:
        return []
    return [NumberWarning(kind=WarningKind.EXECUTION_LOSS, about="fidelity", short=short, text=text)]


def _of_gain(record: Record, convention: str) -> list[NumberWarning]:
    """The official score has no minimum gain, so a gain within rounding can earn as much as a good model."""
    if not isinstance(record.fidelity, Fidelity):
        return []
    try:
        images = [image for image in record.fidelity.images if not image.bicubic_is_exact(convention)]
        baseline = mean_psnr_db(image.baseline[f"{MSE}/{convention}"] for image in images)
        gain = _psnr(record.fidelity, convention) - baseline
    except (KeyError, ValueError):
        return []
    if not 0 < gain < SMALL_GAIN_DB:
        return []
    text = f"A gain of {gain:.4f} dB is within rounding, and the official score has no minimum gain."
    short = f"gain below {SMALL_GAIN_DB:g} dB"
    return [NumberWarning(kind=WarningKind.SMALL_GAIN, about="fidelity", short=short, text=text)]


def _psnr(fidelity: Fidelity, convention: str) -> float:
    """The mean as in `leaderboard.fidelity_means`; ValueError if no image is left."""
    images = [image for image in fidelity.images if not image.bicubic_is_exact(convention)]
    return mean_psnr_db(image.values[f"{MSE}/{convention}"] for image in images)
