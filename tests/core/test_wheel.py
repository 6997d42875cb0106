"""A built wheel holds what every command needs: tried from an environment of its own, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtsr_bench.record import Fidelity
from rtsr_bench.store import load_records

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


COMMANDS = ("run", "compare", "report", "new", "check", "tracks", "data", "train", "reproduce", "import")
HELPS = f"""
from rtsr_bench.cli import cli
for command in {COMMANDS}:
    cli.main([command, "--help"], prog_name="rtsr-bench", standalone_mode=False)
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


def test_every_command_works_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    folder, images = tmp_path / "empty", tmp_path / "data" / "Set5" / "image_SRF_2"
    folder.mkdir()
    images.mkdir(parents=True)
    hr = Image.fromarray(np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((96, 64))
    hr.save(images / "img_001_SRF_2_HR.png")
    hr.resize((48, 32)).save(images / "img_001_SRF_2_LR.png")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RTSR_BENCH", "PYTHON"))}
    environment |= {name: os.environ[name] for name in ("RTSR_BENCH_LOCKS", "RTSR_BENCH_QUIET_WAIT")}

    def rtsr_bench(*arguments: str) -> str:
        done = subprocess.run(
            [installed, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    helped = subprocess.run(
        [installed.with_name("python"), "-c", HELPS], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert helped.returncode == 0, helped.stderr + helped.stdout
    assert helped.stdout.count("Usage: rtsr-bench ") == len(COMMANDS)
    assert "open4k-x2" in rtsr_bench("tracks")
    assert "wrote team" in rtsr_bench("new", "team", "--format", "reference")
    rtsr_bench(
        "run", "reference_models/rt4ksr", "--model", "rt4ksr/s-x2", "--track", "classic-x2", "--input", "24x40",
        "--warmup", "1", "--repeats", "3", "--device", "cpu", "--data-root", str(tmp_path / "data"),
    )  # fmt: skip
    (stored,) = load_records(folder / "reports" / "records").records
    assert (stored.record.model.id, stored.record.submission.origin) == ("rt4ksr/s-x2", "reference")
    assert isinstance(stored.record.fidelity, Fidelity)
    rtsr_bench("report", "--out", "site")
    assert (folder / "site" / "index.html").is_file()
