"""With the authors' weights, each model is their network: Set5 image by image. Another net's checkpoint is refused.

The golden figures were taken on SelfExSR's LR images, the ones that the classic tracks use.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from shipped import ROOT, load_arch
from zoo_parity_cases import PARITY, Parity

from rtsr_bench.files.hashing import file_sha256
from rtsr_bench.images.io import read_rgb
from rtsr_bench.metrics.fidelity import measure
from rtsr_bench.protocol import Colour, Convention

PSNR_DB = 2e-4  # float32 sums in another order move a few pixels by one step
SSIM = 1e-5


def name(case: Parity) -> str:
    return f"{case.model}_x{case.args['scale']}"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The order of float sums must not hang on how many cores the machine has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def weights(case: Parity, shared: Path) -> Path:
    path = shared / "weights" / case.checkpoint
    if not path.is_file():
        pytest.skip(f"needs {case.checkpoint} in shared/weights")
    return path


def build(case: Parity, checkpoint: Path) -> torch.nn.Module:
    model = getattr(load_arch(ROOT / "reference_models" / case.model), case.entry)(
        **case.args, checkpoint=str(checkpoint)
    )
    return model.eval().requires_grad_(requires_grad=False)


def upscaled(model: torch.nn.Module, lr: NDArray[np.uint8], data_range: float) -> NDArray[np.uint8]:
    image = torch.from_numpy(lr).permute(2, 0, 1)[None].float() / 255 * data_range
    pixels = (model(image)[0] / data_range).clamp(0, 1) * 255
    return pixels.round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


@pytest.mark.shared
@pytest.mark.parametrize("case", PARITY, ids=name)
def test_set5_is_the_published_networks_image_by_image(case: Parity, shared: Path) -> None:
    scale = int(str(case.args["scale"]))
    file, row = case.golden
    golden = json.loads((shared / "golden" / file).read_text())[row]
    expected_db = golden.get("psnr_y", golden.get("psnr_y_bt601_border_scale"))
    model = build(case, weights(case, shared))
    convention = Convention(colour=Colour.Y, border=scale)
    pictures = sorted((shared / "data" / "SelfExSR" / "data" / "Set5" / f"image_SRF_{scale}").glob("*_HR.png"))
    assert len(pictures) == len(expected_db) == len(golden["ssim_y"]) == 5
    found_db = []
    for path, psnr_db, ssim in zip(pictures, expected_db, golden["ssim_y"], strict=True):
        lr = read_rgb(path.with_name(path.name.replace("_HR", "_LR")))
        values = measure(upscaled(model, lr, case.data_range), read_rgb(path), [convention], threads=1)
        found_db.append(10 * math.log10(255**2 / values.mse[convention.key]))
        assert found_db[-1] == pytest.approx(psnr_db, abs=PSNR_DB), path.stem
        assert values.ssim[convention.key] == pytest.approx(ssim, abs=SSIM), path.stem
    if case.mean_db is not None:
        assert round(sum(found_db) / 5, 3) == case.mean_db


@pytest.mark.shared
@pytest.mark.parametrize("case", PARITY, ids=name)
def test_manifest_names_this_very_checkpoint(case: Parity, shared: Path) -> None:
    content = tomllib.loads((ROOT / "reference_models" / case.model / "submission.toml").read_text(encoding="utf-8"))
    [table] = [
        table
        for table in content["model"]
        if table["entry"] == f"arch:{case.entry}" and table.get("args", {}) == case.args
    ]
    assert table["checkpoint"]["sha256"] == file_sha256(weights(case, shared))
    assert table.get("data_range", 1.0) == case.data_range


@pytest.mark.parametrize("case", PARITY, ids=name)
def test_a_checkpoint_of_another_net_is_refused(case: Parity, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"head.weight": torch.zeros(1)}, path)
    with pytest.raises((RuntimeError, KeyError)):
        build(case, path)
