from __future__ import annotations

import io
import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin, features

from rtsr_bench.errors import UserError
from rtsr_bench.images.degradations import avif
from rtsr_bench.images.degrade import crop_to_multiple, degrade, degraded_file, parse_degradation
from rtsr_bench.images.io import read_rgb
from rtsr_bench.images.resize import matlab_imresize, pillow_bicubic
from rtsr_bench.protocol import Size


def _photograph(height: int = 50, width: int = 71) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    planes = [127 + 120 * np.sin(rows / 5 + k) * np.cos(columns / (6 + k)) for k in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_hr_is_cropped_top_left_to_a_multiple_of_the_scale(scale: int) -> None:
    hr = _photograph()
    cropped = crop_to_multiple(hr, scale)
    assert cropped.shape == (50 // scale * scale, 71 // scale * scale, 3)
    assert np.array_equal(cropped, hr[: cropped.shape[0], : cropped.shape[1]])
    assert cropped.flags.c_contiguous
    assert degrade(hr, scale, "pillow-bicubic").shape == (50 // scale, 71 // scale, 3)


def test_names_say_which_bicubic() -> None:
    hr = _photograph(48, 72)
    assert np.array_equal(degrade(hr, 2, "pillow-bicubic"), pillow_bicubic(hr, Size(24, 36)))
    assert np.array_equal(degrade(hr, 2, "matlab-bicubic"), matlab_imresize(hr, 0.5))


@pytest.mark.parametrize(("name", "sampling"), [("jpeg90", 2), ("jpeg90-420", 2), ("jpeg90-422", 1), ("jpeg90-444", 0)])
def test_jpeg_is_written_with_the_named_subsampling(name: str, sampling: int) -> None:
    pixels, data = degraded_file(_photograph(), 2, f"pillow-bicubic+{name}")
    assert data is not None
    assert np.array_equal(pixels, degrade(_photograph(), 2, f"pillow-bicubic+{name}"))
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert JpegImagePlugin.get_sampling(image) == sampling


def test_a_lower_quality_is_further_from_the_clean_lr() -> None:
    hr = _photograph()
    clean = degrade(hr, 2, "pillow-bicubic").astype(float)
    far, near = (np.mean((degrade(hr, 2, f"pillow-bicubic+jpeg{q}") - clean) ** 2) for q in (30, 95))
    assert far > 2 * near > 0


@pytest.mark.skipif("avif" not in features.get_supported_modules(), reason="this Pillow has no AVIF")
def test_avif_streams_of_x4() -> None:
    hr = np.repeat(np.repeat(_photograph(), 4, axis=0), 4, axis=1)
    clean = degrade(hr, 4, "pillow-bicubic").astype(float)
    far, near = (np.abs(degrade(hr, 4, f"pillow-bicubic+avif{q}-444") - clean).mean() for q in (10, 95))
    assert 2 * near < far
    assert 0 < near < 4


def test_missing_avif_encoder_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avif, "_has_avif", lambda: False)
    with pytest.raises(UserError, match="no AVIF encoder"):
        degrade(_photograph(), 4, "pillow-bicubic+avif60")


@pytest.mark.parametrize(
    "name",
    [
        "bicubic",
        "jpeg90",
        "pillow-bicubic+",
        "pillow-bicubic+noise",
        "pillow-bicubic+noise100",
        "pillow-bicubic+jpeg101",
        "pillow-bicubic+jpeg",
        "files: as they are",
        "pillow-bicubic+jpeg90-411",
        "",
    ],
)
def test_an_unknown_degradation_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UserError, match="expected one of matlab-bicubic, pillow-bicubic") as refusal:
        degrade(_photograph(), 2, name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("scale", "shape"), [(5, (50, 50, 3)), (1, (50, 50, 3)), (4, (3, 50, 3))])
def test_a_scale_that_leaves_nothing_is_refused(scale: int, shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected a scale"):
        degrade(np.zeros(shape, np.uint8), scale, "pillow-bicubic")


def test_a_degradation_in_words() -> None:
    assert (
        parse_degradation("pillow-bicubic+jpeg90").sentence == "Pillow bicubic, antialiased, then JPEG quality 90 4:2:0"
    )
    assert parse_degradation("matlab-bicubic").sentence == "MATLAB imresize bicubic, antialiased"


@pytest.mark.shared
@pytest.mark.parametrize("scale", [2, 3])
def test_the_challenge_degradation_gives_the_golden_pixels(shared: Path, scale: int) -> None:
    golden = json.loads((shared / "golden" / "open4k.json").read_text())
    exact = next(i for i in golden["images"] if i["file"] == "KDE__Cluster_contents_images_3840x2160.png")
    hr = read_rgb(shared / "data" / "open4k" / exact["file"])
    assert sha256(hr.tobytes()).hexdigest() == exact["gt_sha256"]
    assert sha256(degrade(hr, scale, "pillow-bicubic").tobytes()).hexdigest() == exact[f"lr{scale}_sha256"]
    if golden["made_with"].startswith(f"Pillow {Image.__version__} "):
        jpeg = degrade(hr, scale, "pillow-bicubic+jpeg90")
        assert sha256(jpeg.tobytes()).hexdigest() == exact[f"lr{scale}_jpeg90_sha256"]
