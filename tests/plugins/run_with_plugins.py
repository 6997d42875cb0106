"""Runs of the command line, and of single children, with plug-ins: in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from rtsr_bench.record import Record
from rtsr_bench.store import load_records

HERE = Path(__file__).parent
DUMMIES = HERE / "dummies"
MANIFEST = """[submission]
team = "Team"
title = "Net"

[[model]]
scale = 2
format = "nearest-json"
network = "tiny"
checkpoint = "net.json"
"""
TRACK = """[track]
id = "mine-x2"
title = "Mine x2"
summary = "The small image that the tests draw."
source = "the tests"
scale = 2

[data]
sets = ["set5"]
degradation = "files: as they are"

[fidelity]
headline = ["rgb/0"]
metrics = ["psnr", "largest"]

[runtime]
input = [24, 40]
precision = { cuda = "fp32", cpu = "fp32" }
warmup = 1
repeats = 3

[score]
formula = "ntire23-rtsr"
metric = "rgb/0"
"""


def with_plugins(*arguments: str | Path, plugins: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments where the plug-ins, separated like PATH, are named."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RTSR_BENCH")}
    kept = ("RTSR_BENCH_LOCKS", "RTSR_BENCH_REFERENCE")
    environment |= {"RTSR_BENCH_PLUGINS": plugins, **{name: os.environ[name] for name in kept}}
    return subprocess.run([sys.executable, *map(str, arguments)], cwd=folder, env=environment, capture_output=True,
                          text=True, timeout=200, check=False)  # fmt: skip


@cache
def measured(folder: Path) -> tuple[Record, str]:
    """The record, and the board's page, of a model in the dummy format that the dummy backend ran.

    Its track lists the dummy metric, and the page has the dummy column.
    """
    data = folder / "data" / "Set5" / "image_SRF_2"
    data.mkdir(parents=True)
    pixels = np.random.default_rng(5).integers(60, 200, (16, 24, 3), dtype=np.uint8)
    hr = Image.fromarray(pixels).resize((96, 64), Image.Resampling.BICUBIC)
    hr.save(data / "img_001_SRF_2_HR.png")
    hr.resize((48, 32), Image.Resampling.BICUBIC).save(data / "img_001_SRF_2_LR.png")
    (folder / "team").mkdir()
    (folder / "team" / "submission.toml").write_text(MANIFEST)
    (folder / "team" / "net.json").write_text('{"brightness": 1.0}')
    (folder / "mine.toml").write_text(TRACK)
    files = ("dummies/inverted.py", "dummies/nearest_json.py", "metric_largest.py", "column_images.py")
    plugins = os.pathsep.join(str(path) for path in (*(HERE / name for name in files), folder / "mine.toml"))
    asked = ("--track", "mine-x2", "--device", "cpu", "--data-root", "data", "--execution", "inverted")
    asked += ("--repeats", "2")  # an official run would wait for an idle machine
    done = with_plugins("-m", "rtsr_bench", "run", "team", *asked, plugins=plugins, folder=folder)
    assert done.returncode == 0, done.stderr
    done = with_plugins("-m", "rtsr_bench", "report", "--out", "site", plugins=plugins, folder=folder)
    assert done.returncode == 0, done.stderr
    (stored,) = load_records(folder / "reports" / "records").records
    (page,) = (folder / "site" / "boards").glob("*.html")
    return stored.record, page.read_text(encoding="utf-8")
