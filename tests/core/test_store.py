"""Records on disk: written whole or not at all, never replaced, never believed blindly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtsr_bench import store
from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.record import (
    Complexity,
    Count,
    DataUse,
    Failure,
    FailureKind,
    Fidelity,
    ImageFidelity,
    Memory,
    ModelFacts,
    OutputTwice,
    PixelDifference,
    Record,
    Repeatability,
    Runtime,
    Stage,
    SubmissionFacts,
    SubmittedImages,
    System,
    Telemetry,
)
from rtsr_bench.store import crops_workplace, decode, encode, load_records, prepare, save
from rtsr_bench.tracks import find_track

HISTORIC = Path(__file__).parents[1] / "records"


def a_record(**changes: Any) -> Record:
    track = find_track("builtin-x2")
    image = ImageFidelity(
        name="text.png",
        data_set="Built-in set",
        size=Size(2160, 3840),
        values={"mse/rgb_b0": 12.3456789012345678, "ssim/rgb_b0": 0.9123456789012345},
        baseline={"mse/rgb_b0": 15.0},
    )
    made = Record(
        track=track.id,
        track_digest=track.protocol.digest,
        protocol=track.protocol,
        submission=SubmissionFacts(id="team_x", team='Ünïcode <b> & "Co"', title="XNet", digest="0" * 16),
        model=ModelFacts(id="team_x/s-x2", scale=2, variant="s"),
        system=System(
            device_kind="cpu", device_name="A CPU", cpu_model="A CPU", cpu_cores=2, torch_threads=2,
            memory_bytes=1 << 34, os="Linux", python="3.11.7", torch="2.13.0", facts={"mkldnn": "True"},
        ),
        data=(DataUse(id="builtin", name="Built-in set", digest="1" * 16, images=1, verified=True),),
        started="2026-11-23T18:00:00+00:00",
        wall_s=12.5,
        harness="0.1.0",
        fidelity=Fidelity(precision=Precision.FP32, images=(image,), wall_s=1.0),
        runtime=Runtime(
            samples_ms=(1.1, 1.2, 1.3), input=Size(1080, 1920), batch=1, precision=Precision.FP32, warmup=50,
            wall_s=1.0, parent_wall_s=1.0, telemetry=(Telemetry(when="before", load_average=0.5),),
        ),
        complexity=Complexity(
            params=10,
            counts=(Count(input=Size(256, 256), macs=5, flops=10, activations=2, convs=1, uncounted={"aten.fft": 2}),),
        ),
        memory=Memory(kind="rss", peak_bytes=100, baseline_bytes=50),
    )  # fmt: skip
    return replace(made, **changes)


FAILURE = Failure(stage=Stage.ENHANCE, kind=FailureKind.BAD_OUTPUT, message="NaN", detail="a\nb")


@pytest.mark.parametrize(
    "record",
    [
        a_record(),
        a_record(fidelity=FAILURE, runtime=None, memory=FAILURE),
        a_record(fidelity_fp32=FAILURE, complexity=None, overrides=("--quick",)),
        a_record(
            fidelity=None, model=ModelFacts(id="team_x/s-x2", scale=2, variant="s", untrained="architecture only")
        ),
        a_record(
            repeatability=Repeatability(
                precision=Precision.FP32,
                images=(PixelDifference(image="a.png", data_set="Set5", mse=0.25, largest=3),),
                outputs=(OutputTwice(given="images", size=Size(24, 40), places=256, difference=None),),
            ),
            submitted_images=SubmittedImages(
                folder="results", missing=1, missing_names=("a",), refused_files=1, refused=("no",)
            ),
            pickle_allowed=True,
            stubs_allowed=True,
            stubs=("timm", "torchvision"),
        ),
    ],
)
def test_a_record_comes_back_to_the_last_bit(record: Record) -> None:
    assert decode(encode(record)) == record


def test_saving_twice_keeps_both(tmp_path: Path) -> None:
    first, second = save(a_record(), tmp_path), save(a_record(wall_s=1.0), tmp_path)
    assert first != second
    assert {stored.record.wall_s for stored in load_records(tmp_path).records} == {12.5, 1.0}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_crops_move_beside_their_record(tmp_path: Path) -> None:
    with crops_workplace(tmp_path) as place:
        (place / "index.json").write_text("[]")
        path = save(a_record(), tmp_path, place)
    (stored,) = load_records(tmp_path).records
    assert stored.path == path
    assert stored.crops == path.with_suffix(".crops")


def test_a_number_that_is_not_finite_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        save(a_record(wall_s=float("nan")), tmp_path)
    assert list(tmp_path.iterdir()) == []


def edited(**changes: Any) -> bytes:
    raw = json.loads(encode(a_record()))
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = raw
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is damaged"),
        (encode(a_record())[:-200], "is damaged"),
        (b"[]", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (edited(schema=99), f"schema 99, newer than {store.SCHEMA}"),
        (edited(schema=None), "is not a record"),
        (edited(schema="1"), "is not a record"),
        (edited(track=None), "missing .*track"),
        (edited(wall_s="long"), "damaged at `wall_s`"),
        (edited(runtime__samples_ms=[1.0, -2.0]), "damaged at `runtime`: expected a sample of 1e-06"),
        (edited(runtime__samples_ms=[]), "at least one sample"),
        (edited(runtime__samples_ms=[1e308, 1e308]), "expected a sample of 1e-06"),
        (edited(runtime__samples_ms=[1e-320]), "expected a sample of 1e-06"),
        (edited(runtime__batch=0), "impossible timed input"),
        (edited(complexity__params=-5), "expected counts of at least 0"),
        (edited(started="yesterday"), "ISO 8601"),
        (edited(fidelity__images__0__values={"mse/rgb_b0": -1.0}), r"expected `mse/rgb_b0` to be finite and in \[0"),
        (edited(fidelity__images__0__values={"ssim/rgb_b0": 1.1}), "expected `ssim/rgb_b0` to be finite and in"),
        (edited(fidelity__images__0__baseline={"mse/rgb_b0": -1.0}), "expected `mse/rgb_b0` to be finite"),
        (edited(fidelity__images__0__values=None), "damaged at `fidelity`: .*missing required field `values`"),
        (edited(schema=6), "damaged at `fidelity`: an image of schemas before 7 has a table `mse`"),
        (edited(model__scale="two"), "damaged at `model`"),
        (edited(model__untrained=True), "damaged at `model`"),
        (edited(model__untrained="architecture only"), "expected no fidelity of an untrained model"),
        (edited(surprise=1), "unknown field `surprise`"),
        (edited(runtime__failure={"stage": "lunch"}), "damaged at `runtime`"),
    ],
)
def test_invalid_record_file_is_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    good = save(a_record(), tmp_path)
    loaded = load_records(tmp_path)
    assert [stored.path for stored in loaded.records] == [good]
    (problem,) = loaded.problems
    assert problem.startswith("bad.json ")
    assert "\n" not in problem
    assert re.search(words, problem), problem


@pytest.mark.parametrize("path", sorted(HISTORIC.glob("*.json")), ids=lambda path: path.name)
def test_every_format_ever_shipped_still_loads(path: Path) -> None:
    record = decode(path.read_bytes())
    assert record.schema == store.SCHEMA
    assert isinstance(record.fidelity, Fidelity) is not bool(record.model.untrained)
    assert isinstance(record.runtime, Runtime)


def test_before_the_second_schema_every_model_was_trained() -> None:
    record = decode(next(HISTORIC.glob("schema-1-*.json")).read_bytes())
    assert (record.schema, record.model.untrained) == (store.SCHEMA, "")
    assert decode(encode(record)) == record


@pytest.mark.parametrize("schema", [1, 2])
def test_before_the_third_schema_nothing_of_what_was_compared_was_kept(schema: int) -> None:
    record = decode(next(HISTORIC.glob(f"schema-{schema}-*.json")).read_bytes())
    assert (record.repeatability, record.submitted_images, record.pickle_allowed) == (None, None, False)


def test_outputs_of_two_processes_are_one_line() -> None:
    record = decode(next(HISTORIC.glob("schema-3-*.json")).read_bytes())
    assert record.repeatability is not None
    assert record.repeatability.words.startswith("in fp32, by two processes: 2 images (")
    assert record.repeatability.words.count("identical") == 3
    apart = OutputTwice(given="images", size=Size(24, 40), places=256, difference=0.0123)
    assert "0.012 of their spread apart" in replace(record.repeatability, outputs=(apart,)).words
    assert "not comparable" in replace(record.repeatability, outputs=(replace(apart, difference=None),)).words


def test_since_the_fourth_schema_images_of_timed_calls_are_compared_as_pixels() -> None:
    record = decode(next(HISTORIC.glob("schema-4-*.json")).read_bytes())
    assert record.repeatability is not None
    images = [one for one in record.repeatability.outputs if one.given == "images"]
    assert [(one.difference, one.mse) for one in images] == [(None, 0.0)] * len(images) != []
    apart = replace(images[0], mse=0.065)
    assert "at least 60.0 dB from each other" in replace(record.repeatability, outputs=(apart, images[0])).words


def test_since_the_fifth_schema_a_record_says_whose_weights_were_measured() -> None:
    whose = {path.name[:8]: decode(path.read_bytes()).model.trained_by for path in HISTORIC.glob("*.json")}
    assert whose.pop("schema-5") == "rtsr-bench, on 16 free pictures"
    assert set(whose.values()) == {""}


def test_since_the_sixth_schema_a_record_says_what_images_took_and_how_busy_the_machine_was() -> None:
    kept = {path.name[:8]: decode(path.read_bytes()) for path in HISTORIC.glob("*.json")}
    runtime = kept.pop("schema-6").runtime
    del kept["schema-7"]
    assert isinstance(runtime, Runtime)
    assert (len(runtime.samples_ms), len(runtime.image_ms), len(runtime.idle_ms)) == (15, 8, 15)
    assert runtime.foreign_load == pytest.approx(0.736, abs=1e-3)
    assert runtime.retimed == 9
    assert runtime.input_correlation == pytest.approx(0.984, abs=1e-3)
    for record in kept.values():
        assert isinstance(record.runtime, Runtime)
        assert (record.runtime.image_ms, record.runtime.foreign_load, record.notes) == ((), None, ())


@pytest.mark.parametrize("path", sorted(HISTORIC.glob("*.json")), ids=lambda path: path.name)
def test_before_the_seventh_schema_an_image_had_mse_and_ssim_and_no_number_of_it_is_lost(path: Path) -> None:
    raw, record = json.loads(path.read_text(encoding="utf-8")), decode(path.read_bytes())
    for name, found in (("fidelity", record.fidelity), ("fidelity_fp32", record.fidelity_fp32)):
        if not isinstance(found, Fidelity):
            assert raw[name] is None
            continue
        for old, image in zip(raw[name]["images"], found.images, strict=True):
            if raw["schema"] < 7:
                assert (image.observed("mse"), image.observed("ssim")) == (old["mse"], old["ssim"])
                assert image.of_bicubic("mse") == old["baseline_mse"]
                assert len(image.values) == len(old["mse"]) + len(old["ssim"])
            else:
                assert (image.values, image.baseline) == (old["values"], old["baseline"])


def test_since_the_seventh_schema_a_record_holds_what_any_metric_observed() -> None:
    (record,) = (decode(path.read_bytes()) for path in HISTORIC.glob("schema-7-*.json"))
    assert record.protocol.metrics == ("psnr", "ssim", "ms_ssim")
    assert isinstance(record.fidelity, Fidelity)
    for image in record.fidelity.images:
        assert image.observed("ms_ssim").keys() == image.observed("mse").keys() == image.of_bicubic("mse").keys()
        assert all(0.5 < value < 1 for value in image.observed("ms_ssim").values())


@pytest.mark.parametrize(("mse", "largest"), [(float("nan"), 1), (-1.0, 1), (255.0**2 + 1, 255), (1.0, 256), (1.0, -1)])
def test_a_difference_that_8_bit_images_cannot_have_is_refused(mse: float, largest: int) -> None:
    with pytest.raises(ValueError, match="impossible difference"):
        PixelDifference(image="a.png", data_set="Set5", mse=mse, largest=largest)


def test_there_is_a_historic_record_of_every_schema() -> None:
    shipped = {json.loads(path.read_text())["schema"] for path in HISTORIC.glob("*.json")}
    assert shipped == set(range(1, store.SCHEMA + 1))


def test_a_folder_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write records to .*file"):
        prepare(tmp_path / "file")


_DIES_HOLDING = """
import os, signal, sys
from pathlib import Path
from rtsr_bench.store import crops_workplace
with crops_workplace(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_is_swept_and_a_living_ones_kept(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _DIES_HOLDING, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with crops_workplace(tmp_path) as mine:
        prepare(tmp_path)
        assert list(tmp_path.iterdir()) == [mine.parent]
        assert mine.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_the_harness_trouble(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="could not be written"):
        save(a_record(), tmp_path / "gone")


_SAVES_FOR_EVER = """
import sys
from pathlib import Path
from rtsr_bench.store import decode, save
record = decode(Path(sys.argv[1]).read_bytes())
print("ready", flush=True)
while True:
    save(record, Path(sys.argv[2]))
"""


def test_a_kill_at_any_moment_leaves_only_whole_records(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "records"
    source.write_bytes(encode(a_record()))
    folder.mkdir()
    for delay_s in (0.01, 0.02, 0.03, 0.05, 0.08):
        command = [sys.executable, "-c", _SAVES_FOR_EVER, str(source), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(delay_s)
            writer.kill()
    loaded = load_records(folder)
    assert loaded.records
    assert loaded.problems == ()


def test_missing_folder_is_reported_with_a_solution(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no folder of records at .*rtsr-bench run"):
        load_records(tmp_path / "nowhere")
