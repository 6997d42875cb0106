"""Small folders of image pairs, in every layout, and a published set of three of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from small_images import PairFolder, draw

from rtsr_bench.datasets.recipes import Made, Pin, SetRecipe

HR_FOLDER = {
    "gt-lr": "GT",
    "hr-bicubic": "HR",
    "basicsr": "GTmod12",
    "div2k": "DIV2K_valid_HR",
    "selfexsr": "image_SRF_{n}",
    "div2k-lsdir": "DIV2K_LSDIR_valid_HR",
    "lsdir": "HR/val",
}
LR_FOLDER = {
    "gt-lr": "LR{n}",
    "hr-bicubic": "LR_bicubic/X{n}",
    "basicsr": "LRbicx{n}",
    "div2k": "DIV2K_valid_LR_bicubic/X{n}",
    "selfexsr": "image_SRF_{n}",
    "div2k-lsdir": "DIV2K_LSDIR_valid_LR",
    "lsdir": "X{n}/val",
}
HR_NAME = {"selfexsr": "{stem}_SRF_{n}_HR.png"}
LR_NAME = {
    "selfexsr": "{stem}_SRF_{n}_LR.png",
    **dict.fromkeys(("hr-bicubic", "div2k", "div2k-lsdir", "lsdir"), "{stem}x{n}.png"),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def pair_folder() -> PairFolder:
    """Write image pairs of 12 x 24 HR pixels (or `hr`, height and width) into a folder in one of the layouts."""

    def write(
        folder: Path,
        layout: str = "gt-lr",
        *,
        scale: int = 2,
        stems: tuple[str, ...] = ("a", "b"),
        hr: tuple[int, int] = (12, 24),
    ) -> Path:
        for stem in stems:
            hr_file = HR_NAME.get(layout, "{stem}.png").format(stem=stem, n=scale)
            lr_file = LR_NAME.get(layout, "{stem}.png").format(stem=stem, n=scale)
            draw(folder / HR_FOLDER[layout].format(n=scale) / hr_file, *hr)
            draw(folder / LR_FOLDER[layout].format(n=scale) / lr_file, hr[0] // scale, hr[1] // scale)
        return folder

    return write


@pytest.fixture
def toy(tmp_path: Path, pair_folder: PairFolder, monkeypatch: pytest.MonkeyPatch) -> SetRecipe:
    """A published set, Toy3, with three image pairs at x2 and x4, to be had from a file address; x3 is made."""
    origin = tmp_path / "origin"
    for scale in (2, 4):
        pair_folder(origin, "selfexsr", scale=scale, stems=("img_001", "img_002", "img_003"))
    files = sorted(origin.rglob("*.png"))
    recipe = SetRecipe(
        id="toy3",
        title="Toy3",
        license="CC0-1.0",
        source="drawn for these tests",
        names=("Toy3",),
        pins={
            path.relative_to(origin).as_posix(): Pin(
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(), bytes=path.stat().st_size
            )
            for path in files
        },
        made={3: Made(hr_from=2, degradation="matlab-bicubic")},
        base_url=f"{origin.as_uri()}/",
        cache="SelfExSR/data/Toy3",
        hint="rtsr-bench data fetch toy3",
    )
    monkeypatch.setattr("rtsr_bench.datasets.catalog.published", lambda: {"toy3": recipe})
    monkeypatch.setattr("rtsr_bench.datasets.recipes.published", lambda: {"toy3": recipe})
    return recipe
