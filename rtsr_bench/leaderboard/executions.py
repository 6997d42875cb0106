"""The executions of a model: the best one, which is its row in the open division, and all of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rtsr_bench.leaderboard.rows import Row, best_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rtsr_bench.leaderboard.boards import Group, Leaderboard


def best_executions(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Split rows into that of each model's best execution and the others, which name the best one's source.

    A row is a `twin` if its model was measured from different files.
    """
    best: list[Row] = []
    others: list[Row] = []
    for first, *rest in _by_model(rows):
        best.append(first)
        others += [replace(row, best_source=first.source) for row in rest]
    return best, others


def all_executions(board: Leaderboard, group: Group) -> tuple[Row, ...]:
    """Every execution of the models in a group of the open division, the closed one included.

    Models are in the order of the group, the best execution of each first.
    """
    models = {same_model(row) for row in group.rows}
    closed = [row for one in board.groups if one.official and one.data_digest == group.data_digest for row in one.rows]
    rows = (*group.rows, *group.others, *(row for row in closed if same_model(row) in models))
    return tuple(row for mine in _by_model(rows) for row in mine)


def same_model(row: Row) -> tuple[str, str]:
    """What rows of the same model have in common: the ids of submission and model."""
    return row.record.submission.id, row.record.model.id


def _by_model(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each model, the best first, models in the order of their first rows."""
    models: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        models.setdefault(same_model(row), []).append(row)
    return [_sorted(mine) for mine in models.values()]


def _sorted(rows: Sequence[Row]) -> list[Row]:
    twin = len({_files(row) for row in rows}) > 1
    return [replace(row, twin=row.twin or twin) for row in sorted(rows, key=_best_of_model)]


def _best_of_model(row: Row) -> tuple[int, float, float, float, str]:
    """The order of a board; of equally good rows, such as those of an untrained model, the faster one first."""
    tier, score, gain, *_ = best_first(row)
    return tier, score, gain, row.runtime.mean_ms if row.runtime else math.inf, row.source


def _files(row: Row) -> tuple[str, str]:
    return row.record.submission.digest, row.record.model.checkpoint_sha256
