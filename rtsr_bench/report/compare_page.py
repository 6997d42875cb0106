"""The page that compares models of a leaderboard; a script for each board has its data, so that it opens from disk."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from rtsr_bench.metric import METRICS
from rtsr_bench.report.addresses import board_address, compared_name, crop_address
from rtsr_bench.report.board_table import scope_of
from rtsr_bench.report.gains import Image, psnr_and_gain
from rtsr_bench.report.text import one_line, shorten
from rtsr_bench.score import PSNR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.leaderboard import Group, Leaderboard, Row
    from rtsr_bench.protocol import Convention
    from rtsr_bench.report.crops import Crop
    from rtsr_bench.report.press import Press
    from rtsr_bench.report.tables import Table, TableRow, Value

PAGE = "compare.html"
CALL = "rtsrCompare"
"""The function of the page that a board's script calls with its data."""

_DIGITS = 4
"""Decimals of an image's PSNR in dB: a hundredth of what pages show."""


def print_compare(press: Press, boards: Sequence[tuple[str, str]]) -> None:
    """Render the page, also for a site without boards; `boards` are titles and slugs."""
    known = [(title, compared_name(slug), board_address(slug)) for title, slug in boards]
    press.page(PAGE, "compare.html", here="compare", boards=known)


def print_compare_data(
    press: Press,
    board: Leaderboard,
    slug: str,
    groups: Sequence[tuple[str, Group, Table]],
    links: Mapping[str, str],
    crops: Mapping[str, Sequence[Crop]],
) -> None:
    """Write the script with a board's models; `groups` come with heading and table, `links` and `crops` by source."""
    data = {
        "device": shorten(board.device.label, 120),
        "address": board_address(slug),
        "groups": [_group(board, group, heading, table, links, crops) for heading, group, table in groups],
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # ASCII: a script may not hold every character
    press.files[f"data/compare/{slug}.js"] = f"{CALL}({text});\n".encode("ascii")


def _group(
    board: Leaderboard,
    group: Group,
    heading: str,
    table: Table,
    links: Mapping[str, str],
    crops: Mapping[str, Sequence[Crop]],
) -> dict[str, Any]:
    convention = scope_of(board, group).scored
    images = list(dict.fromkeys((image.data_set, image.name) for row in group.rows for image in row.judged))
    columns = [column for column in table.visible if not column.heading]
    return {
        "title": heading,
        "metric": {"label": f"PSNR of {convention.words}", "unit": "dB", "digits": METRICS.find(PSNR).digits},
        "columns": [
            {"label": column.label, "unit": column.unit, "group": column.group, "better": column.better}
            for column in columns
        ],
        "images": [[shorten(part, 80) for part in image] for image in images],
        "models": [
            {
                "key": shown.anchor,
                "name": shorten(row.record.model.id, 90),
                "team": shorten(row.record.submission.team, 80),
                "address": links[row.source],
                "runtime": row.runtime.mean_ms if row.runtime else None,
                "values": [_number(shown.values.get(column.key)) for column in columns],
                "texts": [
                    one_line(_text(shown, column.key, column.text(shown.values.get(column.key)))) for column in columns
                ],
                "psnr": _psnr(row, convention, images),
                "crops": _crops(links[row.source], crops.get(row.source, ())),
            }
            for row, shown in zip(group.rows, table.rows, strict=True)
        ],
    }


def _text(row: TableRow, key: str, text: str) -> str:
    """A cell's text; a rank with its interval."""
    return " ".join((text, *(note.text for note in row.notes.get(key, ())))) if key == "rank" else text


def _number(value: Value) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if usable and isinstance(value, int | float) else None


def _psnr(row: Row, convention: Convention, images: Sequence[Image]) -> list[float | None]:
    """PSNR of each image in dB; None where the mean leaves it out or the row does not have it."""
    found = psnr_and_gain(row, convention.key)
    return [round(found[image][0], _DIGITS) if image in found else None for image in images]


def _crops(address: str, crops: Sequence[Crop]) -> list[dict[str, Any]]:
    """The crops of a model's page: which window of which image, and the paths of its parts."""
    slug = address.rpartition("/")[2].removesuffix(".html")
    return [
        {
            "image": shorten(crop.image, 80),
            "window": [crop.top, crop.left, crop.height, crop.width],
            "files": {part: crop_address(slug, place, part) for part in crop.files},
        }
        for place, crop in enumerate(crops)
    ]
