"""`pillow-bicubic`: the LR of the NTIRE 2023 challenge."""

from rtsr_bench.images.degradations import DEGRADATIONS, Resize
from rtsr_bench.images.resize import pillow_bicubic

DEGRADATIONS.add(Resize(name="pillow-bicubic", words="Pillow bicubic, antialiased", shrink=pillow_bicubic))
