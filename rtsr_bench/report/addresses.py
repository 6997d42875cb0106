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


def row_anchors(board: Leaderboard) -> dict[str, str]:
    """The name of each row of a board on its page and in the comparison, by the row's source.

    It is the model's, so that a link to it survives a new submission; a further row of the same name has a hash of the
    record's unique key as well.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for row in board.rows:
        plain = slug(row.record.model.id)
        found[row.source] = f"{plain}--{short_hash(row.record.key)}" if plain in taken else plain
        taken.add(plain)
    return found


def crop_address(model: str, place: int, part: str) -> str:
    """The path of a part (`hr`, `sr`, `bicubic`) of the crop at a place, from 0, of the page with slug `model`."""
    return f"crops/{model}/{place}-{part}.png"


def board_address(board: str) -> str:
    """The path of the page of the board with this slug."""
    return f"boards/{board}.html"


def compared_name(board: str) -> str:
    """The name of a board, by its slug, in links to the page that compares models: `track;device`."""
    return ";".join(board.split("--", 1))
