"""Images of a leaderboard: a map of gains by image and model, and a page for each image that has crops."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtsr_bench.report.addresses import board_address, crop_address
from rtsr_bench.report.board_table import scope_of
from rtsr_bench.report.gains import Image, psnr_and_gain
from rtsr_bench.report.text import number, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.leaderboard import Leaderboard, Row
    from rtsr_bench.report.crops import Crop
    from rtsr_bench.report.press import Press

MOST_MODELS = 60
"""Models of a map, the first of the leaderboard."""

LEVELS = 5
"""Shades of a map, of gains and of losses alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    """A row, and the PSNR and the gain of its images in dB under the convention of the score."""

    row: Row
    address: str
    values: dict[Image, tuple[float, float]]


def print_images(
    press: Press,
    board: Leaderboard,
    title: str,
    slug: str,
    links: Mapping[str, str],
    crops: Mapping[str, Sequence[Crop]],
) -> str:
    """Render the map of a board's first group and the pages of its images; returns the map's path.

    The path is empty if fewer than two of its models have values. `links` and `crops` are by source.
    """
    group = board.groups[0]
    convention = scope_of(board, group).scored
    rows = [
        _Shown(row=row, address=links[row.source], values=psnr_and_gain(row, convention.key))
        for row in group.rows
        if not row.failed
    ]
    rows = [one for one in rows if one.values][:MOST_MODELS]
    if len(rows) < 2:
        return ""
    address = f"images/{slug}.html"
    about = {"title": title, "device": board.device.label, "board_address": board_address(slug),
             "convention": convention.words}  # fmt: skip
    windows = _windows(rows, crops)
    pages = {image: f"images/{slug}--{place}.html" for place, image in enumerate(windows)}
    for image, found in windows.items():
        press.page(
            pages[image], "image.html", **about, image=image, map_address=address, crop=found[0][1],
            addresses=_addresses(*found[0]), shown=[_picture(one, image, crop, place) for one, crop, place in found],
        )  # fmt: skip
    images = list(dict.fromkeys(image for one in rows for image in one.values))
    most = max((abs(gain) for one in rows for _, gain in one.values.values()), default=0.0)
    press.page(
        address, "images.html", **about, models=rows, total=len(group.rows), lines=[
            {"name": shorten(image[1], 60), "data_set": shorten(image[0], 40), "address": pages.get(image, ""),
             "cells": [_cell(one.values.get(image), most) for one in rows]}
            for image in images
        ],
    )  # fmt: skip
    return address


Found = list[tuple[_Shown, "Crop", int]]
"""Models with their crop of one window, and its place among the crops of the model."""


def _windows(rows: Sequence[_Shown], crops: Mapping[str, Sequence[Crop]]) -> dict[Image, Found]:
    """By image, the models that have values and the same window of it as the first one with any."""
    found: dict[Image, Found] = {}
    for one in rows:
        for place, crop in enumerate(crops.get(one.row.source, ())):
            image = crop.data_set, crop.image
            if image not in one.values:
                continue
            same = found.setdefault(image, [])
            if not same or _window(same[0][1]) == _window(crop):
                same.append((one, crop, place))
    return found


def _window(crop: Crop) -> tuple[int, int, int, int]:
    return crop.top, crop.left, crop.height, crop.width


def _addresses(one: _Shown, crop: Crop, place: int) -> dict[str, str]:
    slug = one.address.rpartition("/")[2].removesuffix(".html")
    return {part: crop_address(slug, place, part) for part in crop.files}


def _picture(one: _Shown, image: Image, crop: Crop, place: int) -> dict[str, Any]:
    psnr, gain = one.values.get(image, (None, None))
    fps = one.row.runtime.fps if one.row.runtime else None
    return {
        "name": one.row.record.model.id,
        "address": one.address,
        "sr": _addresses(one, crop, place)["sr"],
        "band": one.row.frame_band,
        "gain": gain,
        "fps": fps,
        "words": f"PSNR {number(psnr, 2)} dB, gain {number(gain, 2, signed=True)} dB",
        "speed": f"{number(fps, 1)} FPS",
    }


def _cell(values: tuple[float, float] | None, most: float) -> dict[str, Any]:
    """A cell of the map: its text, sort key and shade; `gain` and `loss` shades from 0 to `LEVELS`."""
    if values is None:
        return {"text": number(None, 0), "value": "", "shade": ""}
    gain = values[1]
    level = math.ceil(LEVELS * abs(gain) / most) if most else 0
    return {
        "text": number(gain, 2, signed=True),
        "value": repr(gain),
        "shade": f"{'gain' if gain >= 0 else 'loss'}{level}",
    }
