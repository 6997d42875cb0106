"""Why a row is not ranked: each reason with its kind and a sentence. A noisy row is not a failed row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rtsr_bench.division import Division, division
from rtsr_bench.protocol import Size
from rtsr_bench.record import Complexity, Failure, FailureKind, Fidelity, Runtime, Stage
from rtsr_bench.record.measurements import MSE
from rtsr_bench.score import FORMULAS
from rtsr_bench.tracks import quick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.protocol import Protocol
    from rtsr_bench.record import Count, Record
    from rtsr_bench.tracks import Track

KIND_WORDS = {
    FailureKind.EXCEPTION: "raised an exception",
    FailureKind.BAD_OUTPUT: "gave a bad output",
    FailureKind.TIMEOUT: "ran out of time",
    FailureKind.OUT_OF_MEMORY: "ran out of memory",
    FailureKind.CRASHED: "crashed",
    FailureKind.NO_RESULT: "gave no result",
    FailureKind.INCONSISTENT: "gave inconsistent results",
}
STAGE_WORDS = {
    Stage.LOAD: "while loading",
    Stage.EXPORT: "while being prepared for its execution",
    Stage.ENHANCE: "while enhancing images",
    Stage.RUNTIME: "while being timed",
    Stage.COMPLEXITY: "while being counted",
}


class Ineligibility(StrEnum):
    """Why a row is not ranked. Only `FAILED` is a failure of the guest; the others are rules that are not met."""

    FAILED = "failed"
    NO_TRACK = "no_track"
    UNOFFICIAL = "unofficial"
    OFF_PROTOCOL = "off_protocol"
    INCOMPLETE_DATA = "incomplete_data"
    NO_FIDELITY = "no_fidelity"
    UNTRAINED = "untrained"
    NO_RUNTIME = "no_runtime"
    UNUSABLE = "unusable"
    NO_GAIN = "no_gain"
    BELOW_GATE = "below_gate"
    NO_COUNT = "no_count"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a row is not ranked: `short` in a few words, `text` complete, `brief` the first sentence of a long one."""

    kind: Ineligibility
    short: str
    text: str
    brief: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Below:
    """A data set whose mean PSNR is below the track's gate; both in dB, unrounded."""

    data_set: str
    psnr_db: float
    least_db: float


def counted_at(measured: Protocol, track: Track | None) -> Size:
    """The LR size for which a row's operations are shown: the timed size, or the track's size under `--quick`."""
    looked = track is not None and measured.window is not None and measured.input == quick(track.protocol).input
    return track.protocol.input if track is not None and looked else measured.input


def count_at(complexity: object, size: Size) -> Count | None:
    """The operations counted at an LR size, complete or not; None if there is no count for it."""
    if not isinstance(complexity, Complexity):
        return None
    return next((count for count in complexity.counts if count.input == size), None)


def count_at_256(complexity: object) -> Count | None:
    """The count at an LR input of 256x256; None if it is missing or incomplete (operators without a formula)."""
    found = count_at(complexity, Size(256, 256))
    return found if found is not None and not found.uncounted else None


def is_official(record: Record, track: Track | None) -> bool:
    """Whether the record was measured under exactly the protocol of its track: whether it is in the closed division."""
    return division(record, track) is Division.CLOSED


def failures(record: Record) -> tuple[Failure, ...]:
    """Every distinct failure in a record, in the order of the stages."""
    outcomes = (record.fidelity, record.fidelity_fp32, record.runtime, record.complexity, record.memory)
    found = dict.fromkeys(outcome for outcome in outcomes if isinstance(outcome, Failure))
    return tuple(sorted(found, key=lambda failure: list(Stage).index(failure.stage)))


def failure_words(failure: Failure, *, brief: bool = False) -> str:
    """A failure as a sentence: how, where, and the complete reason, or with `brief` its first sentence."""
    said = failure.brief if brief else failure.message
    return f"The model {KIND_WORDS[failure.kind]} {STAGE_WORDS[failure.stage]}: {said}"


