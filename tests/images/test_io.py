from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.images.io import MAX_PIXELS, read_rgb, read_size, write_png
from rtsr_bench.protocol import Size


def _pixels(height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _png(depth: int, colour_type: int, width: int, height: int, rows: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _saved(path: Path, mode: str, **options: object) -> None:
    Image.fromarray(_pixels()).convert(mode).save(path, **options)


def _sixteen_bit_rgb(path: Path) -> None:
    path.write_bytes(_png(16, 2, 4, 4, (b"\x00" + b"\x01\x02" * 12) * 4))


def _sixteen_bit_grey(path: Path) -> None:
    path.write_bytes(_png(16, 0, 4, 4, (b"\x00" + b"\x01\x02" * 4) * 4))


def _see_through(path: Path) -> None:
    image = Image.fromarray(_pixels()).convert("RGBA")
    image.putpixel((3, 3), (1, 2, 3, 254))
    image.save(path)


def _see_through_palette(path: Path) -> None:
    Image.fromarray(_pixels()).convert("P").save(path, transparency=0)


def _cmyk(path: Path) -> None:
    _saved(path, "CMYK", format="JPEG")


def _animated_png(path: Path) -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, 90, 200)]
    frames[0].save(path, format="PNG", save_all=True, append_images=frames[1:])


def _animated_gif(path: Path) -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, 90, 200)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def _truncated(path: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(_pixels()).save(whole, format="PNG")
    path.write_bytes(whole.getvalue()[:-200])


def _flipped_bits(path: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(_pixels()).save(whole, format="PNG")
    data = bytearray(whole.getvalue())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def _truncated_jpeg(path: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(_pixels(200, 200)).save(whole, format="JPEG")
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])


def _text(path: Path) -> None:
    path.write_text("404: Not Found")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _bomb(path: Path) -> None:
    path.write_bytes(_png(8, 2, 60_000, 60_000, b"\x00"))


def _large(path: Path) -> None:
    path.write_bytes(_png(8, 2, 9_500, 9_500, b"\x00"))  # Pillow itself only warns of these


def _just_too_large(path: Path) -> None:
    path.write_bytes(_png(8, 2, 8_193, 8_192, b"\x00"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_sixteen_bit_rgb, "16 bits"),
        (_sixteen_bit_grey, "16 bits"),
        (_see_through, "transparent"),
        (_see_through_palette, "transparent"),
        (_cmyk, "mode CMYK"),
        (_animated_png, "3 frames"),
        (_animated_gif, "found another format"),
        (_truncated, "truncated"),
        (_flipped_bits, "is damaged"),
        (_truncated_jpeg, "truncated or damaged"),
        (_text, "found another format"),
        (_empty, "is empty"),
        (_bomb, "downscale"),
        (_large, "downscale"),
        (_just_too_large, "found 8193x8192"),
        (lambda path: None, "no such HR image"),
        (lambda path: path.mkdir(), "cannot be opened"),
    ],
)
def test_a_bad_image_is_refused_in_one_line_that_names_it(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "baby.png"
    make(path)
    with pytest.raises(UserError) as refusal:
        read_rgb(path, what="HR image")
    message = str(refusal.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message


@pytest.mark.parametrize("cut", [1, 4, 11, 12, 13, 20, 21, 500])
def test_a_png_cut_short_anywhere_is_refused(tmp_path: Path, cut: int) -> None:
    write_png(tmp_path / "whole.png", _pixels())
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[:-cut])
    with pytest.raises(UserError, match="truncated"):
        read_rgb(tmp_path / "cut.png")


def test_a_flipped_bit_anywhere_in_a_png_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pixels = np.cumsum(rng.integers(-2, 3, (40, 60, 3)), axis=1).astype(np.uint8)
    file = tmp_path / "a.png"
    Image.fromarray(pixels).save(file)
    whole = file.read_bytes()
    for at in range(33, len(whole), 29):  # behind the header, through the pixels, to the last checksum
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << at % 8
        file.write_bytes(spoilt)
        with pytest.raises(UserError, match=r"a\.png: the image"):
            read_rgb(file)


def test_a_png_whose_pixels_unpack_but_have_another_checksum_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    pixels = np.full((8, 8, 3), 7, np.uint8)
    Image.fromarray(pixels).save(file)
    whole = file.read_bytes()
    at = whole.index(b"IDAT")
    length = int.from_bytes(whole[at - 4 : at], "big")
    other = zlib.compress(zlib.decompress(whole[at + 4 : at + 4 + length]).replace(b"\x07", b"\x08"))
    spoilt = whole[: at - 4] + len(other).to_bytes(4, "big") + b"IDAT" + other + whole[at + 4 + length :]
    file.write_bytes(spoilt)
    with Image.open(file) as image:  # Pillow itself says nothing
        assert not np.array_equal(np.array(image), pixels)
    with pytest.raises(UserError, match="wrong checksum"):
        read_rgb(file)


def test_colour_images_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", _pixels())
    pixels = read_rgb(tmp_path / "a.png")
    assert np.array_equal(pixels, _pixels())
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey_images_are_expanded_to_three_equal_channels(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(_pixels()).convert("L").convert(mode)
    image.save(tmp_path / "grey.png")
    pixels = read_rgb(tmp_path / "grey.png")
    assert pixels.shape == (24, 32, 3)
    for channel in range(3):
        assert np.array_equal(pixels[..., channel], np.array(image.convert("L")))


def test_an_opaque_alpha_channel_is_dropped(tmp_path: Path) -> None:
    Image.fromarray(_pixels()).convert("RGBA").save(tmp_path / "opaque.png")
    assert np.array_equal(read_rgb(tmp_path / "opaque.png"), _pixels())


def test_a_recipe_may_drop_the_alpha_channel_whatever_it_holds(tmp_path: Path) -> None:
    image = Image.fromarray(_pixels()).convert("RGBA")
    image.putalpha(7)
    image.save(tmp_path / "clear.png")
    assert np.array_equal(read_rgb(tmp_path / "clear.png", drop_alpha=True), _pixels())


def test_an_opaque_palette_is_resolved(tmp_path: Path) -> None:
    palette = Image.fromarray(_pixels()).convert("P")
    palette.save(tmp_path / "palette.png")
    assert np.array_equal(read_rgb(tmp_path / "palette.png"), np.array(palette.convert("RGB")))


def _turned(path: Path, orientation: int) -> None:
    """Write an image that EXIF calls turned, in the format of the file's ending."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(_pixels()).save(path, exif=exif)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _turned_behind_the_pixels(path: Path, orientation: int) -> None:
    """Write a PNG whose eXIf chunk stands behind IDAT, where the PNG specification allows it as well."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    write_png(path, _pixels())
    whole = path.read_bytes()
    path.write_bytes(whole[:-12] + _chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + whole[-12:])


def _turned_by_xmp(path: Path, orientation: int) -> None:
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="{orientation}"/></x:xmpmeta>'
    write_png(path, _pixels())
    whole = path.read_bytes()
    text = _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet.encode())
    path.write_bytes(whole[:33] + text + whole[33:])


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.png", _turned),
        ("a.jpg", _turned),
        ("a.webp", _turned),
        ("a.png", _turned_behind_the_pixels),
        ("a.png", _turned_by_xmp),
    ],
)
@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
@pytest.mark.parametrize("read", [read_rgb, read_size])
def test_an_image_that_exif_turns_is_refused_by_name(
    tmp_path: Path, name: str, write: Callable[[Path, int], None], orientation: int, read: Callable[..., object]
) -> None:
    path = tmp_path / name
    write(path, orientation)
    with pytest.raises(UserError) as refusal:
        read(path, what="HR image")
    said = f"{path}: expected the HR image to be stored upright, found EXIF orientation {orientation}, "
    assert str(refusal.value).startswith(said)
    assert "\n" not in str(refusal.value)
    write(path, 1)
    assert read(path, what="HR image") is not None


