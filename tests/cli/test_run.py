"""`rtsr-bench run` as a user meets it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest_cli import DECLARED as MANIFEST
from conftest_cli import GUESTS, LITTLE, Once, Run, one_line
from PIL import Image

from rtsr_bench.datasets import Dataset, find_dataset
from rtsr_bench.errors import UserError
from rtsr_bench.execution import Execution, MemoryFormat, Precision
from rtsr_bench.record import Complexity, Failure, FailureKind, Fidelity, Memory, Record, Runtime, Stage
from rtsr_bench.score import mean_psnr_db
from rtsr_bench.store import load_records


def records(folder: Path) -> list[Record]:
    loaded = load_records(folder)
    assert loaded.problems == ()
    return [stored.record for stored in loaded.records]


def test_a_guest_becomes_a_record_with_every_measurement(once: Once) -> None:
    (record,) = records(once.records)
    assert isinstance(record.fidelity, Fidelity)
    assert isinstance(record.runtime, Runtime)
    assert [image.name for image in record.fidelity.images] == [f"img_00{i}_SRF_2_HR.png" for i in (1, 2, 3)]
    assert len(record.runtime.samples_ms) == 3
    assert record.overrides == ("--input 24x40", "--warmup 1", "--repeats 3", "--limit load=55")
    assert record.protocol.digest != record.track_digest
    assert not record.data[0].verified
    assert record.data[0].name != "Set5"  # a stand-in is never called by another's name
    assert record.command.startswith("rtsr-bench run ")
    assert "good/x2" in once.done.stdout
    assert 10 < mean_psnr_db(image.values["mse/rgb_b0"] for image in record.fidelity.images) < 60


def test_an_untrained_model_is_timed_and_counted_and_its_fidelity_is_not_asked_for(
    rtsr_bench: Run, tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(GUESTS / "good", tmp_path / "plan")
    (tmp_path / "plan" / "submission.toml").write_text(f'{MANIFEST}untrained = "not yet trained"\n')
    done = rtsr_bench("run", "plan", *LITTLE, "--data-root", tiny, "--precision", "bf16", "--save-images", "images")
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "reports" / "records")
    assert (record.fidelity, record.fidelity_fp32, record.model.untrained) == (None, None, "not yet trained")
    assert isinstance(record.runtime, Runtime)
    assert isinstance(record.complexity, Complexity)
    assert isinstance(record.memory, Memory)
    assert record.complexity.params == 9
    assert "untrained: not yet trained" in done.stdout
    assert re.search(r"plan/x2: runtime ms .*untrained: not yet trained", done.stderr)
    assert not (tmp_path / "images").exists()
    assert rtsr_bench("report", "--out", "site").returncode == 0
    (page,) = (tmp_path / "site" / "boards").glob("*.html")
    assert "untrained: not yet trained" in page.read_text(encoding="utf-8")


def test_an_untrained_model_that_does_not_load_has_failed(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(GUESTS / "raises", tmp_path / "plan")
    (tmp_path / "plan" / "submission.toml").write_text(f'{MANIFEST}untrained = "not yet trained"\n')
    assert rtsr_bench("run", "plan", *LITTLE, "--data-root", tiny).returncode == 1
    (record,) = records(tmp_path / "reports" / "records")
    assert record.fidelity is None
    assert isinstance(record.runtime, Failure)
    assert record.runtime.stage is Stage.LOAD


def test_check_says_that_nothing_is_trained(rtsr_bench: Run, tmp_path: Path) -> None:
    shutil.copytree(GUESTS / "good", tmp_path / "plan")
    (tmp_path / "plan" / "submission.toml").write_text(f'{MANIFEST}untrained = "architecture only"\n')
    done = rtsr_bench("check", "plan", "--device", "cpu")
    assert done.returncode == 0, done.stdout
    assert re.search(r"note weights +not trained \(architecture only\)", done.stdout)


def test_what_has_a_record_is_not_measured_again_unless_asked(rtsr_bench: Run, once: Once, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    shutil.copytree(once.records, folder)
    arguments = (*once.words, "--records", folder)
    before = {path: path.read_bytes() for path in folder.glob("*.json")}
    second = rtsr_bench(*arguments)
    assert second.returncode == 0
    assert "0 new records, 1 existing" in second.stderr
    assert rtsr_bench(*arguments, "--again").returncode == 0
    assert len(records(folder)) == 2
    assert all(path.read_bytes() == data for path, data in before.items())


def test_the_official_zip_runs_as_it_is(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    archive = tmp_path / "Team 42.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.write(GUESTS / "good" / "arch.py", "submission/arch.py")
    done = rtsr_bench("run", archive, *LITTLE, "--data-root", tiny)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "reports" / "records")
    assert record.model.scale == 2


BREAKING = {
    "raises": (Stage.LOAD, FailureKind.EXCEPTION),
    "wrong_shape": (Stage.ENHANCE, FailureKind.BAD_OUTPUT),
    "nan_output": (Stage.ENHANCE, FailureKind.BAD_OUTPUT),
    "kills_itself": (Stage.LOAD, FailureKind.CRASHED),
}


def test_guests_that_break_leave_records_and_the_next_one_runs(
    rtsr_bench: Run, tiny: Path, good: Path, tmp_path: Path
) -> None:
    for guest, (stage, _) in BREAKING.items():
        shutil.copytree(GUESTS / guest, tmp_path / guest)
        if stage is Stage.ENHANCE:  # a declared scale, so that the first thing to be seen is an image
            (tmp_path / guest / "submission.toml").write_text(MANIFEST)
    done = rtsr_bench("run", *BREAKING, good, *LITTLE, "--data-root", tiny)
    assert done.returncode == 1, done.stderr
    by_id = {record.submission.id: record for record in records(tmp_path / "reports" / "records")}
    assert isinstance(by_id.pop("good").fidelity, Fidelity)
    assert set(by_id) == set(BREAKING)
    for guest, record in by_id.items():
        failure = record.fidelity
        assert isinstance(failure, Failure)
        assert (failure.stage, failure.kind) == BREAKING[guest]
        assert failure.brief in done.stderr


def test_a_model_that_declares_another_scale_than_it_has(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    liar = tmp_path / "liar"
    shutil.copytree(GUESTS / "wrong_scale", liar)
    (liar / "submission.toml").write_text(MANIFEST)
    assert rtsr_bench("run", liar, *LITTLE, "--data-root", tiny).returncode == 1
    (record,) = records(tmp_path / "reports" / "records")
    assert isinstance(record.fidelity, Failure)
    assert "(1, 3, 96, 144), expected (1, 3, 64, 96)" in record.fidelity.message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "nowhere"), ("nowhere",)),
        (("run", "empty"), ("empty",)),
        (("run", GUESTS / "good", "--track", "builtin-x9"), ("builtin-x9", "expected one of")),
        (("run", GUESTS / "good", "--track", "classic-x2"), ("Set5",)),
        (("run", GUESTS / "good", "--track", "rtsr2023-x2"), ("no substitute is accepted",)),
        (("run", GUESTS / "good", "--track", "builtin-x3", "--quick"), ("scale 2",)),
        (("run", GUESTS / "good", "--device", "cuda:63", "--quick"), ("cuda:63",)),
        (("run", GUESTS / "good", "--repeats", "0"), ("--repeats",)),
        (("run", GUESTS / "good", "--input", "12"), ("HEIGHTxWIDTH",)),
        (("run", GUESTS / "good", "--records", "file/below"), ("file/below",)),
        (("run", "typo"), ("submission.toml", "scael", "scale")),
        (("report", "--records", "nowhere"), ("nowhere",)),
        (("check", "nowhere"), ("nowhere",)),
        (("new", "full"), ("full",)),
        (("tracks", "x"), ("'x'", "builtin-x2")),
    ],
)
def test_user_mistake_is_one_line(
    rtsr_bench: Run, tmp_path: Path, arguments: tuple[str | Path, ...], words: tuple[str, ...]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    shutil.copytree(GUESTS / "good", tmp_path / "typo")
    (tmp_path / "typo" / "submission.toml").write_text(MANIFEST.replace("scale", "scael"))
    line = one_line(rtsr_bench(*arguments), 2)
    for word in words:
        assert word in line


def shape(path: Path, change: Callable[[Image.Image], Image.Image]) -> None:
    """Change an image file in place."""
    with Image.open(path) as image:
        image.load()
    change(image).save(path)


def spoil(tiny: Path, how: str) -> None:
    folder = tiny / "Set5" / "image_SRF_2"
    hr, lr = folder / "img_002_SRF_2_HR.png", folder / "img_002_SRF_2_LR.png"
    match how:
        case "truncated":
            hr.write_bytes(hr.read_bytes()[:-400])
        case "sizes":
            shape(hr, lambda image: image.resize((90, 64)))
        case "no LR":
            lr.unlink()
        case "16 bit":
            Image.new("I;16", (96, 64), 40000).save(hr)
        case "alpha":
            shape(hr, lambda image: Image.merge("RGBA", (*image.split(), Image.new("L", image.size, 100))))


@pytest.mark.parametrize("how", ["truncated", "sizes", "no LR", "16 bit", "alpha"])
def test_broken_images_are_named_in_one_line(tiny: Path, how: str) -> None:
    spoil(tiny, how)
    with pytest.raises(UserError, match="img_002") as caught:  # noqa: PT012 - found with the set, or when it is read
        found = find_dataset("set5", scale=2, degradation="files", roots=[tiny])
        assert isinstance(found, Dataset)
        for pair in found.pairs:
            pair.both()
    assert "\n" not in str(caught.value)


def test_a_run_on_broken_images_ends_with_one_line_and_no_record(
    rtsr_bench: Run, tiny: Path, good: Path, tmp_path: Path
) -> None:
    spoil(tiny, "truncated")
    done = rtsr_bench("run", good, *LITTLE, "--data-root", tiny)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("no record of good/x2 on classic-x2: ")]
    assert "img_002" in said
    assert records(tmp_path / "reports" / "records") == []


def test_a_grey_image_is_expanded_to_rgb(rtsr_bench: Run, tiny: Path, good: Path, tmp_path: Path) -> None:
    for name in ("HR", "LR"):
        path = tiny / "Set5" / "image_SRF_2" / f"img_002_SRF_2_{name}.png"
        shape(path, lambda image: image.convert("L"))
    done = rtsr_bench("run", good, *LITTLE, "--data-root", tiny)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "reports" / "records")
    assert isinstance(record.fidelity, Fidelity)
    assert len(record.fidelity.images) == 3


def test_fidelity_is_measured_in_the_timed_precision_and_in_fp32_beside_it(
    rtsr_bench: Run, tiny: Path, tmp_path: Path
) -> None:
    other = ("--execution", "channels-last", "--precision", "bf16")
    shutil.copytree(GUESTS / "rounds", tmp_path / "rounds")
    (tmp_path / "rounds" / "submission.toml").write_text(MANIFEST)
    done = rtsr_bench("run", "rounds", *LITTLE, "--data-root", tiny, *other)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "reports" / "records")
    assert isinstance(record.fidelity, Fidelity)
    assert isinstance(record.fidelity_fp32, Fidelity)
    assert (record.fidelity.precision, record.fidelity_fp32.precision) == ("bf16", "fp32")
    assert record.fidelity.images[0].values["mse/rgb_b0"] != record.fidelity_fp32.images[0].values["mse/rgb_b0"]
    assert record.execution == Execution(
        backend="channels-last", memory_format=MemoryFormat.CHANNELS_LAST, precision=Precision.BF16
    )
    assert record.overrides[:2] == ("--execution channels-last", "--precision bf16")


@pytest.mark.slow
def test_a_run_killed_at_any_moment_is_resumed_by_the_same_command(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    for name in ("first", "second"):
        shutil.copytree(GUESTS / "good", tmp_path / "teams" / name)
        manifest = '[submission]\nteam = "T"\ntitle = "N"\n[[model]]\nscale = 2\n'  # else each runs once to find it
        (tmp_path / "teams" / name / "submission.toml").write_text(manifest)
    second = tmp_path / "teams" / "second" / "arch.py"
    quick = second.read_text()
    second.write_text(f"import time\n\ntime.sleep(60)\n{quick}")  # so that even a late kill comes before its record
    arguments = ["run", str(tmp_path / "teams"), *LITTLE, "--data-root", str(tiny), "--records", str(folder)]
    records_before: dict[str, bytes] = {}
    killed = []
    for sign, moment, later_s in (
        (signal.SIGKILL, lambda _: True, 0.5),  # while it starts
        (signal.SIGINT, children_of, 0.7),  # in the first model
        (signal.SIGKILL, lambda _: list(folder.glob("*.json")), 0.0),  # between both
        (signal.SIGTERM, children_of, 0.7),  # in the second one
    ):
        killed.append(killed_at(moment, later_s, sign, arguments, tmp_path))
        assert all((folder / name).read_bytes() == data for name, data in records_before.items())
        records_before = {path.name: path.read_bytes() for path in folder.glob("*.json")} if folder.is_dir() else {}
    assert [(one.submission.id, one.runtime) for one in records(folder) if not isinstance(one.runtime, Runtime)] == []
    assert len(records_before) == 1, "each moment was met"
    second.write_text(quick)
    assert rtsr_bench(*arguments).returncode == 0
    assert sorted(record.submission.id for record in records(folder)) == ["first", "second"]
    for pid in killed:
        assert not [
            path for place in ("/dev/shm", tempfile.gettempdir()) for path in Path(place).glob(f"rtsr-bench-{pid}-*")
        ]
    assert all((folder / name).read_bytes() == data for name, data in records_before.items())
    assert rtsr_bench("report", "--records", folder, "--out", tmp_path / "site").returncode == 0
    assert (tmp_path / "site" / "index.html").is_file()


def killed_at(
    moment: Callable[[int], object], later_s: float, sign: signal.Signals, arguments: list[str], folder: Path
) -> int:
    """Start a run, kill it so long after a moment, see that none of its children lives on; return its number."""
    with subprocess.Popen(
        [sys.executable, "-m", "rtsr_bench", *arguments], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        deadline = time.monotonic() + 120
        while not moment(running.pid):
            assert running.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(later_s)
        running.send_signal(sign)
        _, said = running.communicate(timeout=60)
    assert "Traceback" not in said
    deadline = time.monotonic() + 10
    while children_of(running.pid):
        assert time.monotonic() < deadline, "a child lives on"
        time.sleep(0.05)
    return running.pid


def children_of(pid: int) -> list[str]:
    """Command lines of workers that were started by the process of this number."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"rtsr_bench.measuring.worker" in words and str(pid).encode() in words:
            found.append(b" ".join(words).decode())
    return found


