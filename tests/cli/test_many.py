"""Many submissions in one run: campaigns, ends that were asked for, several at work at once, and kills."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest_cli import GUESTS, LITTLE, Once, Run, one_line

from rtsr_bench.cli.running import run_submissions
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.evaluate.settings import Output, Pace, Selection, Settings
from rtsr_bench.files.fetch import Recipe
from rtsr_bench.protocol import Size
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


def test_good_and_bad_ones_in_one_run_with_kills_in_between(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    folder, kept = teams(tmp_path / "teams", 1), tmp_path / "kept"
    arguments = ["run", folder, *LITTLE, "--data-root", tiny, "--records", kept, "--jobs", "2"]
    command = [sys.executable, "-m", "rtsr_bench", *map(str, arguments)]
    for sign, records in ((signal.SIGINT, 1), (signal.SIGKILL, 2)):
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
    assert len(list(kept.glob("*.json"))) == len(found) == 1 + len(BAD), "each has one record, and none was made twice"
    for name, record in found.items():
        if name in BAD:
            assert isinstance(record.fidelity, Failure), name
            assert record.fidelity.kind.value == BAD[name]
        else:
            assert isinstance(record.fidelity, Fidelity), (name, record.fidelity)
    assert f"{len(BAD)} of {len(found)} failed" in done.stderr
    assert not [path for path in kept.iterdir() if path.suffix != ".json" and path.name.startswith(".")]


def test_a_run_that_may_take_no_time_begins_nothing_and_says_so(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    arguments = ["run", teams(tmp_path / "teams", 1, bad=False), *LITTLE, "--data-root", tiny]
    done = rtsr_bench(*arguments, "--max-hours", "0")
    assert done.returncode == 4, done.stderr
    assert "1 not started (--max-hours 0): run the same command to resume" in done.stderr
    assert rtsr_bench(*arguments).returncode == 0


def test_the_first_failure_ends_a_run_that_is_to_fail_fast(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    bad, good = teams(tmp_path / "bad", 0) / "raises", teams(tmp_path / "good", 1, bad=False)
    done = rtsr_bench("run", bad, good, *LITTLE, "--data-root", tiny, "--fail-fast")
    assert done.returncode == 1, done.stderr
    assert "1 not started (--fail-fast)" in done.stderr
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
    assert "1 not started" in done.stderr
    assert (tmp_path / "cup" / "kept").is_dir()


def test_limits_stand_in_the_record_as_an_override(once: Once) -> None:
    (record,) = by_name(once.records).values()
    assert record.protocol.limits.load_s == 55
    assert "--limit load=55" in record.overrides
    assert "--limit load=55" in record.command


def test_options_that_a_campaign_decides_are_refused(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    teams(tmp_path / "teams", 1, bad=False)
    file = campaign(tmp_path, tiny)
    said = one_line(rtsr_bench("run", "--campaign", file, "--track", "classic-x3"), 2)
    assert "--campaign: set tracks in the campaign file" in said
    said = one_line(rtsr_bench("run", "--campaign", file, "--quick"), 2)
    assert "--campaign: --quick has no key in a campaign file" in said
    assert "name a submission's folder or archive" in one_line(rtsr_bench("run"), 2)
    assert "--limit loading" in one_line(rtsr_bench("run", GUESTS / "good", "--limit", "loading=3"), 2)
    assert "NAME=SECONDS" in one_line(rtsr_bench("run", GUESTS / "good", "--limit", "load"), 2)


@pytest.mark.parametrize("hours", ["nan", "inf", "-1", "1e9", "soon"])
def test_hours_that_are_no_time_are_refused(rtsr_bench: Run, tiny: Path, tmp_path: Path, hours: str) -> None:
    said = one_line(rtsr_bench("run", GUESTS / "good", f"--max-hours={hours}"), 2)
    assert "expected hours from 0 to 10,000, found" in said
    if hours not in {"-1", "soon"}:
        teams(tmp_path / "teams", 1, bad=False)
        said = one_line(rtsr_bench("run", "--campaign", campaign(tmp_path, tiny, f"max_hours = {hours}")), 2)
        assert "max_hours: expected a number from 0 to 10000" in said


@pytest.mark.parametrize("seconds", ["nan", "inf", "0"])
def test_limits_that_are_no_time_are_refused(rtsr_bench: Run, tiny: Path, tmp_path: Path, seconds: str) -> None:
    said = one_line(rtsr_bench("run", GUESTS / "good", "--limit", f"load={seconds}"), 2)
    assert "--limit load: expected seconds between 0 and" in said
    teams(tmp_path / "teams", 1, bad=False)
    said = one_line(rtsr_bench("run", "--campaign", campaign(tmp_path, tiny, f"[limits]\nload = {seconds}")), 2)
    assert "load: expected a number from 0.001 to" in said


def test_path_without_a_submission_does_not_affect_others(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    folder = teams(tmp_path / "teams", 1, bad=False)
    (folder / "empty").mkdir()
    (folder / "notes").mkdir()
    (folder / "notes" / "todo.txt").write_text("")
    (folder / "README").write_text("")
    arguments = (*LITTLE, "--data-root", tiny, "--jobs-out", "jobs")  # who has a job is measured
    done = rtsr_bench("run", *sorted(folder.iterdir()), "mistyped", *arguments)
    assert done.returncode == 2, done.stderr
    assert [path.name.split("__")[1] for path in (tmp_path / "jobs").iterdir()] == ["good0"]
    refused = [line for line in done.stderr.splitlines() if line.startswith("refused: ")]
    assert [line.partition(": expected ")[0].rpartition("/")[2] for line in refused] == [
        "README", "empty", "notes", "refused: mistyped",
    ]  # fmt: skip
    whole = rtsr_bench("run", folder, *arguments)
    assert whole.returncode == 0, "in a folder of submissions they are nothing that was asked for"
    assert "left out (not submissions): README, empty, notes (-v says why)" in whole.stderr


def test_incomparable_requirements_do_not_affect_others(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    folder = teams(tmp_path / "teams", 2, bad=False)
    (folder / "good0" / "requirements.txt").write_text('foo; os_name ~= "x"\n')
    done = rtsr_bench("run", folder, *LITTLE, "--data-root", tiny, "--jobs-out", "jobs")
    assert done.returncode == 0, done.stderr
    assert 'good0 requires foo; os_name ~= "x" (not compared)' in done.stderr
    assert sorted(path.name.split("__")[1] for path in (tmp_path / "jobs").iterdir()) == ["good0", "good1"]
    checked = rtsr_bench("check", folder / "good0", "--device", "cpu")
    assert checked.returncode == 0, checked.stderr
    assert "(not compared)" in checked.stderr


def test_check_goes_on_after_one_that_cannot_be_accepted(rtsr_bench: Run, tmp_path: Path) -> None:
    folder = teams(tmp_path / "teams", 2, bad=False)
    (folder / "good0" / "submission.toml").write_text("no toml")
    done = rtsr_bench("check", folder, "--device", "cpu")
    assert "good1/x2" in done.stdout
    assert "meets the contract" in done.stdout
    assert "submission.toml: expected TOML" in one_line(done, 2)


def settings(folder: Path, tiny: Path, kept: Path, **pace: int) -> Settings:
    return Settings(
        selection=Selection(paths=(folder,), tracks=("classic-x2",), roots=(tiny,)),
        output=Output(records=kept),
        pace=Pace(**pace),
        places=(Place(device="cpu", threads=1),),
        overrides=Overrides(input=Size(24, 40), warmup=1, repeats=3),
    )


def test_trouble_with_what_one_requires_is_no_others(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = teams(tmp_path / "teams", 2, bad=False)
    (folder / "good0" / "requirements.txt").write_text("anything\n")

    def trip(requirements: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{1 // 0}" for _ in requirements)

    monkeypatch.setattr("rtsr_bench.submissions.unmet", trip)
    assert run_submissions(settings(folder, tiny, tmp_path / "kept")) == 3
    assert list(by_name(tmp_path / "kept")) == ["good1"]
    assert "not measured: good0: its requirements could not be read: ZeroDivisionError" in capsys.readouterr().err


class Server:
    """Stands for the network: serves what it is told to, and notes what lay in the folder of records when asked."""

    def __init__(self, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept, self.folder = kept, tmp_path / "served"
        self.folder.mkdir()
        self.asked: list[tuple[str, list[str]]] = []
        monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("rtsr_bench.files.fetch.obtain", self.obtain)

    def obtain(self, recipe: Recipe, *, within_s: float) -> Path:
        if recipe.file_name not in dict(self.asked):  # before it is measured, when nothing is timed
            assert threading.current_thread() is threading.main_thread()
        self.asked.append((recipe.file_name, sorted(by_name(self.kept)) if self.kept.is_dir() else []))
        if not (self.folder / recipe.file_name).is_file():
            raise UserError(f"{recipe.file_name}: cannot be downloaded from {recipe.url} (it stalls); name a mirror")
        return self.folder / recipe.file_name


def wants(folder: Path, name: str, weights: bytes) -> None:
    """A submission whose weights lie elsewhere."""
    shutil.copytree(GUESTS / "good", folder / name)
    recipe = f'{{ url = "https://example.org/{name}.pth", sha256 = "{hashlib.sha256(weights).hexdigest()}" }}'
    manifest = MANIFEST.format(name=name, entry="arch:srmodel") + f"checkpoint = {recipe}\n"
    (folder / name / "submission.toml").write_text(manifest)


def test_unavailable_weights_do_not_delay_others(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    folder, kept = tmp_path / "teams", tmp_path / "kept"
    server = Server(kept, tmp_path, monkeypatch)
    wants(folder, "a-stalls", b"")
    torch.save({"conv.weight": torch.eye(3)[:, :, None, None]}, server.folder / "b-comes.pth")
    wants(folder, "b-comes", (server.folder / "b-comes.pth").read_bytes())
    teams(folder, 1, bad=False)
    assert run_submissions(settings(folder, tiny, kept, at_once=2)) == 2
    said = capsys.readouterr().err
    assert sorted(by_name(kept)) == ["b-comes", "good0"]
    assert isinstance(by_name(kept)["b-comes"].fidelity, Fidelity)
    assert server.asked[0] == ("a-stalls.pth", ["good0"])
    assert [name for name, _ in server.asked].count("a-stalls.pth") == 1
    assert "weights to be downloaded, after the other models are measured: a-stalls/x2, b-comes/x2" in said
    assert "not measured: a-stalls/x2: a-stalls.pth: cannot be downloaded from https://example.org/a-stalls.pth" in said
    assert "1 model not measured: weights cannot be downloaded" in said
    server.asked.clear()
    assert run_submissions(settings(folder, tiny, kept)) == 2
    assert [name for name, _ in server.asked] == ["a-stalls.pth"], "what has a record needs no weights"


def test_run_without_any_available_weights_exits_with_2(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Server(tmp_path / "kept", tmp_path, monkeypatch)
    wants(tmp_path / "teams", "stalls", b"")
    assert run_submissions(settings(tmp_path / "teams", tiny, tmp_path / "kept")) == 2
    assert "not measured: stalls/x2: stalls.pth: cannot be downloaded" in capsys.readouterr().err
