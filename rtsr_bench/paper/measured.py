"""Measurements of the paper's models in records: only official and complete ones, the latest of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.leaderboard import derive_row, fidelity_means
from rtsr_bench.protocol import Colour, Convention, Precision
from rtsr_bench.record import Fidelity, ImageFidelity, Record, Runtime
from rtsr_bench.statistics import summarise
from rtsr_bench.tracks import all_tracks

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPEN4K = "open4k"


class Measured:
    """Looks up values in records; records with overrides or under other rules are ignored."""

    def __init__(self, records: Sequence[Record]) -> None:
        tracks = all_tracks()
        official = [
            record
            for record in records
            if not record.overrides
            and record.track in tracks
            and record.protocol.digest == tracks[record.track].protocol.digest
        ]
        self._records = sorted(official, key=lambda record: (record.started, record.key), reverse=True)

    def on_set(self, model: str, data_set: str, convention: str) -> tuple[float, float] | None:
        """Mean PSNR in dB and SSIM on a complete, verified set under a convention, in fp32; None without a record."""
        for record in self._of(model):
            names = {use.name for use in record.data if use.id == data_set and use.verified and use.complete}
            images = [image for image in _images(record) if image.data_set in names]
            values = fidelity_means(images).values if images else {}
            psnr, ssim = (values.get(f"{name}/{convention}") for name in ("psnr", "ssim"))
            if psnr is not None and ssim is not None:
                return psnr, ssim
        return None

    def runtime_ms(self, model: str, *, card: str) -> float | None:
        """Mean runtime of a 4K frame in fp16 on a GPU whose name contains `card`; None if no record has it."""
        for record in self._of(model):
            output = record.protocol.input.times(record.protocol.scale)
            timed = record.runtime
            if isinstance(timed, Runtime) and timed.precision is Precision.FP16 and card in record.system.device_name \
                    and (output.height, output.width) == (2160, 3840):  # fmt: skip
                return summarise(timed).mean_ms
        return None

    def on_open4k(self, model: str) -> str:
        """The model's PSNR on Open4K (JPEG) with its gain over bicubic, in words; empty if no record has it.

        It names who trained the weights if it was not the authors.
        """
        for record in self._of(model):
            if record.track.startswith(f"{_OPEN4K}-") and isinstance(record.fidelity, Fidelity):
                row = derive_row("", record, all_tracks().get(record.track))
                key = Convention(Colour.RGB).key
                means = next((row.by_set[use.name] for use in record.data
                              if use.id == _OPEN4K and use.verified and use.name in row.by_set), None)  # fmt: skip
                if means is not None and key in means.psnr_db:
                    gain = means.gain_db(key)
                    whose = record.model.trained_by
                    words = f"Open4K, JPEG: {means.psnr_db[key]:.2f}" + (f" ({gain:+.2f})" if gain else "")
                    return words + (f", weights: {whose}" if whose else "")
        return ""

    def _of(self, model: str) -> list[Record]:
        return [record for record in self._records if record.model.id == model and model]


def _images(record: Record) -> tuple[ImageFidelity, ...]:
    for fidelity in (record.fidelity_fp32, record.fidelity):
        if isinstance(fidelity, Fidelity) and fidelity.precision is Precision.FP32:
            return fidelity.images
    return ()
