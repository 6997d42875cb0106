"""A built wheel holds what every command needs: tried from an environment of its own, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtsr_bench.record import Fidelity
from rtsr_bench.store import load_records

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


RECIPE = """
[recipe]
version = 1
name = "tiny"
entry = "tiny"
args = { scale = 2 }
scale = 2
[data]
hr_crop = 24
candidates = 1
degradations = { "pillow-bicubic" = 1 }
validation_pictures = 1
validation_crops = 1
[optimiser]
iterations = 2
batch = 1
learning_rate = 1e-3
halve_every = 2
high_frequency_weight = 0.0
ema = 0.9
seed = 5
"""
NETWORK = """
import torch
def tiny(scale=2):
    return torch.nn.Sequential(torch.nn.Conv2d(3, 12, 1), torch.nn.PixelShuffle(scale))
"""
UP = """
import torch
Up = lambda: torch.nn.Upsample(scale_factor=4)
"""
CHALLENGE = """
from models.team00_Up import Up
def select_model(args, device):
    if args.model_id == 0:
        name, data_range = "00_Up", 1.0
        model = Up()
    return model, name, data_range, None
def forward(img_lq, model, tile=None):
    return model(img_lq)
def run(model, args):
    img_sr = forward(img_lr, model, tile)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="building a wheel needs hatchling, which `make install` installs")
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment with the wheel, and what the wheel depends on from the one of the tests."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False, symlinks=os.name != "nt")
    schemes = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=schemes))
    (site / "outer.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    python = place / "bin" / "python"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps",
         "--ignore-installed", "--disable-pip-version-check", str(wheel)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return place / "bin" / "rtsr-bench"


def test_a_wheel_holds_the_package_and_the_reference_models_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    models = {
        f"rtsr_bench/_reference_models/{path.relative_to(ROOT / 'reference_models').as_posix()}"
        for path in (ROOT / "reference_models").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert models <= names
    assert {name for name in names if name.startswith("rtsr_bench/_reference_models/")} == models
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"rtsr_bench"}
    for name in ("tracks/open4k-x2.toml", "datasets/catalog/set5.toml", "report/templates/board.html", "py.typed"):
        assert f"rtsr_bench/{name}" in names


@pytest.fixture
def rtsr_bench(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Call the installed command in the folder `empty`, without settings of whoever runs the tests; must succeed."""
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RTSR_BENCH", "PYTHON"))}
    kept = ("RTSR_BENCH_LOCKS", "RTSR_BENCH_QUIET_WAIT", "RTSR_BENCH_REFERENCE")
    environment |= {name: os.environ[name] for name in kept}

    def call(*arguments: str) -> str:
        done = subprocess.run(
            [installed, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return call


def pictures(folder: Path) -> Path:
    """One pair of Set5, made of noise."""
    images = folder / "Set5" / "image_SRF_2"
    images.mkdir(parents=True)
    hr = Image.fromarray(np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((96, 64))
    hr.save(images / "img_001_SRF_2_HR.png")
    hr.resize((48, 32)).save(images / "img_001_SRF_2_LR.png")
    return folder


def test_models_are_measured_and_reported_in_an_empty_folder(rtsr_bench: Callable[..., str], tmp_path: Path) -> None:
    folder, data = tmp_path / "empty", pictures(tmp_path / "data")
    assert "open4k-x2" in rtsr_bench("tracks")
    assert "Set5" in rtsr_bench("data", "list", "--data-root", str(data))
    assert "wrote team" in rtsr_bench("new", "team", "--format", "reference")
    asked = (
        "--track", "classic-x2", "--input", "24x40", "--warmup", "1", "--repeats", "3", "--device", "cpu",
        "--data-root", str(data),
    )  # fmt: skip
    rtsr_bench("run", "reference_models/rt4ksr", "--model", "rt4ksr/s-x2", *asked)
    rtsr_bench("run", "team", *asked, "--jobs-out", "jobs")
    (job,) = (folder / "jobs").glob("*.json")
    rtsr_bench("measure", str(job), "--out", "reports/records/team.json")
    stored = {one.record.model.id: one.record for one in load_records(folder / "reports" / "records").records}
    assert stored["rt4ksr/s-x2"].submission.origin == "reference"
    assert len(stored) == 2
    assert all(isinstance(record.fidelity, Fidelity) for record in stored.values())
    assert "2 records" in rtsr_bench("records", "pack", "reports/records")
    rtsr_bench("report", "--out", "site")
    assert (folder / "site" / "index.html").is_file()


def test_the_other_commands_work_in_an_empty_folder(rtsr_bench: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    rtsr_bench("new", "team")
    assert "meets the contract" in rtsr_bench("check", "team", "--device", "cpu")
    (folder / "tiny.toml").write_text(RECIPE)
    (folder / "arch.py").write_text(NETWORK)
    (folder / "pictures").mkdir()
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 256, (9, 11, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((110, 90)).save(folder / "pictures" / f"{number}.png")
    rtsr_bench("train", "tiny.toml", "--data", "pictures", "--device", "cpu")
    assert (folder / "training" / "tiny" / "tiny.safetensors").is_file()
    (folder / "esr" / "models").mkdir(parents=True)
    (folder / "esr" / "test_demo.py").write_text(CHALLENGE)
    (folder / "esr" / "models" / "team00_Up.py").write_text(
        "import torch\nUp = lambda: torch.nn.Upsample(scale_factor=4)\n"
    )
    rtsr_bench("import", "ntire-esr", "esr", "--out", "imported")
    assert list((folder / "imported").glob("*/submission.toml"))
    assert "Table 1" in rtsr_bench("reproduce")
