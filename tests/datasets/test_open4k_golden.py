"""Open4K against the official code: the whole path, from the published files to PSNR and SSIM."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtsr_bench.datasets import Dataset, prepared
from rtsr_bench.datasets.catalog import find_recipe
from rtsr_bench.datasets.collect import collect
from rtsr_bench.evaluate import Bench
from rtsr_bench.evaluate.fidelity import measure_fidelity
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.record import Failure, Fidelity
from rtsr_bench.score import psnr_db
from rtsr_bench.submissions import discover, load_request, resolve_checkpoint
from rtsr_bench.tracks import find_track

pytestmark = [pytest.mark.shared, pytest.mark.slow]

PSNR_DB, SSIM = 2e-4, 1e-5
"""How near is equal: the official code takes Y and its mean in float32, and torch's convolutions differ by machine."""

MODELS = {"bicubic": "bicubic", "rt4ksr": "rt4ksr_s"}
COLOURS = {"rgb_b0": "rgb", "y_ntire23_b0": "y_official", "y_b0": "y_bt601"}
SETS = {"Open4K": "jpeg90", "Open4K clean": "clean"}


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[int, dict[str, Any]]:
    """For each scale one image of `golden/open4k.json`, with the official code's values for it and the name of its HR.

    All six agree (docs/open4k.md); a 4K image costs a CPU five seconds a model, and one is enough to see a change.
    """
    images = json.loads((shared / "golden" / "open4k.json").read_text())["images"]
    known = {f"{Path(image['file']).stem}.png": image for image in images if "fidelity" in image}
    assert len(known) == 6
    return {scale: {"name": name, **known[name]} for scale, name in zip((2, 3), sorted(known), strict=False)}


@pytest.fixture(scope="module")
def available(
    shared: Path, golden: dict[int, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, list[Dataset | None]]:
    """For each scale the two sets with only its image, fetched from the mirror and prepared."""
    found: dict[int, list[Dataset | None]] = {2: [], 3: []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RTSR_BENCH_MIRROR", f"{shared / 'data' / 'open4k'}:{shared / 'weights'}")
        for scale, sets in found.items():
            patch.setenv("RTSR_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
            for set_id in ("open4k", "open4k-clean"):
                recipe = find_recipe(set_id)
                assert recipe.preparation is not None
                one = [each for each in recipe.preparation.originals if f"{each.stem}.png" == golden[scale]["name"]]
                recipe = replace(recipe, preparation=replace(recipe.preparation, originals=tuple(one)))
                sets.append(prepared.assembled(recipe, collect(recipe, scales=[scale]), scale, "files"))
    return found


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scale", [2, 3])
def test_bicubic_and_rt4ksr_equal_the_official_code(
    available: dict[int, list[Dataset | None]],
    golden: dict[int, dict[str, Any]],
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
    scale: int,
    model: str,
) -> None:
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(shared / "weights"))
    whole = [data for data in available[scale] if isinstance(data, Dataset) and data.verified]
    assert len(whole) == len(SETS)
    compared = 0
    for image in fidelity_of(model, scale, whole).images:
        assert image.name == golden[scale]["name"]
        for key, name in COLOURS.items():
            values = golden[scale]["fidelity"][f"{MODELS[model]}_x{scale}_{SETS[image.data_set]}"]
            assert psnr_db(image.values[f"mse/{key}"]) == pytest.approx(values[f"psnr_{name}"], abs=PSNR_DB)
            compared += 1
            if f"ssim_{name}" in values:
                assert image.values[f"ssim/{key}"] == pytest.approx(values[f"ssim_{name}"], abs=SSIM)
                compared += 1
    assert compared == 3 + 3 + 2


def fidelity_of(model: str, scale: int, data: list[Dataset]) -> Fidelity:
    folder = Path(__file__).parents[2] / "reference_models" / model
    (submission,) = discover(folder)
    spec = next(spec for spec in submission.models if spec.scale == scale)
    request = load_request(spec, submission, resolve_checkpoint(spec, submission))
    with Bench(device="cpu") as bench, bench.start_child() as child:
        loaded = child.ask(request, limit_s=120)
        assert not isinstance(loaded, Failure), loaded
        rules = find_track(f"open4k-x{scale}").protocol
        measured = measure_fidelity(child, data, rules, EAGER_FP32, baselines=bench.baselines, on_image=lambda _: None)
    assert isinstance(measured, Fidelity), measured
    return measured
