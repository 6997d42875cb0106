"""RLFN and Bicubic++ with the authors' weights: the figures of their own code on Set5, image by image.

The golden values were taken on SelfExSR's LR images, which differ a little from MATLAB's own, and on the part of an LR
image that has even sides where a network takes no others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from shipped import ROOT, load_arch, manifest

from rtsr_bench.files.hashing import file_sha256
from rtsr_bench.images.io import read_rgb
from rtsr_bench.metrics.fidelity import measure
from rtsr_bench.protocol import Colour, Convention

PSNR_DB = 2e-4  # float32 sums in another order move a few pixels by one step
SSIM = 1e-5


class Published(NamedTuple):
    """A checkpoint in shared/weights, what builds it, its row in zoo_set5.json, the mean that is quoted for it."""

    checkpoint: str
    folder: str
    args: dict[str, object]
    data_range: float
    mean_db: float | None = None

    @property
    def scale(self) -> int:
        return int(str(self.args["scale"]))


PUBLISHED = (
    Published("rlfn_x2", "rlfn", {"scale": 2}, 255.0, 38.067),
    Published("rlfn_x4", "rlfn", {"scale": 4}, 255.0),
    Published("rlfn_s_x2", "rlfn", {"scale": 2, "size": "s"}, 255.0),
    Published("rlfn_s_x4", "rlfn", {"scale": 4, "size": "s"}, 255.0),
    Published("rlfn_ntire_x4", "rlfn", {"scale": 4, "size": "ntire"}, 255.0),
    Published("bicubic_pp_x3", "bicubic_pp", {"scale": 3}, 1.0, 31.774),
)


def name(case: Published) -> str:
    return case.checkpoint


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The order of float sums must not hang on how many cores the machine has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def checkpoint(case: Published, shared: Path) -> Path:
    path = shared / "weights" / f"{case.checkpoint}.pth"
    if not path.is_file():
        pytest.skip(f"needs {path.name} in shared/weights")
    return path


@pytest.mark.shared
@pytest.mark.parametrize("case", PUBLISHED, ids=name)
def test_set5_is_the_official_codes_image_by_image(case: Published, shared: Path) -> None:
    entry = getattr(load_arch(ROOT / "reference_models" / case.folder), case.folder)
    model = entry(**case.args, checkpoint=str(checkpoint(case, shared)))
    golden = json.loads((shared / "golden" / "zoo_set5.json").read_text())[case.checkpoint]
    folder = shared / "data" / "SelfExSR" / "data" / "Set5" / f"image_SRF_{case.scale}"
    pictures = sorted(folder.glob("*_LR.png"))
    assert len(pictures) == len(golden["ssim_y"]) == 5
    convention = Convention(colour=Colour.Y, border=case.scale)
    found_db = []
    for path, psnr_db, ssim in zip(pictures, golden["psnr_y_bt601_border_scale"], golden["ssim_y"], strict=True):
        lr, hr = read_rgb(path), read_rgb(path.with_name(path.name.replace("_LR", "_HR")))
        if case.folder == "bicubic_pp":
            lr = lr[: lr.shape[0] // 2 * 2, : lr.shape[1] // 2 * 2]
        image = torch.from_numpy(lr.copy()).permute(2, 0, 1)[None].float() / 255 * case.data_range
        with torch.no_grad():
            out = (model(image)[0] / case.data_range).clamp(0, 1) * 255
        sr = out.round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
        hr = np.ascontiguousarray(hr[: sr.shape[0], : sr.shape[1]])
        values = measure(sr, hr, [convention], threads=1)
        found_db.append(10 * math.log10(255**2 / values.mse[convention.key]))
        assert found_db[-1] == pytest.approx(psnr_db, abs=PSNR_DB), path.name
        assert values.ssim[convention.key] == pytest.approx(ssim, abs=SSIM), path.name
    if case.mean_db is not None:
        assert sum(found_db) / 5 == pytest.approx(case.mean_db, abs=5e-4)


@pytest.mark.shared
@pytest.mark.parametrize("case", PUBLISHED, ids=name)
def test_manifest_names_this_very_checkpoint(case: Published, shared: Path) -> None:
    tables = manifest(ROOT / "reference_models" / case.folder)["model"]
    [table] = [table for table in tables if table["args"] == case.args]
    assert table["checkpoint"]["sha256"] == file_sha256(checkpoint(case, shared))
    assert table.get("data_range", 1.0) == case.data_range


@pytest.mark.parametrize("folder", ["rlfn", "bicubic_pp"])
def test_a_checkpoint_of_another_net_is_refused(folder: str, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"conv_1.weight": torch.zeros(1)}, path)
    with pytest.raises(RuntimeError, match="Missing key"):
        getattr(load_arch(ROOT / "reference_models" / folder), folder)(3, checkpoint=str(path))
