"""`rtsr-bench report` on the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from demo_records import record
from report_records import write_records

from rtsr_bench.cli.report import report_command
from rtsr_bench.errors import UserError


def run(*arguments):
    return CliRunner().invoke(report_command, [str(one) for one in arguments], standalone_mode=False)


def test_report_prints_its_path(tmp_path):
    write_records(tmp_path / "records", {"a.json": record()})
    (tmp_path / "records" / "bad.json").write_text("{")
    result = run("--records", tmp_path / "records", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert str(tmp_path / "out" / "index.html") in result.output
    assert "1 problem" in result.output
    assert "bad.json is damaged" in result.output


def test_missing_records_are_the_users_mistake(tmp_path):
    result = run("--records", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert isinstance(result.exception, UserError)
    with pytest.raises(UserError):
        raise result.exception
    assert not (tmp_path / "out").exists()