def reasons(
    record: Record, track: Track | None, *, gain_db: float | None, trouble: str = "", below: Sequence[Below] = ()
) -> tuple[Reason, ...]:
    """Why the record cannot be ranked on its track, most important first; empty if it can.

    `gain_db` is the gain over bicubic under the score's convention (None if there is no such number, infinite for
    an image without errors); `trouble` says why stored observations could not be used, if so; `below` are the gates of
    the track that are not reached.
    """
    failed = _failed(record)
    found = [*failed]
    if track is None:
        text = f"No track {record.track!r} is shipped or named with --plugin, so the record cannot be scored."
        found.append(Reason(kind=Ineligibility.NO_TRACK, short="track unknown", text=text))
    elif division(record, track) is None:
        found.append(Reason(kind=Ineligibility.UNOFFICIAL, short="unofficial", text=unofficial_words(record, track)))
    found += _off_protocol(record)
    found += _incomplete(record)
    if trouble:
        found.append(Reason(kind=Ineligibility.UNUSABLE, short="unusable numbers", text=trouble))
    untrained = record.model.untrained
    if untrained:
        text = f"Its weights are not trained ({untrained}): only runtime, complexity and memory were measured."
        found.append(Reason(kind=Ineligibility.UNTRAINED, short=f"untrained: {untrained}", text=text))
    elif record.fidelity is None and not failed:
        found.append(Reason(kind=Ineligibility.NO_FIDELITY, short="no fidelity", text="Fidelity was not measured."))
    if record.runtime is None and not failed:
        found.append(Reason(kind=Ineligibility.NO_RUNTIME, short="no runtime", text="The runtime was not measured."))
    if gain_db is not None and not math.isfinite(gain_db) and not (track and track.score.lower_is_better):
        text = (
            f"The output for {_flawless(record)} is identical to HR, but bicubic's is not: the PSNR is infinite and the"
            " score is undefined. A person has to check whether HR was made from LR or the model knows the image."
        )
        found.append(Reason(kind=Ineligibility.UNUSABLE, short="PSNR infinite", text=text))
    elif gain_db is not None and gain_db <= 0 and not (track and track.score.lower_is_better):
        text = f"No gain over bicubic ({gain_db:+.3f} dB): the score is 0."
        found.append(Reason(kind=Ineligibility.NO_GAIN, short="no gain over bicubic", text=text))
    found += [
        Reason(
            kind=Ineligibility.BELOW_GATE,
            short=f"below {one.least_db:.2f} dB",
            text=f"PSNR on {one.data_set} is {one.psnr_db:.4f} dB, below the track's gate of {one.least_db:.2f} dB.",
        )
        for one in below
    ]
    if track and FORMULAS[track.score.formula].needs_count and record.runtime is not None and not failed:
        found += _uncounted(record)
    return tuple(found)


def _uncounted(record: Record) -> list[Reason]:
    if count_at_256(record.complexity) is not None:
        return []
    found = count_at(record.complexity, Size(256, 256))
    names = ", ".join(f"{name} x{times}" for name, times in sorted(found.uncounted.items())) if found else ""
    text = (
        f"Its operations at 3x256x256 were not counted in full{f' (without {names})' if names else ''}, "
        "so the score, which depends on MACs, is undefined."
    )
    return [Reason(kind=Ineligibility.NO_COUNT, short="operations not counted", text=text)]


def _flawless(record: Record) -> str:
    """Names of images that are exact under some convention while bicubic is not: the first three, and how many more."""
    images = record.fidelity.images if isinstance(record.fidelity, Fidelity) else ()
    names = [
        image.name
        for image in images
        if any(mse == 0 and not image.bicubic_is_exact(key) for key, mse in image.observed(MSE).items())
    ]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more or "an image"


def unofficial_words(record: Record, track: Track) -> str:
    """How the measurement differs from the shipped protocol, as a sentence."""
    options = f" ({' '.join(record.overrides)})" if record.overrides else ""
    changed = differences(record.protocol, track.protocol)
    if changed:
        return f"Unofficial{options}: {'; '.join(changed)}."
    found, shipped = record.protocol.digest, track.protocol.digest
    return f"Unofficial{options}: measured under protocol {found}, the track ships {shipped}."


