"""A job as data: written by `run --jobs-out`, measured by `measure`, refused where anything is not as planned."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest_cli import GUESTS, LITTLE, Run, one_line
from PIL import Image

from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.jobfile import encode_job, read_job
from rtsr_bench.record import Failure, Fidelity, Record, Runtime
from rtsr_bench.store import CROPS, decode, load_records

MANIFEST = '[submission]\nteam = "T"\ntitle = "N"\n\n[[model]]\nscale = 2\n'


@pytest.fixture
def team(tmp_path: Path) -> Path:
    shutil.copytree(GUESTS / "good", tmp_path / "team")
    (tmp_path / "team" / "submission.toml").write_text(f'{MANIFEST}checkpoint = "weights.pth"\n')
    (tmp_path / "team" / "weights.pth").write_bytes(b"weights")
    return tmp_path / "team"


def without_times(record: Record) -> Record:
    """A record without what is timed; the seconds of each image's inference are timed, too."""
    nothing = {"started": "2026-01-01", "wall_s": 0.0, "runtime": None, "memory": None}
    assert isinstance(record.fidelity, Fidelity)
    assert record.repeatability is not None
    images = dataclasses.replace(record.fidelity, wall_s=0.0)
    twice = dataclasses.replace(record.repeatability, images=())  # drawn by lot
    return dataclasses.replace(record, fidelity=images, repeatability=twice, **nothing)


def write_job(rtsr_bench: Run, tmp_path: Path, *arguments: str | Path) -> Path:
    done = rtsr_bench("run", *arguments, *LITTLE, "--jobs-out", "jobs")
    assert done.returncode == 0, done.stderr
    assert "1 job written to jobs, 0 have a record" in done.stderr
    (file,) = (tmp_path / "jobs").iterdir()
    return file


def test_measure_writes_the_record_that_run_writes(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(GUESTS / "good", tmp_path / "team")
    arguments = ("team", "--data-root", tiny.relative_to(tmp_path))
    file = write_job(rtsr_bench, tmp_path, *arguments)
    assert not list((tmp_path / "reports" / "records").glob("*.json")), "writing jobs measures nothing"
    done = rtsr_bench("measure", file, "--out", "out/record.json")
    assert done.returncode == 0, done.stderr
    assert rtsr_bench("run", *arguments, *LITTLE).returncode == 0
    measured = decode((tmp_path / "out" / "record.json").read_bytes())
    (stored,) = load_records(tmp_path / "reports" / "records").records
    assert isinstance(measured.runtime, Runtime)
    assert without_times(measured) == without_times(stored.record)
    assert measured.key == stored.record.key
    assert stored.crops is not None
    crops = (tmp_path / "out" / "record.json").with_suffix(CROPS)
    assert sorted(path.name for path in crops.iterdir()) == sorted(path.name for path in stored.crops.iterdir())
    again = rtsr_bench("run", *arguments, *LITTLE, "--jobs-out", "more")
    assert "0 jobs written to more, 1 have a record" in again.stderr
    assert "records are never overwritten" in one_line(rtsr_bench("measure", file, "--out", "out/record.json"), 2)


def test_a_guest_that_fails_leaves_its_record_and_the_exit_code_of_run(
    rtsr_bench: Run, tiny: Path, tmp_path: Path
) -> None:
    file = write_job(rtsr_bench, tmp_path, GUESTS / "raises", "--data-root", tiny)
    assert json.loads(file.read_text())["unloadable"]["stage"] == "load"
    done = rtsr_bench("measure", file, "--out", "record.json")
    assert done.returncode == 1, done.stderr
    assert isinstance(decode((tmp_path / "record.json").read_bytes()).fidelity, Failure)


def test_a_job_comes_back_as_it_was_and_finds_what_it_names_elsewhere(
    rtsr_bench: Run, tiny: Path, team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_job(rtsr_bench, tmp_path, "team", "--data-root", "data", "--limit", "load=50")
    monkeypatch.chdir(tmp_path)
    job = read_job(file)
    key = job.key("cpu", 1)
    assert json.loads(encode_job(job)) == json.loads(file.read_text())
    assert job.overrides.options == ("--input 24x40", "--warmup 1", "--repeats 3", "--limit load=50")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_job(file).submission.source == tmp_path / "team", "relative paths hold from another folder, too"
    for folder in ("team", "data"):
        shutil.move(tmp_path / folder, tmp_path / "elsewhere" / f"new-{folder}")
    with pytest.raises(UserError):
        read_job(file)
    shutil.move(tmp_path / "elsewhere" / "new-team", tmp_path / "elsewhere" / "team")
    moved = read_job(file, source=Path("team"), roots=(Path("new-data"),))
    assert moved.key("cpu", 1) == key


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path, Path], None]:
    def act(file: Path, folder: Path) -> None:
        raw = json.loads(file.read_text())
        change(raw)
        file.write_text(json.dumps(raw))

    return act


