"""The leaders of all leaderboards: tracks by devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.division import Division
from rtsr_bench.report.board_page import board_title
from rtsr_bench.report.columns.execution import execution_words
from rtsr_bench.report.tables import Column, Note, Table, TableRow, Value
from rtsr_bench.report.text import number, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.leaderboard import Leaderboard, Row


def leader_of(board: Leaderboard) -> Row | None:
    """The first row with a score above 0."""
    return next((row for row in board.rows if row.score), None)


def leader_notes(leader: Row) -> tuple[Note, ...]:
    """What a reader has to know of a leader that is not in the closed division."""
    if leader.rank is None:
        return (Note(tone="warn", text=f"unofficial, input {leader.record.protocol.input}"),)
    if leader.division is Division.OPEN:
        return (Note(tone="sub", text=f"open division: {execution_words(leader)}"),)
    return ()


def matrix_table(boards: Sequence[tuple[Leaderboard, str]]) -> Table:
    """A row for each track, a column for each device; each cell has the leader and leads to the board."""
    devices = list(dict.fromkeys(board.device for board, _ in sorted(boards, key=lambda one: _device_key(one[0]))))
    columns = [
        Column(key="track", label="Track", heading=True, explanation="The track's title."),
        *(
            Column(key=f"device{place}", label=shorten(device.label, 40), explanation=f"Leaders on {device.label}.")
            for place, device in enumerate(devices)
        ),
    ]
    rows = []
    for title in dict.fromkeys(board_title(board) for board, _ in boards):
        mine = {
            f"device{devices.index(board.device)}": (board, address)
            for board, address in boards
            if board_title(board) == title
        }
        leaders = {key: leader_of(board) for key, (board, _) in mine.items()}
        values: dict[str, Value] = {key: row.record.model.id if row else "no score" for key, row in leaders.items()}
        rows.append(
            TableRow(
                values={"track": title, **values},
                notes={key: _notes(row) for key, row in leaders.items() if row},
                links={key: address for key, (_, address) in mine.items()},
            )
        )
    return Table(id="leaders", caption="Leaders by track and device", columns=tuple(columns), rows=tuple(rows))


def _device_key(board: Leaderboard) -> tuple[bool, str, int]:
    """GPUs first, then by name and number of threads."""
    return board.device.kind == "cpu", board.device.name, board.device.threads or 0


def _notes(leader: Row) -> tuple[Note, ...]:
    speed = f", {number(leader.runtime.fps, 1)} FPS" if leader.runtime else ""
    return (Note(tone="sub", text=f"score {number(leader.score, 2)}{speed}"), *leader_notes(leader))
