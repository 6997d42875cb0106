"""A reference model is added from outside by one folder, and is then named like those of this package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtsr_bench import plugins
from rtsr_bench.errors import UserError
from rtsr_bench.record import Fidelity, Runtime
from rtsr_bench.store import load_records
from rtsr_bench.submissions import survey
from rtsr_bench.submissions.references import named_by, shipped_folder

HERE = Path(__file__).parent
DUMMY = HERE / "nearest"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(plugins.ENVIRONMENT, str(DUMMY))
    return tmp_path


@pytest.mark.usefixtures("elsewhere")
def test_one_folder_adds_a_reference_model() -> None:
    found = survey(Path("reference_models/nearest"))
    (model,) = found.submissions
    assert (model.id, model.origin, model.source) == ("nearest", "reference", DUMMY)
    everything = {one.id: one.origin for one in survey(Path("reference_models")).submissions}
    assert everything["nearest"] == "reference"
    assert {one.name for one in shipped_folder().iterdir()} | {"nearest"} == everything.keys()
    assert plugins.model_folders() == (DUMMY,)


@pytest.mark.usefixtures("elsewhere")
def test_names_of_reference_models_work_in_any_folder_where_nothing_of_that_name_lies() -> None:
    assert named_by(Path("reference_models/bicubic")) == (shipped_folder() / "bicubic",)
    assert [path.name for path in named_by(Path("reference_models/carn*"))] == ["carn", "carn_m"]
    recipe = "reference_models/rt4ksr/recipes/s-x2.toml"
    assert named_by(Path(recipe)) == (shipped_folder().parent / recipe,)
    Path("reference_models/bicubic").mkdir(parents=True)
    assert named_by(Path("reference_models/bicubic")) == (Path("reference_models/bicubic"),)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ["reference_models/nothing", "reference_models/nothing/in/it", "nearest"])
def test_a_name_that_is_none_is_refused_as_it_was_written(name: str) -> None:
    with pytest.raises(UserError, match=f"{name}: expected a submission's folder or archive, found nothing there"):
        survey(Path(name))


def test_everything_from_outside_together_becomes_a_record_and_a_page(tmp_path: Path) -> None:
    """A degradation, a data set, a track and a reference model, each from one file or folder, in one run."""
    frames = tmp_path / "data" / "ToyFrames" / "HR"
    frames.mkdir(parents=True)
    coarse = np.random.default_rng(3).integers(0, 256, (2, 6, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(coarse):
        Image.fromarray(pixels).resize((96, 64), Image.Resampling.BICUBIC).save(frames / f"{number}.png")
    added = [HERE / name for name in ("levels.py", "toy_set.toml", "toy_track.toml", "nearest")]
    options = [word for path in added for word in ("--plugin", str(path))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RTSR_BENCH")}
    kept = ("RTSR_BENCH_LOCKS", "RTSR_BENCH_QUIET_WAIT", "RTSR_BENCH_REFERENCE")
    environment |= {name: os.environ[name] for name in kept}

    def rtsr_bench(*arguments: str) -> str:
        command = [sys.executable, "-m", "rtsr_bench", *arguments, *options]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    # One repeat fewer than the track's: an official run would wait for a quiet machine.
    rtsr_bench(
        "run", "reference_models/nearest", "--track", "toy-x2", "--repeats", "3", "--device", "cpu",
        "--data-root", str(tmp_path / "data"),
    )  # fmt: skip
    (stored,) = load_records(tmp_path / "reports" / "records").records
    record = stored.record
    assert (record.track, record.submission.id, record.submission.origin) == ("toy-x2", "nearest", "reference")
    assert record.protocol.degradation == "pillow-bicubic+levels64+noise2"
    assert [(use.id, use.name) for use in record.data] == [("toy", "Toy frames")]
    assert isinstance(record.fidelity, Fidelity)
    assert isinstance(record.runtime, Runtime)
    rtsr_bench("report", "--out", "site", "--records", "reports/records")
    (board,) = (tmp_path / "site" / "boards").glob("toy-x2--*.html")
    assert "Toy x2 (own track)" in board.read_text(encoding="utf-8")
