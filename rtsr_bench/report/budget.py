"""Models for a budget: of each device and scale, the best three by PSNR that reach a frame rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtsr_bench.record import Complexity
from rtsr_bench.report.board_figure import scatter_of
from rtsr_bench.report.board_page import board_title
from rtsr_bench.report.columns.memory import memory_bytes
from rtsr_bench.report.figures import SMALL
from rtsr_bench.report.text import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.leaderboard import Band, Group, Leaderboard, Row

RATES = (24, 30, 60, 120)
"""Frame rates that a reader can ask for: the limits of the bands."""

MOST = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A model as the page shows it: its values as text, and the path of its page."""

    name: str
    team: str
    address: str
    psnr: str
    fps: str
    band: Band | None
    params: str
    memory: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The models to choose from on one device at one scale, from the leaderboard at `address`.

    `best` has the best models of each rate, `figure` is PSNR against runtime; `others` are further leaderboards of the
    same device and scale, as titles and paths.
    """

    device: str
    scale: int
    title: str
    address: str
    convention: str
    best: tuple[tuple[int, tuple[Candidate, ...]], ...]
    figure: dict[str, Any] | None
    others: tuple[tuple[str, str], ...]


def choices(boards: Sequence[tuple[Leaderboard, str]], links: Mapping[str, str]) -> tuple[Choice, ...]:
    """A choice for each device and scale with ranked models, GPUs first; the first track in their order that has some.

    `boards` come with their paths, `links` are the paths of model pages by source. Only the closed division counts.
    """
    found: dict[tuple[bool, str, int], list[tuple[Leaderboard, str, Group]]] = {}
    for board, address in boards:
        group = next((one for one in board.groups if one.official and any(row.rank for row in one.rows)), None)
        if board.track is not None and group is not None:
            key = board.device.kind == "cpu", board.device.label, board.track.scale
            found.setdefault(key, []).append((board, address, group))
    return tuple(_choice(place, found[key], links) for place, key in enumerate(sorted(found)))


def _choice(place: int, boards: Sequence[tuple[Leaderboard, str, Group]], links: Mapping[str, str]) -> Choice:
    (board, address, group), *others = boards
    assert board.track is not None
    convention = board.track.score.convention
    ranked = [
        (row.fidelity.psnr_db[convention.key], row.runtime.fps, row)
        for row in group.rows
        if row.rank is not None and row.fidelity and row.runtime and convention.key in row.fidelity.psnr_db
    ]
    ranked.sort(key=lambda one: (-one[0], -one[1], one[2].source))
    best = []
    for rate in RATES:
        fast = [_candidate(psnr, row, links) for psnr, fps, row in ranked if fps >= rate]
        best.append((rate, tuple(fast[:MOST])))
    return Choice(
        device=board.device.label,
        scale=board.track.scale,
        title=board_title(board),
        address=address,
        convention=convention.words,
        best=tuple(best),
        figure=scatter_of(board, group, {}, f"pareto-{place}", size=SMALL),
        others=tuple((board_title(one), where) for one, where, _ in others),
    )


def _candidate(psnr_db: float, row: Row, links: Mapping[str, str]) -> Candidate:
    complexity, memory = row.record.complexity, memory_bytes(row)
    return Candidate(
        name=row.record.model.id,
        team=row.record.submission.team,
        address=links[row.source],
        psnr=number(psnr_db, 3),
        fps=number(row.runtime.fps if row.runtime else None, 1),
        band=row.frame_band,
        params=number(complexity.params / 1e3 if isinstance(complexity, Complexity) else None, 1),
        memory=number(None if memory is None else memory / 2**20, 0),
    )
