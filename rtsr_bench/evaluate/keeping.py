"""Measuring a job and keeping what came of it: a record, crops beside it, and all SR images for whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.crops import CropBook
from rtsr_bench.evaluate.gallery import Gallery
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.measure import measure
from rtsr_bench.record import Record
from rtsr_bench.store import crops_workplace

Save = Callable[[Record, Path], Path]
"""Writes a record, moves its folder of crops beside it, and returns the record's path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A record, where it was written, and a line for each SR image that could not be written."""

    path: Path
    record: Record
    unwritten: tuple[str, ...] = ()


def measure_and_save(
    job: Job,
    bench: Bench,
    folder: Path,
    *,
    save: Save,
    gallery: Path | None = None,
    listener: Listener | None = None,
    more: bool = False,
) -> Kept:
    """Measure a job and write its record into a folder; Cancelled, and nothing written, if the run was cancelled.

    `more`: another job follows on this bench. Raises what `measure` raises, and HarnessError where the record can't be
    written.
    """
    images = Gallery(gallery / job.track.id / job.model.id) if gallery else None
    with crops_workplace(folder) as crops:
        book = CropBook(crops, sum(len(data.pairs) for data in job.data))
        record = measure(job, bench, book=book, gallery=images, listener=listener, more=more)
        book.finish()
        bench.lock.check()  # a child that `cancel` killed looks like a guest that crashed
        path = save(record, crops)
    return Kept(path=path, record=record, unwritten=tuple(images.lost) if images else ())