def differences(measured: Protocol, official: Protocol) -> tuple[str, ...]:
    """The differences of a protocol from the official one, each in words."""
    said = {
        "scale": f"scale {measured.scale} instead of {official.scale}",
        "input": f"input {measured.input} instead of {official.input}",
        "batch": f"batch {measured.batch} instead of {official.batch}",
        "backend": f"execution {measured.backend} instead of {official.backend}",
        "precision": f"precision {_precisions(measured)} instead of {_precisions(official)}",
        "tf32": f"TF32 {'on' if measured.tf32 else 'off'} instead of {'on' if official.tf32 else 'off'}",
        "memory_format": f"memory format {measured.memory_format.value} instead of {official.memory_format.value}",
        "options": "other options of the execution",
        "warmup": f"{measured.warmup} warm-up calls instead of {official.warmup}",
        "repeats": f"{measured.repeats} repeats instead of {official.repeats}",
        "images": f"{_images(measured)} instead of {_images(official)}",
        "window": _window(measured),
        "data_sets": f"data sets {', '.join(measured.data_sets)} instead of {', '.join(official.data_sets)}",
        "degradation": "another degradation",
        "conventions": "other fidelity conventions",
        "metrics": f"metrics {', '.join(measured.metrics)} instead of {', '.join(official.metrics)}",
        "limits": "other time limits",
        "version": f"protocol version {measured.version} instead of {official.version}",
    }
    return tuple(words for name, words in said.items() if getattr(measured, name) != getattr(official, name))


def _images(protocol: Protocol) -> str:
    return "all images" if protocol.images is None else f"the first {protocol.images} images of each data set"


def _window(protocol: Protocol) -> str:
    return f"fidelity on the central {protocol.window} of each HR image" if protocol.window else "whole HR images"


def _precisions(protocol: Protocol) -> str:
    return ", ".join(f"{precision.value} on {kind}" for kind, precision in sorted(protocol.precision.items()))


def _failed(record: Record) -> list[Reason]:
    """Failures of fidelity or runtime. A failure while counting operations does not affect them."""
    return [
        Reason(
            kind=Ineligibility.FAILED,
            short=f"failed: {failure.stage.value}, {failure.kind.value}",
            text=failure_words(failure),
            brief=failure_words(failure, brief=True),
        )
        for failure in failures(record)
        if failure in (record.fidelity, record.runtime)
    ]


def _off_protocol(record: Record) -> list[Reason]:
    """Deviations of the samples from the record's own protocol."""
    runtime, protocol = record.runtime, record.protocol
    if not isinstance(runtime, Runtime):
        return []
    said = []
    if len(runtime.samples_ms) != protocol.repeats:
        said.append(f"{len(runtime.samples_ms)} samples for {protocol.repeats} repeats")
    if runtime.warmup != protocol.warmup:
        said.append(f"{runtime.warmup} warm-up calls for {protocol.warmup}")
    if runtime.input != protocol.input:
        said.append(f"input {runtime.input} for {protocol.input}")
    if runtime.batch != protocol.batch:
        said.append(f"batch {runtime.batch} for {protocol.batch}")
    asked = protocol.precision.get(record.system.device_kind)
    if asked is not None and runtime.precision != asked:
        said.append(f"precision {runtime.precision.value} for {asked.value}")
    if record.execution is not None and record.execution.backend != protocol.backend:
        said.append(f"execution {record.execution.backend} for {protocol.backend}")
    if isinstance(record.fidelity, Fidelity) and record.fidelity.precision != runtime.precision:
        said.append(f"fidelity in {record.fidelity.precision.value}, runtime in {runtime.precision.value}")
    if not said:
        return []
    text = f"Not measured as its own protocol says: {'; '.join(said)}."
    return [Reason(kind=Ineligibility.OFF_PROTOCOL, short="off protocol", text=text)]


def _incomplete(record: Record) -> list[Reason]:
    """Data sets of the protocol that are missing or incomplete, and images without a measurement."""
    said = []
    used, asked = {use.id: use.name for use in record.data}, record.protocol.data_sets
    if not used.keys() >= set(asked):
        have = ", ".join(used.values()) or "none"
        said.append(f"measured on {len(used.keys() & set(asked))} of {len(asked)} data sets ({have})")
    if record.protocol.images is None:  # a limited number of images is what the protocol asks for
        said += [f"{use.name} is not complete" for use in record.data if not use.complete]
    if isinstance(record.fidelity, Fidelity):
        for use in record.data:
            measured = sum(image.data_set == use.name for image in record.fidelity.images)
            if measured != use.images:
                said.append(f"{measured} of {use.images} images of {use.name} measured")
    if not said:
        return []
    text = f"Incomplete data: {'; '.join(said)}."
    return [Reason(kind=Ineligibility.INCOMPLETE_DATA, short="incomplete data", text=text)]
