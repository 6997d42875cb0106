"""Which tracks and images need sizes that a model does not take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from rtsr_bench.evaluate.reach import Reach, Sides, reaches
from rtsr_bench.protocol import Size


def set5(root: Path, *sizes: tuple[int, int]) -> Path:
    folder = root / "Set5" / "image_SRF_4"
    folder.mkdir(parents=True)
    for number, (height, width) in enumerate(sizes, 1):
        pixels = np.full((height * 4, width * 4, 3), number, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"img_{number:03}_SRF_4_HR.png")
        Image.fromarray(pixels[::4, ::4]).save(folder / f"img_{number:03}_SRF_4_LR.png")
    return root


def found(sides: Sides, *roots: Path) -> dict[str, Reach]:
    return {reach.track: reach for reach in reaches(4, sides, roots)}


def test_tracks_whose_images_all_fit_are_whole_and_absent_ones_are_unknown() -> None:
    tracks = found(Sides(least=64))
    assert tracks["builtin-x4"] == Reach(track="builtin-x4")
    tracks = found(Sides(multiple=2))
    assert tracks["builtin-x4"].words == (
        "builtin-x4 (1 of 11 images of Built-in set, such as photo-chelsea.png, 75x112)"
    )
    assert tracks["classic-x4"].whole
    assert "Set5" in tracks["classic-x4"].unknown
    assert tracks["esr2024-x4"].timed == Size(339, 510)
    assert tracks["esr2024-x4"].words == "esr2024-x4 (its timed input 339x510)"
    assert {track.partition("-x")[2] for track in tracks} == {"4"}


def test_images_that_a_model_does_not_take_are_counted_with_an_example(tmp_path: Path) -> None:
    root = set5(tmp_path, (16, 24), (17, 24), (16, 21))
    reach = found(Sides(multiple=2), root)["classic-x4"]
    assert not reach.whole
    assert reach.images[0].startswith("2 of 3 images of Set5")
    assert reach.images[0].endswith("such as img_002_SRF_4_HR.png, 17x24")
    small = found(Sides(least=20), root)["classic-x4"]
    assert small.images[0].startswith("3 of 3 images of Set5")
    assert found(Sides(least=16), root)["classic-x4"].whole


def test_size_rule_in_words() -> None:
    assert Sides().all
    assert Sides(multiple=8).words == "sides that are multiples of 8 only"
    assert Sides(least=48).words == "sides of at least 48 pixels"
    assert Sides(multiple=8, least=96).words == "sides that are multiples of 8 of at least 96 pixels"
