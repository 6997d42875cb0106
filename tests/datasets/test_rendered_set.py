"""The built-in set as a data set; a drawn set of two small images stands in for it, so that nothing large is drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rtsr_bench.datasets import Dataset, find_dataset
from rtsr_bench.datasets.audit import audit
from rtsr_bench.errors import UserError
from rtsr_bench.protocol import Size


@dataclass(frozen=True)
class Drawn:
    """What `builtin_images` gives, as far as a data set looks at it."""

    name: str
    size: Size
    colour: tuple[int, int, int]

    def pixels(self) -> NDArray[np.uint8]:
        return np.full((self.size.height, self.size.width, 3), self.colour, dtype=np.uint8)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.pixels().tobytes()).hexdigest()


SMALL = Drawn("dunes.png", Size(11, 14), (200, 180, 120))
WHOLE = Drawn("skyline.png", Size(2160, 3840), (40, 60, 90))


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtsr_bench.datasets.builtin.builtin_images", lambda: (SMALL, WHOLE))
    monkeypatch.setattr("rtsr_bench.datasets.builtin.image_pixels", Drawn.pixels)
    monkeypatch.setattr("rtsr_bench.datasets.builtin.left_out", dict)


def test_the_built_in_set_holds_the_test_images_and_makes_lr(tmp_path: Path) -> None:
    data = find_dataset("builtin", scale=3, degradation="pillow-bicubic", roots=[tmp_path])
    assert isinstance(data, Dataset)
    assert (data.title, data.verified) == ("Built-in set", True)
    assert [pair.name for pair in data.pairs] == ["dunes.png", "skyline.png"]
    hr, lr = data.pairs[0].both()
    assert (data.pairs[0].size, hr.shape, lr.shape) == (Size(9, 12), (9, 12, 3), (3, 4, 3))
    assert data.pairs[0].identity == f"pixels:{SMALL.sha256},pillow-bicubic/x3"


def test_a_built_in_set_that_lacks_images_does_not_bear_the_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {"cat.png": "cat.png: this scikit-image does not carry it"}
    monkeypatch.setattr("rtsr_bench.datasets.builtin.left_out", lambda: lacking)
    data = find_dataset("builtin", scale=2, degradation="pillow-bicubic")
    assert isinstance(data, Dataset)
    assert (data.title, data.verified) == ("Built-in set (incomplete)", False)
    assert data.note == "1 images left out: cat.png: this scikit-image does not carry it"
    (part,) = audit("builtin", [])
    assert not part.ok
    assert part.missing


def test_the_digest_of_the_built_in_set_follows_degradation_and_scale() -> None:
    digests = {
        data.digest
        for scale in (2, 3)
        for degradation in ("pillow-bicubic", "pillow-bicubic+jpeg90")
        if isinstance(data := find_dataset("builtin", scale=scale, degradation=degradation), Dataset)
    }
    assert len(digests) == 4


def test_the_built_in_set_has_no_lr_files() -> None:
    with pytest.raises(UserError, match="expected a degradation to make LR with"):
        find_dataset("builtin", scale=2, degradation="files: as handed out")


def test_an_unknown_degradation_is_refused_before_an_image_is_read() -> None:
    with pytest.raises(UserError, match="degradation 'noise5': expected one of"):
        find_dataset("builtin", scale=2, degradation="noise5")


def test_verify_draws_every_image_and_names_those_that_come_out_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    (part,) = audit("builtin", [])
    assert part.ok
    assert part.images == 2
    monkeypatch.setattr(
        "rtsr_bench.datasets.builtin.image_pixels", lambda image: image.pixels() + np.uint8(image is SMALL)
    )
    (part,) = audit("builtin", [])
    assert not part.ok
    assert len(part.damaged) == 1
    assert part.damaged[0].startswith("dunes.png: expected pixels with SHA-256")


def as_official(root: Path, names: dict[str, Drawn]) -> None:
    for part, divisor in (("GT", 1), ("LR2", 2)):
        (root / "NTIRE234K" / part).mkdir(parents=True, exist_ok=True)
        for name, image in names.items():
            size = (image.size.width // divisor, image.size.height // divisor)
            Image.new("RGB", size, image.colour).save(root / "NTIRE234K" / part / f"{name}.png", compress_level=1)


@pytest.mark.parametrize(
    "names",
    [
        {"0001": WHOLE},
        {"0001": Drawn("", Size(2160, 3840), (1, 2, 3)), "skyline": WHOLE},
    ],
    ids=["a renamed image", "one under its own name among others"],
)
def test_built_in_images_do_not_pass_for_the_official_set(tmp_path: Path, names: dict[str, Drawn]) -> None:
    as_official(tmp_path, names)
    with pytest.raises(UserError, match=r"never released, found one of the built-in set.*no substitute is accepted"):
        find_dataset("rtsr2023", scale=2, degradation="files", roots=[tmp_path])


def test_a_name_alone_does_not_condemn_an_official_image(tmp_path: Path) -> None:
    as_official(tmp_path, {"skyline": Drawn("", Size(2160, 3840), (1, 2, 3))})
    assert isinstance(find_dataset("rtsr2023", scale=2, degradation="files", roots=[tmp_path]), Dataset)
