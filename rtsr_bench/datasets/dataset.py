"""The values: an image pair, a data set of image pairs, and a data set that is not available."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.protocol import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rtsr_bench.datasets.builtin import BuiltinImage


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFile:
    """An image in a file, identified by the SHA-256 of its bytes; `what` names its role in messages (`HR image`)."""

    path: Path
    sha256: str
    what: str = "image"

    @property
    def identity(self) -> str:
        """Input of a data set's digest: `file:` and the SHA-256 of the file."""
        return f"file:{self.sha256}"

    @property
    def where(self) -> str:
        """Its name in messages."""
        return str(self.path)

    def read(self) -> NDArray[np.uint8]:
        """The pixels, uint8 H x W x 3 RGB; UserError if the file is not a plain 8-bit image."""
        from rtsr_bench.images.io import read_rgb

        return read_rgb(self.path, what=self.what)


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedImage:
    """An image of the built-in set, identified by the SHA-256 of its raw RGB bytes."""

    image: BuiltinImage

    @property
    def identity(self) -> str:
        """Input of a data set's digest: `pixels:` and the SHA-256 of the raw RGB bytes."""
        return f"pixels:{self.image.sha256}"

    @property
    def where(self) -> str:
        """Its name in messages."""
        return f"built-in image {self.image.name}"

    def read(self) -> NDArray[np.uint8]:
        """The pixels, uint8 H x W x 3 RGB; HarnessError if they differ from the pinned ones."""
        from rtsr_bench.datasets.builtin import image_pixels

        return image_pixels(self.image)


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedImage:
    """An image in a file that was prepared here, identified by the SHA-256 of its raw RGB bytes, not of the file."""

    path: Path
    sha256: str
    what: str = "image"

    @property
    def identity(self) -> str:
        """Input of a data set's digest: `pixels:` and the SHA-256 of the raw RGB bytes."""
        return f"pixels:{self.sha256}"

    @property
    def where(self) -> str:
        """Its name in messages."""
        return str(self.path)

    def read(self) -> NDArray[np.uint8]:
        """The pixels, uint8 H x W x 3 RGB; UserError if they cannot be read or have changed since the set was found."""
        from rtsr_bench.images.io import read_rgb

        pixels = read_rgb(self.path, what=self.what)
        found = hashlib.sha256(pixels.tobytes()).hexdigest()
        if found != self.sha256:
            raise UserError(
                f"{self.path}: expected pixels with SHA-256 {self.sha256[:16]}..., found {found[:16]}...: "
                "it has changed since it was found; `rtsr-bench data fetch open4k` makes it again"
            )
        return pixels


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePair:
    """One LR and HR image; `name` is the HR file's name or the rendered image's.

    `size` is the HR size after the crop (from the top left) to a multiple of `scale`; `lr_source` None means that LR is
    made from the cropped HR by `degradation`. If the pair is a window into a larger one, `whole` is the larger size.
    """

    name: str
    scale: int
    size: Size
    hr_source: ImageFile | RenderedImage | PreparedImage
    lr_source: ImageFile | PreparedImage | None = None
    degradation: str = "files"
    whole: Size | None = None

    @property
    def identity(self) -> str:
        """The identities of HR and LR, such as `file:<sha>,file:<sha>` or `pixels:<sha>,pillow-bicubic/x2`."""
        lr = self.lr_source.identity if self.lr_source else f"{self.degradation}/x{self.scale}"
        window = f",middle {self.size}" if self.whole else ""
        return f"{self.hr_source.identity},{lr}{window}"

    def windowed(self, size: Size) -> ImagePair:
        """The centre of the pair: HR of at most `size`, rounded down to a multiple of scale."""
        height, width = (length - length % self.scale for length in (size.height, size.width))
        window = Size(min(height, self.size.height), min(width, self.size.width))
        return self if window == self.size else replace(self, size=window, whole=self.whole or self.size)

    def hr(self) -> NDArray[np.uint8]:
        """HR as uint8 H x W x 3 RGB of `size`; UserError in one line if it cannot be read or has another size."""
        return self._middle(self._whole_hr(), 1)

    def file_size(self) -> Size:
        """The size of HR before any crop, from its header; UserError if it cannot be read."""
        from rtsr_bench.images.io import read_size

        source = self.hr_source
        return source.image.size if isinstance(source, RenderedImage) else read_size(source.path, what="HR image")

    def lr(self) -> NDArray[np.uint8]:
        """LR as uint8 H x W x 3 RGB, `size` divided by scale; UserError in one line if it has another size."""
        whole = self._lr_file(self.lr_source) if self.lr_source else self._lr_made(self._whole_hr())
        return self._middle(whole, self.scale)

    def both(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """HR and LR; HR is read or drawn only once if LR is made from it."""
        hr = self._whole_hr()
        lr = self._lr_file(self.lr_source) if self.lr_source else self._lr_made(hr)
        return self._middle(hr, 1), self._middle(lr, self.scale)

    def _whole_hr(self) -> NDArray[np.uint8]:
        from rtsr_bench.images.degrade import crop_to_multiple

        hr = crop_to_multiple(self.hr_source.read(), self.scale)
        expected, found = self.whole or self.size, Size(hr.shape[0], hr.shape[1])
        if found != expected:
            raise UserError(
                f"{self.hr_source.where}: expected {expected}, found {found}: it has changed since it was found"
            )
        return hr

    def _middle(self, image: NDArray[np.uint8], shrink: int) -> NDArray[np.uint8]:
        """The window's part of the whole HR (`shrink` 1) or LR (`shrink` the scale)."""
        if self.whole is None:
            return image
        top, left = (
            (whole - window) // 2 // self.scale * self.scale // shrink
            for whole, window in ((self.whole.height, self.size.height), (self.whole.width, self.size.width))
        )
        import numpy as np

        part = image[top : top + self.size.height // shrink, left : left + self.size.width // shrink]
        return np.ascontiguousarray(part)

    def _lr_file(self, source: ImageFile | PreparedImage) -> NDArray[np.uint8]:
        lr = source.read()
        whole = self.whole or self.size
        expected = Size(whole.height // self.scale, whole.width // self.scale)
        if lr.shape[:2] != (expected.height, expected.width):
            found = Size(lr.shape[0], lr.shape[1])
            raise UserError(
                f"{source.where}: expected {expected} (HR {self.name} is {whole}, x{self.scale}), found {found}"
            )
        return lr

    def _lr_made(self, hr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        from rtsr_bench.images.degrade import degrade

        return degrade(hr, self.scale, self.degradation, image=self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """Image pairs at one scale, in the order of their names.

    `verified`: every file matches its published hash. `title` is shown to readers; an unverified set never has a
    published set's plain title. `note`, one line, says what differs or how it was made.
    """

    id: str
    title: str
    scale: int
    pairs: tuple[ImagePair, ...]
    verified: bool
    note: str = ""
    license: str = ""
    folder: Path | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (first 16 hex digits) over names and identities, in order."""
        text = "".join(f"{pair.name}\n{pair.identity}\n" for pair in self.pairs)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def first(self, count: int) -> Dataset:
        """The set with only its first `count` pairs, and therefore another digest if it had more."""
        if count < 1:
            raise ValueError(f"expected at least one image, found {count}")
        return replace(self, pairs=self.pairs[:count])

    def windowed(self, size: Size) -> Dataset:
        """The set with only the centre of each image, and therefore another digest if an image was larger."""
        return replace(self, pairs=tuple(pair.windowed(size) for pair in self.pairs))


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A data set that is not available at a scale: why, and how to get it, each in one line."""

    id: str
    title: str
    reason: str
    hint: str
