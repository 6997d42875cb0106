"""Folders of made-up records and crops for the report's tests."""

from __future__ import annotations

import json
from pathlib import Path

from rtsr_bench.store import encode

CROPPED = "001.json"


def write_records(folder: Path, records) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, record in records.items():
        (folder / name).write_bytes(encode(record))


def write_crops(folder: Path, **changes) -> None:
    """Crops of one image; the PNGs are single pixels, the report does not decode them."""
    from PIL import Image

    folder.mkdir(parents=True)
    for part in ("hr", "sr", "bicubic"):
        Image.new("RGB", (1, 1), "white").save(folder / f"0-{part}.png")
    files = {part: f"0-{part}.png" for part in ("hr", "sr", "bicubic")}
    entry = {"image": "a<b>.png", "data_set": "Set5", "top": 3, "left": 4, "height": 192, "width": 96, "files": files}
    (folder / "index.json").write_text(json.dumps([{**entry, **changes}]))
