"""The page of a leaderboard: its groups with table, warnings and figures, then published results and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtsr_bench.division import Division
from rtsr_bench.leaderboard import Group, Leaderboard, all_executions, how_measured
from rtsr_bench.report.addresses import board_address, compared_name, row_anchors
from rtsr_bench.report.board_figure import scatter_of
from rtsr_bench.report.board_table import board_table, executions_table, set_table
from rtsr_bench.report.column import VIEWS
from rtsr_bench.report.compare_page import print_compare_data
from rtsr_bench.report.image_pages import print_images
from rtsr_bench.report.literature import all_published, published_table
from rtsr_bench.report.text import one_line
from rtsr_bench.report.views import table_views, view_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.report.crops import Crop
    from rtsr_bench.report.press import Press, View


def board_title(board: Leaderboard) -> str:
    """A leaderboard's name: its track's title, or the id of an unknown track."""
    return board.track.heading if board.track else f"{one_line(board.track_id)} (no such track)"


def group_heading(group: Group, board: Leaderboard) -> str:
    """The heading of a group."""
    if board.track is None:
        return "Records without a track"
    if group.division is None:
        return "Unofficial runs (not ranked)"
    if not any(one.division is Division.OPEN for one in board.groups):
        return "Ranked" if group.complete else "Incomplete data"
    name = f"{group.division.value.capitalize()} division"
    return name if group.complete else f"{name}, incomplete data"


def group_tag(group: Group, board: Leaderboard) -> dict[str, str]:
    """The tag beside the heading of a group: its class and its words."""
    if group.division is None:
        return {"class": "unofficial", "words": "unofficial"}
    own = board.track is not None and not board.track.shipped
    if group.division is Division.OPEN:
        return {"class": "open", "words": "other executions"}
    return {"class": "official", "words": "own track's protocol" if own else "official protocol"}


def print_board(
    press: Press, board: Leaderboard, slug: str, links: Mapping[str, str], crops: Mapping[str, Sequence[Crop]]
) -> str:
    """Render the page of a board, and its data for the comparison; returns its path.

    `links` and `crops` are the model pages and crops of rows by source.
    """
    address = board_address(slug)
    anchors = row_anchors(board)
    groups = [_group(press, board, group, slug, links, anchors) for group in board.groups]
    title = board_title(board)
    published = [one for one in all_published() if one.track == board.track_id]
    press.page(
        address,
        "board.html",
        title=title,
        board=board,
        images=print_images(press, board, title, slug, links, crops),
        groups=groups,
        style="\n".join(view_style(block["view"].table) for block in groups),
        views=VIEWS,
        compared=compared_name(slug),
        published=[{"data": one, "view": press.table(published_table(one))} for one in published],
        official_how=how_measured(board.track.protocol, board.device.kind) if board.track else "",
        score_convention=board.track.score.convention.words if board.track else "",
    )
    data = [(block["heading"], block["group"], block["view"].table) for block in groups]
    print_compare_data(press, board, slug, data, links, crops)
    return address


def _group(
    press: Press,
    board: Leaderboard,
    group: Group,
    slug: str,
    links: Mapping[str, str],
    anchors: Mapping[str, str],
) -> dict[str, Any]:
    table_id = f"{slug}--{group.id}"
    heading = group_heading(group, board)
    where = f"{board_title(board)} on {board.device.label}: {heading.lower()}"
    sets = set_table(board, group, f"{table_id}--sets", f"{where}, by data set")
    table = board_table(board, group, table_id, where, links, anchors)
    torch = sorted({row.record.system.torch for row in group.rows})
    return {
        "group": group,
        "heading": heading,
        "tag": group_tag(group, board),
        "data": _data_words(group),
        "torch": torch,
        "view": press.table(table),
        "views": table_views(table),
        "uncertain": any(row.rank_interval for row in group.rows),
        "sets": press.table(sets) if sets else None,
        "executions": _executions(press, board, group, f"{table_id}--executions", where, links),
        "warnings": [(row.record.model.id, warning) for row in group.rows for warning in row.warnings],
        "figure": scatter_of(board, group, anchors, f"psnr-{group.id}"),
    }


def _executions(
    press: Press, board: Leaderboard, group: Group, table_id: str, where: str, links: Mapping[str, str]
) -> View | None:
    """Every execution of the models in a group of the open division; None for other groups."""
    if group.division is not Division.OPEN:
        return None
    rows = all_executions(board, group)
    return press.table(executions_table(board, group, rows, table_id, f"{where}, all executions", links))


def _data_words(group: Group) -> str:
    uses = group.rows[0].record.data
    words = [
        f"{use.name} ({use.images} image{'' if use.images == 1 else 's'}{'' if use.verified else ', not verified'})"
        for use in uses
    ]
    return ", ".join(words) or "none"
