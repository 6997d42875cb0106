"""Checks before a run: the latest record of a key, dates in the future, and a folder for SR images."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from click.testing import CliRunner
from demo_records import record

from rtsr_bench.cli.known import dated_ahead, existing_records, prepare_gallery
from rtsr_bench.cli.report import report_command
from rtsr_bench.errors import UserError
from rtsr_bench.store import save

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("started", "ahead"),
    [
        ("2026-11-29T11:59:59+00:00", False),
        ("2026-11-29T12:09:00+00:00", False),
        ("2026-11-29T13:30:00+02:00", False),
        ("2026-11-29T12:11:00+00:00", True),
        ("2026-11-29T12:30:00Z", True),
        ("2099-01-01T00:00:00+00:00", True),
        ("2026-11-29T12:30:00", True),
    ],
)
def test_a_record_dated_in_the_future_is_named(started: str, ahead: bool) -> None:
    said = dated_ahead("a.json", replace(record(), started=started), NOW)
    assert bool(said) == ahead
    if ahead:
        assert said.startswith(
            f"a.json is dated in the future ({started}): until then it counts as the latest record of team_x/s-x2"
        )
        assert "check the clock of its machine" in said


def test_the_record_that_answers_is_the_one_the_leaderboard_shows(tmp_path: Path) -> None:
    for started in ("2026-11-02T10:00:00+00:00", "2026-11-03T01:00:00+09:00", "2026-11-02T15:00:00Z"):
        save(replace(record(), started=started), tmp_path)
    ((_, answer),) = existing_records(tmp_path).values()
    assert answer.started == "2026-11-03T01:00:00+09:00"  # 16:00 UTC


def test_report_names_what_is_dated_in_the_future_and_the_pages_do_not_change(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    save(replace(record(gain_db=0.9), started="2999-01-01T00:00:00+00:00"), tmp_path / "records")
    save(record(gain_db=0.2), tmp_path / "records")
    options = ["--records", str(tmp_path / "records"), "--out", str(tmp_path / "site")]
    done = CliRunner().invoke(report_command, options, catch_exceptions=False)
    assert done.exit_code == 0
    assert (
        "is dated in the future (2999-01-01T00:00:00+00:00): until then it counts as the latest record of team_x/s-x2"
        in done.stderr
    )
    assert "1 problem" in done.stdout
    assert "dated in the future" not in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_unwritable_image_folder_is_reported_before_measuring(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=r"--save-images .*file/below: expected a folder that can be written, found a file"
    ):
        prepare_gallery(tmp_path / "file" / "below")
    prepare_gallery(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()
    prepare_gallery(None)
