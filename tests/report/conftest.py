"""A site of made-up records, built once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of both rooms

from demo_records import demo
from report_records import CROPPED, write_crops, write_records

from rtsr_bench.report.site import build


@pytest.fixture(scope="session")
def records_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "records"
    write_records(folder, demo())
    write_crops(folder / CROPPED.replace(".json", ".crops"))
    (folder / "newer.json").write_text('{"schema": 999}')
    (folder / "broken.json").write_text('{"schema": 1, "tra')
    return folder


@pytest.fixture(scope="session")
def site(records_folder):
    """Path of the site's top and what `build` said; the records lie within the site's folder."""
    out = records_folder.parent
    return out, build(records_folder, out)
