"""One record to one row: means over images, summary of the samples, score, reasons, warnings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsr_bench.division import Division, division, execution_of
from rtsr_bench.eligibility import Below, Ineligibility, Reason, count_at_256, counted_at, reasons
from rtsr_bench.leaderboard.bands import Band, band
from rtsr_bench.leaderboard.exact import exact_images
from rtsr_bench.leaderboard.loss import loss_db
from rtsr_bench.leaderboard.means import FidelityMeans, fidelity_means
from rtsr_bench.number_warnings import NumberWarning, warnings
from rtsr_bench.protocol import Colour, Convention, Size
from rtsr_bench.record import Complexity, Fidelity, ImageFidelity, Record, Runtime
from rtsr_bench.score import FORMULAS, Ingredients
from rtsr_bench.statistics import RuntimeSummary, reference_ms, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.execution import Execution
    from rtsr_bench.tracks import Track


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One model's row: derived values, rank or the reasons why there is none, and warnings.

    `fidelity` is over the images of the data sets that the track's score uses, `by_set` has every data set. `source`
    names the record, `earlier` counts older records of the same key, `score` is None if an input of the formula is
    missing, `scored_under` is the convention key of the score's PSNR, `lower_is_better` the direction of the formula.
    `track` is None if this version does not know it; `twin`: another row of its group has the same model, or its model
    was measured from different files. `loss_db`: PSNR under eager fp32 less that of this execution, positive if it is
    worse; None without both. `best_source`: if this row is in the open division and another execution of its model is
    better, the source of that one's row. `rank_interval`: lowest and highest rank within 95 % of resamples of the
    images; `apart`: all models above this row can be told apart from it and from those below. Reports compute both.
    """

    source: str
    record: Record
    rank: int | None
    score: float | None
    gain_db: float | None
    scored_under: str
    fidelity: FidelityMeans | None
    by_set: dict[str, FidelityMeans]
    runtime: RuntimeSummary | None
    reasons: tuple[Reason, ...]
    warnings: tuple[NumberWarning, ...]
    earlier: int = 0
    lower_is_better: bool = False
    track: Track | None = None
    twin: bool = False
    loss_db: float | None = None
    best_source: str = ""
    rank_interval: tuple[int, int] | None = None
    apart: bool = False

    @property
    def judged(self) -> Sequence[ImageFidelity]:
        """The images of the score's data sets; none if fidelity was not measured."""
        fidelity = self.record.fidelity
        return _judged(self.record, fidelity.images, self.track) if isinstance(fidelity, Fidelity) else ()

    @property
    def failed(self) -> bool:
        """Whether fidelity or runtime failed."""
        return any(reason.kind is Ineligibility.FAILED for reason in self.reasons)

    @property
    def division(self) -> Division | None:
        """Its division on its track; None if it is unofficial."""
        return division(self.record, self.track)

    @property
    def execution(self) -> Execution | None:
        """How the model was run; None if the record does not tell."""
        return execution_of(self.record)

    @property
    def crop(self) -> Size | None:
        """Size of the centre of each image on which fidelity was measured; None if all images were whole."""
        window, fidelity = self.record.protocol.window, self.record.fidelity
        if window is None or not isinstance(fidelity, Fidelity):
            return None
        step = self.record.protocol.scale
        cut = Size(window.height - window.height % step, window.width - window.width % step)
        sizes = [image.size for image in fidelity.images]
        return cut if any(size.height == cut.height or size.width == cut.width for size in sizes) else None

    @property
    def frame_band(self) -> Band | None:
        """The FPS band of the mean runtime."""
        return band(self.runtime.fps) if self.runtime else None

    @property
    def relative(self) -> float | None:
        """Mean runtime over that of the fixed stack of convolutions; None if either is missing."""
        references = self.record.references
        return self.runtime.mean_ms / reference_ms(references.convs) if self.runtime and references else None

    @property
    def counted_at(self) -> Size:
        """The LR size for which its operations are shown."""
        return counted_at(self.record.protocol, self.track)


def scoring_convention(record: Record, track: Track | None) -> Convention:
    """The convention of the score's PSNR; without a track, the first convention of the record's protocol."""
    if track is not None:
        return track.score.convention
    return next(iter(record.protocol.conventions), Convention(Colour.RGB))


