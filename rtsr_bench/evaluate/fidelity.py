"""Fidelity of one model: the child enhances one image while the parent reads the next and measures the one before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets import Dataset, ImagePair
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.baseline import Baselines
from rtsr_bench.evaluate.crops import Keeper
from rtsr_bench.execution import Execution
from rtsr_bench.metric import METRICS, Metric
from rtsr_bench.metrics.pairs import measure_pair
from rtsr_bench.protocol import Convention, Protocol, Size
from rtsr_bench.record import Failure, Fidelity, ImageFidelity
from rtsr_bench.sandbox import Child

_PENDING = 2
"""Images whose fidelity may still be outstanding: bounds the memory, however many images there are."""

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Item:
    index: int
    data: Dataset
    pair: ImagePair


@dataclass(frozen=True, kw_only=True, slots=True)
class _View:
    """A pair as some conventions look at it: whole, or cropped so that the LR sides are multiples of something."""

    hr: Image
    lr: Image
    conventions: tuple[Convention, ...]


def measure_fidelity(
    child: Child,
    data: Sequence[Dataset],
    protocol: Protocol,
    execution: Execution,
    *,
    baselines: Baselines,
    on_image: Callable[[int], None],
    keepers: Sequence[Keeper] = (),
) -> Fidelity | Failure:
    """Enhance every image and compare it with HR, which the child never sees.

    Each of the `keepers` is shown every SR image once. UserError where an image can't be read.
    """
    started = monotonic()
    items = [_Item(index=i, data=d, pair=p) for i, (d, p) in enumerate((d, p) for d in data for p in d.pairs)]
    metrics = [METRICS.find(name) for name in protocol.metrics]
    values: deque[Future[ImageFidelity]] = deque()
    done: list[ImageFidelity] = []
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="fidelity") as pool:
        reading = pool.submit(items[0].pair.both)
        for item in items:
            views = _views(*reading.result(), protocol)
            if item.index + 1 < len(items):
                reading = pool.submit(items[item.index + 1].pair.both)
            images = []
            for view in views:
                sr = _enhance(child, view, item, protocol, execution)
                if isinstance(sr, Failure):
                    return sr
                images.append(sr)
            values.append(pool.submit(_image_fidelity, item, images, views, metrics, baselines, keepers))
            del views
            while len(values) >= _PENDING:
                done.append(values.popleft().result())
            on_image(item.index + 1)
        done += [future.result() for future in values]
    return Fidelity(precision=execution.precision, images=tuple(done), wall_s=monotonic() - started)


def _views(hr: Image, lr: Image, protocol: Protocol) -> list[_View]:
    """Cut the pair as the conventions ask; those that ask for the same cut share a view, and one inference."""
    by_size: dict[tuple[int, int], list[Convention]] = {}
    for convention in protocol.conventions:
        multiple = convention.lr_multiple
        size = (lr.shape[0] // multiple * multiple, lr.shape[1] // multiple * multiple)
        by_size.setdefault(size, []).append(convention)
    return [
        _View(
            hr=np.ascontiguousarray(hr[: height * protocol.scale, : width * protocol.scale]),
            lr=np.ascontiguousarray(lr[:height, :width]),
            conventions=tuple(conventions),
        )
        for (height, width), conventions in by_size.items()
    ]


def _enhance(child: Child, view: _View, item: _Item, protocol: Protocol, execution: Execution) -> Image | Failure:
    size = Size(view.lr.shape[0], view.lr.shape[1])
    answer = child.enhance(
        view.lr.data, size=size, scale=protocol.scale, execution=execution, limit_s=protocol.limits.enhance_s
    )
    if isinstance(answer, Failure):
        return Failure(
            stage=answer.stage, kind=answer.kind, message=f"{item.pair.name}: {answer.message}", detail=answer.detail
        )
    return np.frombuffer(answer, dtype=np.uint8).reshape(view.hr.shape)


def _image_fidelity(
    item: _Item,
    images: Sequence[Image],
    views: Sequence[_View],
    metrics: Sequence[Metric],
    baselines: Baselines,
    keepers: Sequence[Keeper],
) -> ImageFidelity:
    found: dict[str, float] = {}
    bicubic: dict[str, float] = {}
    for view, sr in zip(views, images, strict=True):
        try:
            baseline = baselines.of(item.pair, view.hr, view.lr, metrics, view.conventions)
            found |= measure_pair(sr, view.hr, metrics, view.conventions)
        except UserError as error:
            size = item.pair.file_size()
            raise UserError(f"{item.data.title}, {item.pair.name} of {size}: {error}") from None
        bicubic |= baseline.values
        for keeper in keepers if view is views[0] else ():
            keeper.keep(item.index, item.data.title, item.pair.name, sr, baseline)
    return ImageFidelity(
        name=item.pair.name, data_set=item.data.title, size=item.pair.size, values=found, baseline=bicubic
    )
