"""Records as Markdown: a comment under a pull request, where every name is a stranger's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.report.board_page import board_title, group_heading
from rtsr_bench.report.board_table import board_table
from rtsr_bench.report.exports import as_markdown, markdown_text
from rtsr_bench.report.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtsr_bench.record import Record

MOST_CHARACTERS = 60_000
"""GitHub takes 65,536 in a comment."""


def boards_as_markdown(records: Mapping[str, Record]) -> str:
    """Every leaderboard of these records as headings and tables; tables that do not fit are left out with a line."""
    parts: list[str] = []
    length = left_out = 0
    for board in leaderboards(records):
        for group in board.groups:
            where = f"{board_title(board)} on {shorten(board.device.label, 120)}: {group_heading(group, board)}"
            links = {row.source: "" for row in (*group.rows, *group.others)}
            table = as_markdown(board_table(board, group, group.id, where, links, anchors=links))
            reasons = "".join(
                f"- {markdown_text(shorten(f'{row.record.model.id}: {reason.brief or reason.text}', 400))}\n"
                for row in group.rows
                for reason in row.reasons
            )
            part = f"#### {markdown_text(where)}\n\n{table}\n{reasons}"
            if length + len(part) > MOST_CHARACTERS:
                left_out += 1
                continue
            parts.append(part)
            length += len(part)
    if left_out:
        parts.append(f"{left_out} more tables do not fit here.\n")
    text = "\n".join(parts) or "No records.\n"
    return text.replace("@", "@&#8203;")  # nobody is called by name
