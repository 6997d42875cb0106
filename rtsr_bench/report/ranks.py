"""How certain the ranks of a group are: a paired bootstrap over the images of the score.

In each resample all models are scored on the same images, drawn with replacement; runtimes stay as measured. So the
ranks vary with the choice of images alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rtsr_bench.report.gains import psnr_and_gain
from rtsr_bench.score import NTIRE23
from rtsr_bench.statistics import CONFIDENCE, RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rtsr_bench.leaderboard import Group, Leaderboard, Row

LEAST_IMAGES = 6
"""Of fewer images, as in the comparison of two models, resamples say little about other images of the kind."""

_TAIL = (1 - CONFIDENCE) / 2
_DIGITS = 9
"""Decimals of log2(score) that are compared: equal models must stay equal in spite of the order of additions."""


def with_rank_intervals(board: Leaderboard) -> Leaderboard:
    """Return the board with `rank_interval` and `apart` of its ranked rows.

    Groups without at least two ranked models, with fewer than `LEAST_IMAGES` common images, or with a score that does
    not depend on the images are unchanged. The same records give the same intervals.
    """
    if board.track is None or board.track.score.formula != NTIRE23:
        return board
    return replace(board, groups=tuple(_with_intervals(group) for group in board.groups))


def _with_intervals(group: Group) -> Group:
    ranked = [row for row in group.rows if row.rank is not None and row.runtime is not None]
    gains = _gains(ranked)
    if len(ranked) < 2 or gains is None:
        return group
    runtimes = [row.runtime.mean_ms for row in ranked if row.runtime is not None]
    levels = resampled_levels(gains, runtimes, seed=int(group.data_digest, 16))
    certain = {}
    for row, (low, high), apart in zip(ranked, rank_intervals(levels), separated(levels), strict=True):
        rank = row.rank or 0
        certain[row.source] = replace(row, rank_interval=(min(low, rank), max(high, rank)), apart=apart)
    return replace(group, rows=tuple(certain.get(row.source, row) for row in group.rows))


def _gains(rows: Sequence[Row]) -> list[list[float]] | None:
    """The gain in dB of each row on each image, in one order; None if the rows do not share enough finite gains."""
    tables = [psnr_and_gain(row, row.scored_under) for row in rows]
    names = list(tables[0]) if tables else []
    if len(names) < LEAST_IMAGES or any(table.keys() != tables[0].keys() for table in tables):
        return None
    return [[table[name][1] for name in names] for table in tables]


def resampled_levels(
    gains_db: Sequence[Sequence[float]], runtimes_ms: Sequence[float], *, seed: int
) -> NDArray[np.float64]:
    """Return log2 of the score of each model (column) in each resample (row), less a constant.

    `gains_db` has a sequence for each model, over the same images; -inf where the mean gain is not positive.
    """
    import numpy as np

    gains = np.asarray(gains_db, dtype=np.float64)
    means = _shares(gains.shape[1], seed) @ gains.T
    costs = 0.5 * np.log2(np.asarray(runtimes_ms, dtype=np.float64))
    levels: NDArray[np.float64] = np.where(means > 0, means - costs, -np.inf)
    return np.round(levels, _DIGITS)


@lru_cache(maxsize=16)
def _shares(images: int, seed: int) -> NDArray[np.float64]:
    """The share of each image (column) in each resample (row)."""
    import numpy as np

    drawn = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=RESAMPLES)
    return drawn.astype(np.float64) / images


def rank_intervals(levels: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the lowest and highest rank of each model within the central 95 % of the resamples; ties share a rank."""
    import numpy as np
    from scipy.stats import rankdata

    ranks = rankdata(-levels, method="min", axis=1)
    low, high = np.quantile(ranks, (_TAIL, 1 - _TAIL), axis=0, method="inverted_cdf")
    return [(round(one), round(other)) for one, other in zip(low.tolist(), high.tolist(), strict=True)]


def separated(levels: NDArray[np.float64]) -> list[bool]:
    """Return for each model, in the order of ranks, whether all before it can be told apart from it and those after it.

    That is, in at least 97.5 % of the resamples every model before scores higher than every one from here on.
    """
    import numpy as np

    before = np.minimum.accumulate(levels, axis=1)[:, :-1]
    after = np.maximum.accumulate(levels[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return [False, *((before > after).mean(axis=0) >= 1 - _TAIL).tolist()]
