"""Many submissions in one run: campaigns, ends that were asked for, several at work at once, and kills."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest_cli import GUESTS, LITTLE, Run, one_line

from rtsr_bench.record import Failure, Fidelity, Record
from rtsr_bench.store import load_records

MANIFEST = """
[submission]
id = "{name}"
team = "{name}"
title = "{name}"

[[model]]
scale = 2
entry = "{entry}"
"""
BAD = {"raises": "exception", "exits": "no_result", "wrong_scale": "bad_output"}


def teams(folder: Path, good: int, bad: bool = True) -> Path:
    """Copies of the good guest, and one of each bad one among them, with a scale declared."""
    names = [(f"good{number}", "good") for number in range(good)] + ([(one, one) for one in BAD] if bad else [])
    for name, guest in names:
        shutil.copytree(GUESTS / guest, folder / name)
        source = next((folder / name).glob("*.py")).stem
        manifest = MANIFEST.format(name=name, entry=f"{source}:srmodel")
        (folder / name / "submission.toml").write_text(manifest)
    return folder


def by_name(folder: Path) -> dict[str, Record]:
    loaded = load_records(folder)
    assert loaded.problems == ()
    return {stored.record.submission.id: stored.record for stored in loaded.records}


@pytest.mark.parametrize("jobs", [1, 3])
def test_good_and_bad_ones_in_one_run_with_kills_in_between(
    rtsr_bench: Run, tiny: Path, tmp_path: Path, jobs: int
) -> None:
    folder, kept = teams(tmp_path / "teams", 2), tmp_path / "kept"
    arguments = ["run", folder, *LITTLE, "--data-root", tiny, "--records", kept, "--jobs", jobs]
    command = [sys.executable, "-m", "rtsr_bench", *map(str, arguments)]
    for sign, records in ((signal.SIGINT, 1), (signal.SIGKILL, 3)):
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as running:
            deadline = time.monotonic() + 120
            while len(list(kept.glob("*.json"))) < records and running.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            running.send_signal(sign)
            _, said = running.communicate(timeout=60)
        assert b"Traceback" not in said, said.decode()
    done = rtsr_bench(*arguments)
    assert done.returncode == 1, done.stderr
    found = by_name(kept)
    assert len(list(kept.glob("*.json"))) == len(found) == 2 + len(BAD), "each has one record, and none was made twice"
    for name, record in found.items():
        if name in BAD:
            assert isinstance(record.fidelity, Failure), name
            assert record.fidelity.kind.value == BAD[name]
        else:
            assert isinstance(record.fidelity, Fidelity), (name, record.fidelity)
    assert f"{len(BAD)} of {len(found)} failed" in done.stderr
    assert not [path for path in kept.iterdir() if path.suffix != ".json" and path.name.startswith(".")]


def test_a_run_that_may_take_no_time_begins_nothing_and_says_so(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    arguments = ["run", teams(tmp_path / "teams", 2, bad=False), *LITTLE, "--data-root", tiny]
    done = rtsr_bench(*arguments, "--max-hours", "0")
    assert done.returncode == 4, done.stderr
    assert "2 not begun (--max-hours 0): the same command goes on with them" in done.stderr
    assert rtsr_bench(*arguments).returncode == 0


def test_the_first_failure_ends_a_run_that_is_to_fail_fast(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    bad, good = teams(tmp_path / "bad", 0) / "raises", teams(tmp_path / "good", 1, bad=False)
    done = rtsr_bench("run", bad, good, *LITTLE, "--data-root", tiny, "--fail-fast")
    assert done.returncode == 1, done.stderr
    assert "1 not begun (--fail-fast)" in done.stderr
    assert list(by_name(tmp_path / "reports" / "records")) == ["raises"]


def campaign(folder: Path, tiny: Path, more: str = "") -> Path:
    path = folder / "challenge.toml"
    path.write_text(
        "[campaign]\nversion = 1\ntitle = 'Cup'\nsubmissions = ['teams/*']\ntracks = ['classic-x2']\n"
        f"devices = ['cpu']\ndata_roots = ['{tiny}']\nrecords = 'kept'\n{more}"
    )
    return path


def test_a_campaign_file_is_a_whole_run(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "cup").mkdir()
    teams(tmp_path / "cup" / "teams", 1, bad=False)
    file = campaign(tmp_path / "cup", tiny, "max_hours = 0\n[limits]\nload = 55\n")
    done = rtsr_bench("run", "--campaign", file)
    assert done.returncode == 4, done.stderr
    assert "Cup (campaign " in done.stderr
    assert "1 not begun" in done.stderr
    assert (tmp_path / "cup" / "kept").is_dir()


def test_limits_stand_in_the_record_as_an_override(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    done = rtsr_bench("run", GUESTS / "good", *LITTLE, "--data-root", tiny, "--limit", "load=55")
    assert done.returncode == 0, done.stderr
    (record,) = by_name(tmp_path / "reports" / "records").values()
    assert record.protocol.limits.load_s == 55
    assert "--limit load=55" in record.overrides
    assert "--limit load=55" in record.command


def test_two_places_that_decide_are_one_too_many(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    teams(tmp_path / "teams", 1, bad=False)
    file = campaign(tmp_path, tiny)
    said = one_line(rtsr_bench("run", "--campaign", file, "--track", "classic-x3"), 2)
    assert "--campaign decides this: leave" in said
    assert "name a submission's folder or archive" in one_line(rtsr_bench("run"), 2)
    assert "--limit loading" in one_line(rtsr_bench("run", GUESTS / "good", "--limit", "loading=3"), 2)
    assert "NAME=SECONDS" in one_line(rtsr_bench("run", GUESTS / "good", "--limit", "load"), 2)