def derive_row(source: str, record: Record, track: Track | None, earlier: int = 0) -> Row:
    """Derive everything in a row except its rank from a record; `source` names it, `track` is None if unknown."""
    convention = scoring_convention(record, track).key
    trouble = ""
    overall, by_set = None, {}
    judged: Sequence[ImageFidelity] = ()
    if isinstance(record.fidelity, Fidelity):
        try:
            judged = _judged(record, record.fidelity.images, track)
            overall = fidelity_means(judged)
            by_set = _by_set(record.fidelity.images)
        except ValueError as error:
            trouble = f"The fidelity in the record is unusable: {error}."
        else:
            if overall.exact.get(convention) == overall.images:
                trouble = f"Bicubic is exact on every image under {convention}, so PSNR and gain are undefined."
            elif convention not in overall.psnr_db or convention not in overall.baseline_psnr_db:
                trouble = f"The record lacks PSNR or baseline under {convention}, which the score needs."
    summary = summarise(record.runtime) if isinstance(record.runtime, Runtime) else None
    full = record.fidelity_fp32
    lost = loss_db(judged, _judged(record, full.images, track), convention) if isinstance(full, Fidelity) else None
    own = warnings(record, summary, convention, execution_loss_db=lost, division=division(record, track))
    gain = overall.gain_db(convention) if overall else None
    return Row(
        source=source,
        record=record,
        rank=None,
        score=_score(track, record, overall, summary),
        gain_db=gain,
        scored_under=convention,
        fidelity=overall,
        by_set=by_set,
        runtime=summary,
        reasons=reasons(record, track, gain_db=gain, trouble=trouble, below=_below(record, track, by_set)),
        warnings=(*own, *exact_images(judged, convention)),
        earlier=earlier,
        lower_is_better=track is not None and track.score.lower_is_better,
        track=track,
        loss_db=lost,
    )


def best_first(row: Row) -> tuple[int, float, float, str, str]:
    """Sort key: eligible rows by score, then other rows with a score, a gain, neither; the model's id breaks ties."""
    official_reasons = [reason for reason in row.reasons if reason.kind is not Ineligibility.UNOFFICIAL]
    tier = 0 if not official_reasons else 1
    if row.failed:
        tier = 3
    elif row.score is None:
        tier = 2
    gain = row.gain_db if row.gain_db is not None else -math.inf
    score = row.score or 0.0
    return tier, score if row.lower_is_better else -score, -gain, row.record.model.id, row.source


def _judged(record: Record, images: Sequence[ImageFidelity], track: Track | None) -> Sequence[ImageFidelity]:
    """The images for the track's score and its columns: those of its score's data sets.

    All images if the track names no sets, or if only other sets were measured (`run --data`).
    """
    if track is None or not track.score.sets:
        return images
    names = {use.name for use in record.data if use.id in track.score.sets}
    return [image for image in images if image.data_set in names] or images


def _by_set(images: Sequence[ImageFidelity]) -> dict[str, FidelityMeans]:
    names = dict.fromkeys(image.data_set for image in images)
    return {name: fidelity_means(image for image in images if image.data_set == name) for name in names}


def _below(record: Record, track: Track | None, by_set: Mapping[str, FidelityMeans]) -> tuple[Below, ...]:
    """The gates of the track that are above a data set's mean PSNR, unrounded."""
    if track is None:
        return ()
    key = track.score.convention.key
    found = []
    for use in record.data:
        least, means = track.score.gates.get(use.id), by_set.get(use.name)
        if least is not None and means is not None and key in means.psnr_db and means.psnr_db[key] < least:
            found.append(Below(data_set=use.name, psnr_db=means.psnr_db[key], least_db=least))
    return tuple(found)


def _score(
    track: Track | None, record: Record, overall: FidelityMeans | None, summary: RuntimeSummary | None
) -> float | None:
    if track is None or overall is None or summary is None:
        return None
    key = track.score.convention.key
    gain = overall.gain_db(key)
    if gain is None or not (math.isfinite(gain) or track.score.lower_is_better):  # PSNR is only a gate there
        return None
    complete = count_at_256(record.complexity)
    return FORMULAS[track.score.formula].value(
        Ingredients(
            psnr_db=overall.psnr_db[key],
            baseline_psnr_db=overall.baseline_psnr_db[key],
            runtime_ms=summary.mean_ms,
            macs=complete.macs if complete else None,
            params=record.complexity.params if isinstance(record.complexity, Complexity) else None,
        )
    )