def reshaped(name: str) -> Callable[[Path, Path], None]:
    def act(file: Path, folder: Path) -> None:
        for path in (folder / "data" / "Set5").rglob(f"*{name}"):
            Image.new("RGB", (96, 64), (9, 9, 9)).save(path)

    return act


def test_differences_from_the_plan_are_one_line(
    rtsr_bench: Run, tiny: Path, team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_job(rtsr_bench, tmp_path, "team", "--data-root", "data")
    monkeypatch.chdir(tmp_path)
    original = file.read_bytes()
    cases: list[tuple[Callable[[Path, Path], object], str]] = [
        (lambda file, folder: file.unlink(), "expected a job (JSON), found: No such file"),
        (lambda file, folder: file.write_text("[1]"), "expected a job as `rtsr-bench run --jobs-out DIR` writes it"),
        (edited(lambda raw: raw.update(job=2)), "`job` is 2 where 1 is the version of the form"),
        (edited(lambda raw: raw.update(colour=1)), "unknown key `colour`"),
        (edited(lambda raw: raw["rules"]["protocol"].update(warmups=1)), "unknown key `rules.protocol.warmups`"),
        (edited(lambda raw: raw["place"].update(threads="x")), "$.place.threads"),
        (edited(lambda raw: raw["place"].update(isolation="vm")), "$.place.isolation"),
        (edited(lambda raw: raw.update(harness="0.0.1")), "expected a job planned by rtsr-bench"),
        (edited(lambda raw: raw["rules"]["protocol"].update(repeats=7)), "expected the protocol that track classic-x2"),
        (
            edited(lambda raw: raw["rules"].update(track_digest="0")),
            "expected track classic-x2 with the digest 0, found",
        ),
        (edited(lambda raw: raw["model"].update(id="team/s-x2")), "expected the model team/s-x2, found team/x2"),
        (edited(lambda raw: raw["submission"].update(id="other")), "expected the submission other, found team"),
        (
            edited(lambda raw: raw["submission"].update(source="gone")),
            "gone: expected a submission's folder or archive",
        ),
        (
            edited(lambda raw: raw["model"].update(checkpoint_sha256="00")),
            "expected weights of team/x2 with SHA-256 00",
        ),
        (edited(lambda raw: raw["data"][0].update(digest="00")), "with the digest 00, found"),
        (lambda file, folder: (team / "arch.py").write_text("#"), "expected files of team with the digest"),
        (reshaped("1_SRF_2_HR.png"), "expected images of Set5"),
    ]
    for change, words in cases:
        file.write_bytes(original)
        change(file, tmp_path)
        with pytest.raises(UserError) as caught:
            read_job(file)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
        shutil.copy(GUESTS / "good" / "arch.py", team / "arch.py")
    file.write_bytes(original)
    with pytest.raises(UserError, match="expected device cpu, found cuda; name one of that kind"):
        read_job(file, device="cuda:1")
