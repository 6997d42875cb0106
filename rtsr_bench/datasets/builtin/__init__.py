"""The built-in set: images drawn by code, bit-identical everywhere, and the photographs in scikit-image's wheel.

Importing this module and listing the images draws and compiles nothing.
"""

from __future__ import annotations

from rtsr_bench.datasets.builtin.catalogue import BuiltinImage, builtin_images, left_out
from rtsr_bench.datasets.builtin.keeping import image_pixels

__all__ = ["BuiltinImage", "builtin_images", "image_pixels", "left_out"]