def test_stored_samples_are_available_without_comparison(tmp_path: Path) -> None:
    _turned(tmp_path / "a.png", 6)
    assert np.array_equal(read_rgb(tmp_path / "a.png", any_orientation=True), _pixels())
    assert read_size(tmp_path / "a.png", any_orientation=True) == Size(24, 32)


def test_damaged_metadata_says_nothing_of_an_orientation(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", _pixels())
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:33] + _chunk(b"eXIf", b"no EXIF at all") + whole[33:])
    assert np.array_equal(read_rgb(tmp_path / "a.png"), _pixels())
    assert read_size(tmp_path / "a.png") == Size(24, 32)


def test_a_tiff_is_refused_as_what_it_is(tmp_path: Path) -> None:
    _turned(tmp_path / "a.tif", 6)
    with pytest.raises(UserError, match=r"a\.tif: expected the image as PNG, JPEG, BMP, WEBP, found another format"):
        read_rgb(tmp_path / "a.tif")


def test_the_size_is_known_from_the_header_alone(tmp_path: Path) -> None:
    header = _png(8, 2, 8_000, 4_000, b"\x00")
    (tmp_path / "headless.png").write_bytes(header)
    assert read_size(tmp_path / "headless.png") == Size(4_000, 8_000)
    assert MAX_PIXELS > 8_000 * 4_000


def test_a_size_above_the_limit_is_refused_from_the_header(tmp_path: Path) -> None:
    _just_too_large(tmp_path / "a.png")
    with pytest.raises(UserError, match="downscale"):
        read_size(tmp_path / "a.png")


def test_writing_leaves_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))

    def full_disk(self: Image.Image, file: io.BufferedWriter, **options: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(HarnessError, match="No space left"):
        write_png(tmp_path / "a.png", _pixels())
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert not read_rgb(tmp_path / "a.png").any()


def test_writing_into_no_folder_is_the_harness_trouble(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be written"):
        write_png(tmp_path / "absent" / "a.png", _pixels())


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_writing_takes_rgb_bytes_only(tmp_path: Path, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        write_png(tmp_path / "a.png", wrong)
