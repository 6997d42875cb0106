"""A metric that one file adds from outside the package is measured, recorded and published like a shipped one."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import CPU, record
from run_with_plugins import measured as measured_by_run

from rtsr_bench import plugins
from rtsr_bench.cli.progress import Display
from rtsr_bench.datasets import Dataset, ImagePair
from rtsr_bench.datasets.dataset import ImageFile
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.baseline import Baselines
from rtsr_bench.evaluate.fidelity import measure_fidelity
from rtsr_bench.execution import EAGER_FP32, Execution
from rtsr_bench.metric import METRICS
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import DataUse, Fidelity, Record
from rtsr_bench.report.site import compose
from rtsr_bench.store import decode, encode
from rtsr_bench.tracks import find_track, load_track

DUMMY = Path(__file__).with_name("metric_largest.py")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the one file, and forget it after the test."""
    monkeypatch.setattr(METRICS, "_members", METRICS.all())
    monkeypatch.setattr(plugins, "_process", plugins._Process())
    monkeypatch.setenv(plugins.ENVIRONMENT, str(DUMMY))


class NearestNeighbour:
    """Stands for the child: what it gives back is what a guest would."""

    def enhance(self, lr: memoryview, *, size: Size, scale: int, execution: Execution, limit_s: float) -> bytes:
        pixels = np.asarray(lr).reshape(size.height, size.width, 3)
        return pixels.repeat(scale, axis=0).repeat(scale, axis=1).tobytes()


def rules() -> Protocol:
    return replace(find_track("builtin-x2").protocol, metrics=("psnr", "ssim", "largest"))


@pytest.fixture
def measured(tmp_path: Path) -> Record:
    """A record whose fidelity went through the real path: reading, LR, bicubic, metrics."""
    pixels = np.random.default_rng(4).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    source = ImageFile(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    pair = ImagePair(name="a.png", scale=2, size=Size(48, 64), hr_source=source, degradation="pillow-bicubic")
    data = Dataset(id="builtin", title="Built-in set", scale=2, pairs=(pair,), verified=True)
    fidelity = measure_fidelity(
        cast("Any", NearestNeighbour()), [data], rules(), EAGER_FP32,
        baselines=Baselines(), on_image=lambda done: None,
    )  # fmt: skip
    assert isinstance(fidelity, Fidelity)
    use = DataUse(id="builtin", name="Built-in set", digest=data.digest, images=1, verified=True)
    one = record(system=CPU)
    return replace(one, protocol=rules(), fidelity=fidelity, fidelity_fp32=None, data=(use,))


def test_it_is_one_file() -> None:
    assert plugins.python_files() == (DUMMY,)
    METRICS.find("largest")


def test_it_is_measured_recorded_and_published(measured: Record, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(measured.fidelity, Fidelity)
    (image,) = measured.fidelity.images
    assert set(image.observed("largest")) == {one.key for one in rules().conventions}
    assert 0 < image.values["largest/rgb_b0"] <= 255
    assert 0 < image.values["largest/y_b0"] < image.values["largest/rgb_b0"]  # Y is compared, not RGB under its name
    assert decode(encode(measured)) == measured

    files, problems = compose({"a.json": measured})
    assert problems == ()
    text = {path: data.decode() for path, data in files.items() if not path.endswith(".png")}
    (board,) = [page for path, page in text.items() if path.startswith("boards/")]
    (model,) = [page for path, page in text.items() if path.startswith("models/")]
    assert "Largest" in board
    assert "Mean over images of the largest difference: RGB, border 0." in board
    assert f"Largest {image.values['largest/rgb_b0']:.0f}" in model
    tables = {path: page for path, page in text.items() if path.endswith(".csv")}
    (line,) = [
        line
        for path, page in tables.items()
        if path.startswith("exports/builtin-x2--amd")
        for line in csv.DictReader(io.StringIO(page))
    ]
    assert float(line["largest_rgb_b0_levels"]) == image.values["largest/rgb_b0"]
    for name in ("records", "images"):
        (first, *_) = csv.DictReader(io.StringIO(tables[f"exports/long/all-{name}.csv"]))
        assert float(first["largest_levels"]) == image.values["largest/rgb_b0"]

    with Display() as display:
        display.table([measured])
    assert "Largest RGB" in capsys.readouterr().out


def test_a_run_measures_it_and_its_report_shows_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    record, page = measured_by_run(tmp_path_factory.getbasetemp())
    assert isinstance(record.fidelity, Fidelity)
    assert [0 < image.values["largest/rgb_b0"] <= 255 for image in record.fidelity.images] == [True]
    assert f">{record.fidelity.images[0].values['largest/rgb_b0']:.0f}<" in page


def test_a_track_may_list_it(tmp_path: Path) -> None:
    source = (ROOT / "rtsr_bench" / "tracks" / "builtin-x2.toml").read_text(encoding="utf-8")
    added = source.replace("[runtime]", 'metrics = ["psnr", "largest"]\n\n[runtime]')
    (tmp_path / "mine.toml").write_text(added, encoding="utf-8")
    mine = load_track(tmp_path / "mine.toml").protocol
    assert mine.metrics == ("psnr", "largest")
    assert mine.digest != find_track("builtin-x2").protocol.digest


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ('["psnr", "unheard"]', "found the text 'unheard' in it; name the file of your own metric with --plugin"),
        ('["ssim"]', '"psnr" among them'),
    ],
)
def test_a_track_that_lists_none_of_ours_or_no_psnr_is_refused(tmp_path: Path, metrics: str, words: str) -> None:
    source = (ROOT / "rtsr_bench" / "tracks" / "builtin-x2.toml").read_text(encoding="utf-8")
    added = source.replace("[runtime]", f"metrics = {metrics}\n[runtime]")
    (tmp_path / "mine.toml").write_text(added, encoding="utf-8")
    with pytest.raises(UserError, match=words) as caught:
        load_track(tmp_path / "mine.toml")
    assert "\n" not in str(caught.value)


def test_record_of_an_unregistered_metric_is_shown_without_it(
    measured: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(plugins.ENVIRONMENT, "")
    monkeypatch.setattr(METRICS, "_members", {name: one for name, one in METRICS.all().items() if name != "largest"})
    again = decode(encode(measured))
    assert again == measured
    files, problems = compose({"a.json": again})
    assert problems == ()
    assert not any(b"Largest" in data for path, data in files.items() if path.startswith("boards/"))


def code_of(document: str, containing: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if containing in block)


def test_the_documented_example_is_this_file() -> None:
    ours = DUMMY.read_text(encoding="utf-8").partition('"""\n\n')[2]
    assert code_of("docs/metrics.md", "METRICS.add") == ours
