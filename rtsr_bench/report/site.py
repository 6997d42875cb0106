"""A folder of records to a site: a pure function of the folder's content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.paper import Observed, load_observed
from rtsr_bench.report.addresses import board_address, board_slugs, model_slug
from rtsr_bench.report.board_page import board_title, print_board
from rtsr_bench.report.compare_page import print_compare
from rtsr_bench.report.crops import Crop, read_crops
from rtsr_bench.report.frames import as_long_csv, frames
from rtsr_bench.report.index_page import print_index, print_published, print_reading
from rtsr_bench.report.model_page import print_model
from rtsr_bench.report.press import Press
from rtsr_bench.report.ranks import with_rank_intervals
from rtsr_bench.report.realtime import playbacks_of, without_a_page
from rtsr_bench.report.reproduction import print_reproduction, reproduce_all
from rtsr_bench.report.writing import write_site
from rtsr_bench.store import load_records
from rtsr_bench.store.realtime import beside, load_realtime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rtsr_bench.leaderboard import Row
    from rtsr_bench.record import Record
    from rtsr_bench.record.realtime import Realtime


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A built site: its index, the pages by path within the site, and a sentence for each unusable file.

    `records` are those it was built from, by name.
    """

    index: Path
    pages: tuple[str, ...]
    problems: tuple[str, ...]
    records: Mapping[str, Record]


def build(records_dir: Path, out_dir: Path, realtime_dir: Path | None = None) -> Site:
    """Build the site of a folder of records in `out_dir`: the same bytes for the same records.

    Results of `realtime` are in `realtime_dir`, by default the folder of that name beside the records.
    Raises UserError if there is no such folder, the site would be inside it, or cannot be written.
    """
    loaded = load_records(records_dir)
    _keep_apart(records_dir, out_dir)
    names = {one.path: one.path.relative_to(records_dir).with_name(one.name).as_posix() for one in loaded.records}
    records = {names[stored.path]: stored.record for stored in loaded.records}
    folders = {names[stored.path]: stored.crops for stored in loaded.records if stored.crops is not None}
    observed, found = Observed(), list(loaded.problems)
    try:
        observed = load_observed(records_dir)
    except ValueError as error:
        found.append(str(error))
    played = load_realtime(beside(records_dir) if realtime_dir is None else realtime_dir)
    found += played.problems
    files, problems = compose(records, found, folders, observed, played.results)
    write_site(out_dir, files, keep=records_dir)
    pages = tuple(sorted(path for path in files if path.endswith(".html")))
    return Site(index=out_dir / "index.html", pages=pages, problems=problems, records=records)


def compose(
    records: Mapping[str, Record],
    problems: Sequence[str] = (),
    crop_folders: Mapping[str, Path] | None = None,
    observed: Observed | None = None,
    realtime: Mapping[str, Realtime] | None = None,
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The site's files by path, and all problems: those given and those of the crops.

    `observed` are the computed values for the paper's tables; without them their page says how to compute them.
    `realtime` are results of playing video, by file name.
    """
    boards = tuple(with_rank_intervals(board) for board in leaderboards(records))
    slugs = board_slugs(boards)
    press = Press(len(records))
    played = realtime or {}
    found = [*problems, *without_a_page(records.values(), played)]
    links = {row.source: f"models/{model_slug(row)}.html" for board in boards for row in board.rows}
    for board, slug in zip(boards, slugs, strict=True):
        crops: dict[str, tuple[Crop, ...]] = {}
        for group in board.groups:
            for row in (*group.rows, *group.others):
                crops[row.source] = _crops_of(row, crop_folders or {}, found)
                print_model(
                    press,
                    board,
                    group,
                    row,
                    links=links,
                    board_address=board_address(slug),
                    crops=crops[row.source],
                    playbacks=playbacks_of(row.record, played),
                )
        print_board(press, board, slug, links, crops)
    addressed = [(board, board_address(slug)) for board, slug in zip(boards, slugs, strict=True)]
    names = [f"{board_title(board)} on {board.device.label}" for board in boards]
    print_compare(press, list(zip(names, slugs, strict=True)))
    print_published(press, addressed)
    print_reproduction(press, reproduce_all(observed or Observed(), list(records.values())))
    print_reading(press, transfers=any(record.transfers for record in records.values()))
    if records:
        for name, frame in frames(records, boards=boards).items():
            press.files[f"exports/long/all-{name}.csv"] = as_long_csv(frame).encode("utf-8")
    found.sort()
    print_index(press, addressed, found, links)
    return press.files, tuple(found)


def _crops_of(row: Row, folders: Mapping[str, Path], found: list[str]) -> tuple[Crop, ...]:
    """The crops of a row's record; none, and a problem in `found`, if they cannot be used."""
    if row.source not in folders:
        return ()
    try:
        return read_crops(folders[row.source])
    except ValueError as error:
        found.append(str(error))
        return ()


def _keep_apart(records_dir: Path, out_dir: Path) -> None:
    """Refuse a site inside the folder of records, because its exports are JSON too; the reverse is allowed."""
    records, out = records_dir.resolve(), out_dir.resolve()
    if out == records or records in out.parents:
        raise UserError(
            f"--out {out_dir}: expected a folder outside the records, found one inside {records_dir}; name another"
        )
