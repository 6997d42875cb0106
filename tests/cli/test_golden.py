"""The whole path against the official code's own numbers: Set5 and Set14, per image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest_cli import Run

from rtsr_bench.record import Fidelity
from rtsr_bench.score import psnr_db
from rtsr_bench.store import load_records

PSNR_DB, SSIM = 2e-4, 1e-5
"""How near is equal: the official code takes Y and its mean in float32, and torch's convolutions differ by machine."""

COLOURS = {"rgb": "rgb", "y_ntire23": "y"}


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3])
def test_rt4ksr_and_bicubic_equal_the_official_code_on_every_image(
    rtsr_bench: Run, shared: Path, tmp_path: Path, scale: int
) -> None:
    project = Path(__file__).parents[2]
    done = rtsr_bench(
        "run", project / "reference_models" / "rt4ksr", project / "reference_models" / "bicubic",
        "--model", f"rt4ksr/s-x{scale}", "--model", f"bicubic/x{scale}",
        "--track", f"classic-x{scale}", "--data-root", shared / "data", "--records", tmp_path, "--device", "cpu",
        "--input", "27x48", "--warmup", "1", "--repeats", "2",
        env={"RTSR_BENCH_MIRROR": str(shared / "weights"), "RTSR_BENCH_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    golden = json.loads((shared / "golden" / "rt4ksr_classic.json").read_text())
    compared = 0
    for stored in load_records(tmp_path).records:
        fidelity = stored.record.fidelity
        assert isinstance(fidelity, Fidelity)
        assert all(use.verified for use in stored.record.data)
        name = stored.record.submission.id
        for image in fidelity.images:
            (row,) = [row for row in golden[f"{image.data_set}_x{scale}"]["rows"] if row["name"] == image.name]
            for ours, theirs in COLOURS.items():
                for border in (0, scale):
                    key, other = f"{ours}_b{border}_even", f"{theirs}_b{border}"
                    found_db = psnr_db(image.values[f"mse/{key}"])
                    assert found_db == pytest.approx(row[f"{name}_psnr_{other}"], abs=PSNR_DB)
                    assert image.values[f"ssim/{key}"] == pytest.approx(row[f"{name}_ssim_{other}"], abs=SSIM)
                    compared += 1
    assert compared == 2 * (5 + 14) * 2 * 2
