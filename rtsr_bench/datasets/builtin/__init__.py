"""The built-in set: pictures drawn by code, the same to the bit everywhere, and the photographs scikit-image carries.

Importing this, and listing the pictures, draws and compiles nothing.
"""

from __future__ import annotations

from rtsr_bench.datasets.builtin.catalogue import BuiltinImage, Role, builtin_images, left_out
from rtsr_bench.datasets.builtin.keeping import image_pixels

__all__ = ["BuiltinImage", "Role", "builtin_images", "image_pixels", "left_out"]