def left_out(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("left out: ") for line in done.stderr.splitlines() if line.startswith("left out: ")]


def test_what_is_left_out_is_summed_up_unless_one_asks_why(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    for scale in (3, 4):
        shutil.copytree(GUESTS / "good", tmp_path / "teams" / f"other{scale}")
        (tmp_path / "teams" / f"other{scale}" / "submission.toml").write_text(MANIFEST.replace("2", str(scale)))
    shutil.copytree(GUESTS / "good", tmp_path / "teams" / "good")
    arguments = ("run", "teams", *LITTLE, "--data-root", tiny, "--jobs-out", "jobs")
    done = rtsr_bench(*arguments)
    assert done.returncode == 2, "nothing of two teams is measured"
    refused = [line for line in done.stderr.splitlines() if line.startswith("refused: ")]
    assert refused == [f"refused: other{n}: none of the tracks asked for has scale {n}" for n in (3, 4)]
    assert left_out(done) == [
        "2 models of x3, x4: none of the tracks asked for has that scale",
        "data sets not available: Set14, BSD100, Urban100: `rtsr-bench data list` (or -v) shows why",
    ]
    told = left_out(rtsr_bench(*arguments, "--verbose"))
    assert told[-2:] == [f"other{n}/x{n}: none of the tracks asked for has scale {n}" for n in (3, 4)]
    assert [line.partition(":")[0] for line in told[:-2]] == [
        f"classic-x2 without {title}" for title in ("Set14", "BSD100", "Urban100")
    ]
    assert all("data fetch" in line for line in told[:-2])


def test_broken_unnamed_data_set_is_reported_in_full(rtsr_bench: Run, tiny: Path, good: Path, tmp_path: Path) -> None:
    spoil(tiny, "no LR")
    env = {"RTSR_BENCH_CACHE": str(tmp_path / "cache")}  # sets fetched on this machine would have lines of their own
    options = ("--quick", "--device", "cpu", "--data-root", tiny, "--jobs-out", "jobs")
    done = rtsr_bench("run", good, *options, env=env)
    assert done.returncode == 0, done.stderr
    assert len([line for line in left_out(done) if "img_002_SRF_2_HR.png" in line]) == 1
    assert len(left_out(done)) == 2  # the others are one line


def test_a_run_prints_a_table_keeps_crops_and_writes_whole_images_on_demand(once: Once) -> None:
    done, images = once.done, once.folder / "sr"
    assert "\x1b" not in done.stdout + done.stderr
    assert "classic-x2, unofficial: --input 24x40 --warmup 1 --repeats 3" in done.stdout
    assert "data sets not available: Set14, BSD100, Urban100: `rtsr-bench data list`" in done.stderr
    (stored,) = load_records(once.records).records
    assert stored.crops is not None
    entries = json.loads((stored.crops / "index.json").read_text())
    assert len(entries) == 3
    for entry in entries:
        for name in entry["files"].values():
            with Image.open(stored.crops / name) as crop:
                assert crop.size == (entry["width"], entry["height"])
    saved = sorted(path.relative_to(images) for path in images.rglob("*.png"))
    folder = Path("classic-x2", "good", "x2", "set5-unverified-copy")
    assert saved == [folder / f"img_00{i}_SRF_2_HR.png" for i in (1, 2, 3)]
    with Image.open(images / saved[0]) as image:
        assert image.size == (96, 64)


def test_a_team_that_cannot_be_loaded_is_a_row_beside_one_that_can(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "teams"
    folder.mkdir()
    with zipfile.ZipFile(folder / "submission_test.zip", "w") as out:
        out.writestr("submission/arch.py", '"""The network comes later."""\n')
    shutil.copytree(GUESTS / "good", folder / "good")
    (folder / "good" / "submission.toml").write_text(MANIFEST)
    env = {"RTSR_BENCH_CACHE": str(tmp_path / "cache")}  # without the sets that were fetched on this machine
    short = ("--quick", "--images", "1", "--input", "24x40", "--warmup", "1", "--repeats", "3", "--device", "cpu")
    done = rtsr_bench("run", folder, *short, "--data-root", tiny, env=env)
    assert done.returncode == 1, done.stderr
    by_id = {record.model.id: record for record in records(tmp_path / "reports" / "records")}
    assert sorted(by_id) == ["good/x2", "submission_test/x2"]
    failure = by_id["submission_test/x2"].runtime
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.LOAD
    assert "submission_test/x2" in done.stdout
    alone = rtsr_bench("run", folder / "submission_test.zip", *short, "--track", "rtsr2023-x2", env=env)
    line = one_line(alone, 2)
    assert "nothing to measure: submission_test/x?: it could not be loaded (" in line
    assert "no track asked for has data available" in line
    assert "no substitute is accepted" in line
