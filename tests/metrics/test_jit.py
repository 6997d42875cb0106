from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from rtsr_bench.metrics import definition, jit, kernels
from rtsr_bench.metrics.window import C1, C2, gaussian
from rtsr_bench.protocol import Colour, Convention

PROBE = """
import sys
import numpy as np
from rtsr_bench.metrics.fidelity import measure
from rtsr_bench.protocol import Colour, Convention
print("numba" in sys.modules, "torch" in sys.modules)
image = np.arange(20 * 20 * 3, dtype=np.uint8).reshape(20, 20, 3)
print(measure(image, image, [Convention(Colour.RGB)]).ssim["rgb_b0"] > 0.999999)
"""


def _probe(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_neither_compiles_nor_loads_numba_and_the_machine_code_is_kept(tmp_path: Path) -> None:
    assert _probe(NUMBA_CACHE_DIR=str(tmp_path)) == ["False", "False", "True"]
    assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} == {".nbi", ".nbc"}


def _refusing_njit(error: Exception) -> Any:
    """Refuses to cache, and compiles the smaller of the kernels only: the other one takes seconds."""
    real = numba.njit

    def njit(*arguments: Any, cache: bool = False, **options: Any) -> Any:  # numba itself calls it without
        if cache:
            raise error
        compile_it = real(*arguments, **options)
        return lambda kernel: kernel if kernel is kernels.ssim_columns else compile_it(kernel)

    return njit


@pytest.mark.parametrize(
    "error", [RuntimeError("cannot cache function: no locator available"), OSError(28, "No space left on device")]
)
def test_without_a_folder_to_cache_in_it_still_compiles(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(numba, "njit", _refusing_njit(error))
    made = jit._compile()
    image = np.full((4, 5, 3), 7, np.uint8)
    assert made.moments is not kernels.moments
    assert made.moments(image, np.zeros_like(image), 0, 4, 0, 5) == (980.0,) * 6


def test_the_kernels_are_compiled_once() -> None:
    assert jit.compiled() is jit.compiled()


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_the_kernels_as_plain_python_do_what_the_compiled_ones_do(channel: int) -> None:
    rng = np.random.default_rng(channel)
    sr, hr = rng.integers(0, 256, (2, 14, 17, 3), dtype=np.uint8)
    plane = np.array([float(c == channel) for c in range(3)] + [0.0])
    expected = definition.ssim_map(sr[..., channel].astype(float), hr[..., channel].astype(float))[1:3].sum(axis=0)
    for function in (kernels.ssim_columns, jit.compiled().ssim_columns):
        for dtype in (np.float32, np.float64):
            lines, ring = np.empty((4, kernels.TILE + 10), dtype), np.empty((11, 4, kernels.TILE))
            sums = function(sr, hr, plane, np.array(gaussian()), np.array([C1, C2]), lines, ring, 1, 3)
            np.testing.assert_allclose(sums, expected, rtol=0, atol=1e-12)
    six = kernels.moments(sr, hr, 0, 14, 0, 17)
    assert six == jit.compiled().moments(sr, hr, 0, 14, 0, 17)
    assert sum(six[:3]) / (3 * 14 * 17) == pytest.approx(definition.mse(sr, hr, Convention(Colour.RGB)))
