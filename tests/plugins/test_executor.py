"""An executor in one file from outside the package measures jobs from the plan to the page."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))  # the command line at the ready serves these tests, too

from conftest_cli import GUESTS, LITTLE, Run, one_line, rtsr_bench, tiny

from rtsr_bench.record import Failure, Fidelity
from rtsr_bench.store import load_records

__all__ = ["rtsr_bench", "tiny"]

PLUGIN = Path(__file__).with_name("process_executor.py")


def test_jobs_run_by_an_executor_from_outside(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    for guest in ("good", "raises"):
        shutil.copytree(GUESTS / guest, tmp_path / "teams" / guest)
        (tmp_path / "teams" / guest / "submission.toml").write_text(
            '[submission]\nteam = "T"\ntitle = "N"\n\n[[model]]\nscale = 2\n'
        )
    arguments = ("teams", *LITTLE, "--data-root", tiny, "--records", "kept", "--executor", "processes", "--jobs", "2")
    done = rtsr_bench("run", "--plugin", PLUGIN, *arguments, apart=True)
    assert done.returncode == 1, done.stderr
    assert "2 new records, 0 existing" in done.stderr
    found = {stored.record.submission.id: stored.record for stored in load_records(tmp_path / "kept").records}
    assert isinstance(found["good"].fidelity, Fidelity)
    assert isinstance(found["raises"].fidelity, Failure)
    assert rtsr_bench("report", "--records", "kept", "--out", "site").returncode == 0
    pages = "".join(page.read_text(encoding="utf-8") for page in (tmp_path / "site" / "boards").glob("*.html"))
    assert "good" in pages
    assert "raises" in pages
    added = [path for path in PLUGIN.parent.iterdir() if "process_executor" in path.name and path.suffix == ".py"]
    assert added == [PLUGIN], "an executor needs one file"


@pytest.mark.parametrize("before", [True, False], ids=["before the command", "after the command"])
def test_a_plug_in_is_named_on_either_side_of_the_command(rtsr_bench: Run, tmp_path: Path, before: bool) -> None:
    option = ("--plugin", PLUGIN)
    command = ("run", GUESTS / "good", "--executor", "processes", "--device", "auto", "--quick")
    words = (*option, *command) if before else (*command, *option)
    said = one_line(rtsr_bench(*words, apart=True), 2)
    assert "--executor processes: expected --device cpu or --device cuda, found 'auto'" in said


def test_an_unknown_executor_and_an_absent_plug_in_get_one_line(rtsr_bench: Run) -> None:
    said = one_line(rtsr_bench("run", GUESTS / "good", "--executor", "slrum"), 2)
    assert "executor 'slrum': expected one of local" in said
    assert "found nothing there" in one_line(rtsr_bench("run", GUESTS / "good", "--plugin", "absent.py"), 2)
