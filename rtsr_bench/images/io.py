"""Strict reading and atomic writing of images, so that the measured pixels are never ambiguous."""

from __future__ import annotations

import contextlib
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.writing import replacing
from rtsr_bench.protocol import Size

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
"""The only decoders that Pillow may try; EPS, PSD and similar formats are never opened."""

MAX_PIXELS = 8192 * 8192
"""Larger images are refused by their header; twice an 8K frame, and below Pillow's own limit."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error, zlib.error)
_OPAQUE_MODES = {"1", "L", "P", "RGB"}
_ALPHA_MODES = {"LA", "PA", "RGBA"}
_PNG_SIGNATURE = 8
_PNG_DEPTH_AT = 24  # signature 8, chunk length 4, "IHDR" 4, width 4, height 4
_PIECE = 1 << 20
_ORIENTATION = 0x0112
"""The EXIF tag that makes a viewer rotate or mirror the stored samples; 1 means upright."""


def read_rgb(
    path: Path, *, what: str = "image", drop_alpha: bool = False, any_orientation: bool = False
) -> NDArray[np.uint8]:
    """Read an 8-bit image as uint8 H x W x 3 RGB, C-contiguous and writable.

    Grey and 1-bit images are expanded to RGB, palettes resolved, alpha dropped if it is fully opaque (or always, with
    `drop_alpha`). Colour profiles and gamma chunks are not applied: the stored samples are the image. An EXIF
    orientation other than 1 is refused, because programs differ in whether they apply it; `any_orientation` takes the
    stored samples anyway, for images that are not compared with another file. `what` names the image's role in messages
    ("HR image"). UserError, in one line: no such file, not an image of `FORMATS`, 16-bit, CMYK, transparent, rotated by
    EXIF, animated or multi-frame, truncated or damaged, more than `MAX_PIXELS`.
    """
    with _opened(path, what) as image:
        frames = getattr(image, "n_frames", 1)
        if frames != 1:
            raise UserError(f"{path}: expected a still {what}, found {frames} frames: save only one of them")
        depth, trouble = _png_facts(path) if image.format == "PNG" else (8, "")
        if depth == 16 or image.mode.startswith(("I", "F")):
            raise UserError(f"{path}: expected an 8-bit {what}, found 16 bits per channel: convert it to 8 bits")
        if image.mode not in _OPAQUE_MODES | _ALPHA_MODES:
            raise UserError(f"{path}: expected an RGB or grey {what}, found mode {image.mode}: convert it to RGB")
        if trouble:
            raise UserError(f"{path}: the {what} is {trouble}: fetch it again")
        try:
            image.load()
        except _BROKEN as error:
            raise UserError(
                f"{path}: the {what} is truncated or damaged ({_one_line(error)}): fetch it again"
            ) from error
        if not any_orientation:
            _refuse_turned(path, what, _orientation(image))
        if image.mode in _ALPHA_MODES or "transparency" in image.info:
            rgba = image.convert("RGBA")
            if not drop_alpha and rgba.getchannel("A").getextrema() != (255, 255):
                raise UserError(f"{path}: expected an opaque {what}, found transparent pixels: flatten it first")
            return np.array(rgba.convert("RGB"))
        return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def read_size(path: Path, *, what: str = "image", any_orientation: bool = False) -> Size:
    """Height and width of an image, without decoding it; UserError as in `read_rgb`, as far as the header shows."""
    with _opened(path, what) as image:
        if not any_orientation:
            _refuse_turned(path, what, _orientation_ahead(image, path))
        return Size(image.height, image.width)


def write_png(path: Path, array: NDArray[np.uint8], *, compress_level: int = 1) -> None:
    """Write uint8 H x W x 3 RGB as a PNG, atomically; level 1 is four times as fast as Pillow's default 6.

    ValueError for another shape or dtype; HarnessError if the folder cannot be written (no permission, disk full).
    """
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ValueError(f"expected uint8 H x W x 3, found {array.dtype} {array.shape}")
    try:
        with replacing(path) as file:
            Image.fromarray(array).save(file, format="PNG", compress_level=compress_level)
    except OSError as error:
        reason = error.strerror or _one_line(error)
        raise HarnessError(f"{path}: cannot be written ({reason}): check the folder and its space") from error


@contextlib.contextmanager
def _opened(path: Path, what: str) -> Iterator[Image.Image]:
    """Open an image and check its header and size; UserError if that fails."""
    try:
        image = Image.open(path, formats=FORMATS)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such {what}: check the folder and the file's name") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{path}: {_too_large(what)}, found far more: downscale it") from error
    except UnidentifiedImageError as error:
        if path.stat().st_size == 0:
            raise UserError(f"{path}: the {what} is empty (0 bytes): fetch it again") from error
        formats = ", ".join(FORMATS)
        raise UserError(f"{path}: expected the {what} as {formats}, found another format: convert it") from error
    except _BROKEN as error:
        raise UserError(f"{path}: the {what} cannot be opened ({_one_line(error)}): fetch it again") from error
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise UserError(f"{path}: {_too_large(what)}, found {image.width}x{image.height}: downscale it")
        yield image


def _refuse_turned(path: Path, what: str, orientation: object) -> None:
    if orientation not in (None, 1):
        raise UserError(
            f"{path}: expected the {what} to be stored upright, found EXIF orientation {orientation}, which "
            "some programs apply and others do not: rotate the pixels and save the file without the tag"
        )


def _orientation(image: Image.Image) -> object:
    """The orientation in EXIF (or XMP), None if there is none; a damaged tag is ignored, as viewers do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of damaged metadata
        try:
            return image.getexif().get(_ORIENTATION)
        except (*_BROKEN, TypeError, KeyError):
            return None


def _orientation_ahead(image: Image.Image, path: Path) -> object:
    """The same without decoding: Pillow reads PNG chunks after the pixels only when it decodes them."""
    if image.format != "PNG" or {"exif", "Raw profile type exif", "XML:com.adobe.xmp"} & image.info.keys():
        return _orientation(image)
    with path.open("rb") as file:
        file.seek(_PNG_SIGNATURE)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                image.info["exif"] = b"Exif\0\0" + file.read(min(length, _PIECE))
                return _orientation(image)
            file.seek(length + 4, os.SEEK_CUR)
    return None


def _too_large(what: str) -> str:
    return f"expected the {what} to have at most {MAX_PIXELS} pixels"


def _png_facts(path: Path) -> tuple[int, str]:
    """Bits per sample, and what is wrong with the chunks (empty if nothing is); Pillow ignores both.

    It reads 16-bit colour as 8-bit, accepts files without an end chunk, and accepts chunks with a wrong checksum, which
    may decompress to other pixels.
    """
    with path.open("rb") as file:
        depth = file.read(_PNG_DEPTH_AT + 1)[_PNG_DEPTH_AT]
        file.seek(_PNG_SIGNATURE)
        while len(head := file.read(8)) == 8:
            left, kind = struct.unpack(">I4s", head)
            checksum = zlib.crc32(kind)
            while left and (piece := file.read(min(left, _PIECE))):
                checksum = zlib.crc32(piece, checksum)
                left -= len(piece)
            stored = file.read(4)
            if len(stored) < 4:
                break
            if checksum != int.from_bytes(stored, "big"):
                return depth, "damaged (a chunk has a wrong checksum)"
            if kind == b"IEND":
                return depth, ""  # some programs append their own bytes
    return depth, "truncated (its end is missing)"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
