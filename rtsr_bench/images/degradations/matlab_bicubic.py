"""`matlab-bicubic`: the LR of the classic sets."""

import numpy as np

from rtsr_bench.images.degradations import DEGRADATIONS, Pixels, Resize
from rtsr_bench.images.resize import matlab_imresize
from rtsr_bench.protocol import Size


def _shrink(hr: Pixels, size: Size) -> Pixels:
    return np.asarray(matlab_imresize(hr, size), dtype=np.uint8)


DEGRADATIONS.add(Resize(name="matlab-bicubic", words="MATLAB imresize bicubic, antialiased", shrink=_shrink))
