"""Unique file names of pages, derived from the names of boards and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.files.slug import slug
from rtsr_bench.report.text import short_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.leaderboard import Leaderboard, Row


def board_slugs(boards: Sequence[Leaderboard]) -> tuple[str, ...]:
    """A slug for each board: track and device; equal slugs get a hash of the exact names."""
    plain = [f"{slug(board.track_id, most=40)}--{slug(board.device.label)}" for board in boards]
    return tuple(
        f"{text}--{short_hash(f'{board.track_id}|{board.device}')}" if plain.count(text) > 1 else text
        for text, board in zip(plain, boards, strict=True)
    )


def model_slug(row: Row) -> str:
    """A slug for the page of a row's record: track, model and a hash of the record's unique key."""
    record = row.record
    return f"{slug(record.track, most=40)}--{slug(record.model.id)}--{short_hash(record.key)}"
