"""A folder of records to a site: a pure function of the folder's content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.paper import Observed, load_observed
from rtsr_bench.report.addresses import board_slugs, model_slug
from rtsr_bench.report.board_page import print_board
from rtsr_bench.report.crops import Crop, read_crops
from rtsr_bench.report.frames import as_long_csv, frames
from rtsr_bench.report.index_page import print_index, print_published, print_reading
from rtsr_bench.report.model_page import print_model
from rtsr_bench.report.press import Press
from rtsr_bench.report.realtime import playbacks_of, without_a_page
from rtsr_bench.report.reproduction import print_reproduction, reproduce_all
from rtsr_bench.report.writing import write_site
from rtsr_bench.store import load_records
from rtsr_bench.store.realtime import beside, load_realtime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
    boards = leaderboards(records)
    press = Press(len(records))
    played = realtime or {}
    found = [*problems, *without_a_page(records.values(), played)]
    addressed = []
    for board, slug in zip(boards, board_slugs(boards), strict=True):
        links = {row.source: f"models/{model_slug(row)}.html" for row in board.rows}
        address = print_board(press, board, slug, links)
        addressed.append((board, address))
        for group in board.groups:
            for row in (*group.rows, *group.others):
                crops: tuple[Crop, ...] = ()
                if crop_folders and row.source in crop_folders:
                    try:
                        crops = read_crops(crop_folders[row.source])
                    except ValueError as error:
                        found.append(str(error))
                playbacks = playbacks_of(row.record, played)
                print_model(
                    press, board, group, row, links=links, board_address=address, crops=crops, playbacks=playbacks
                )
    print_published(press, addressed)
    print_reproduction(press, reproduce_all(observed or Observed(), list(records.values())))
    print_reading(press, transfers=any(record.transfers for record in records.values()))
    if records:
        for name, frame in frames(records, boards=boards).items():
            press.files[f"exports/long/all-{name}.csv"] = as_long_csv(frame).encode("utf-8")
    found.sort()
    print_index(press, addressed, found)
    return press.files, tuple(found)


def _keep_apart(records_dir: Path, out_dir: Path) -> None:
    """Refuse a site inside the folder of records, because its exports are JSON too; the reverse is allowed."""
    records, out = records_dir.resolve(), out_dir.resolve()
    if out == records or records in out.parents:
        raise UserError(
            f"--out {out_dir}: expected a folder outside the records, found one inside {records_dir}; name another"
        )
