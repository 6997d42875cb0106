"""The figures of docs/open4k.md: Open4K's images by category and source, and bicubic's PSNR on them.

    python benchmarks/open4k_card.py

Needs Open4K (`rtsr-bench data fetch open4k`); takes a few minutes on two cores. Bicubic is the baseline of the
score: `F.interpolate(mode="bicubic", align_corners=False)` on LR, clamped, rounded; PSNR over RGB, border 0, and the
mean over images of their PSNR in dB.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from statistics import mean

import numpy as np

from rtsr_bench.datasets import Dataset, ImagePair, Missing, find_dataset
from rtsr_bench.datasets.catalog import find_recipe
from rtsr_bench.datasets.originals import Original
from rtsr_bench.images.colour import luma
from rtsr_bench.images.resize import torch_bicubic
from rtsr_bench.metrics.fidelity import measure
from rtsr_bench.protocol import Colour, Convention
from rtsr_bench.score import psnr_db

SETS = {"open4k": "JPEG 90", "open4k-clean": "clean"}
SCALES = (2, 3)
RGB = Convention(Colour.RGB, 0)
CATEGORIES = {"photography": "photography", "digital-art": "digital art"}


def main() -> None:
    """Print both tables in Markdown."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    preparation = find_recipe("open4k").preparation
    if preparation is None:
        raise AssertionError("Open4K is prepared from originals")
    of_name = {f"{original.stem}.png": original for original in preparation.originals}
    print_sources(preparation.originals)
    values: dict[tuple[str, int], dict[str, float]] = {}
    for set_id in SETS:
        for scale in SCALES:
            data = available(set_id, scale)
            with ThreadPoolExecutor(2) as pool:
                psnr = list(pool.map(bicubic_psnr, data.pairs))
            values[set_id, scale] = {pair.name: value for pair, value in zip(data.pairs, psnr, strict=True)}
    with ThreadPoolExecutor(2) as pool:
        pairs = available("open4k-clean", 2).pairs
        detail = dict(zip((pair.name for pair in pairs), pool.map(gradient, pairs), strict=True))
    heads = [f"x{scale} {SETS[set_id]}" for set_id, scale in values]
    print(f"\n| category | images | detail | {' | '.join(heads)} |\n|---|---|---|{'---|' * len(heads)}")
    for category, title in (*CATEGORIES.items(), ("", "all")):
        names = [name for name, original in of_name.items() if category in ("", original.category)]
        cells = [f"{mean(by_name[name] for name in names):.3f}" for by_name in values.values()]
        print(f"| {title} | {len(names)} | {mean(detail[name] for name in names):.2f} | {' | '.join(cells)} |")
    for key, by_name in values.items():
        low, high = min(by_name, key=by_name.__getitem__), max(by_name, key=by_name.__getitem__)
        print(f"\n{key[0]} x{key[1]}: from {by_name[low]:.2f} dB ({low}) to {by_name[high]:.2f} dB ({high})", end="")
    print()


def print_sources(originals: Iterable[Original]) -> None:
    """One row for each repository, category and licence."""
    counts = Counter((one.repo, one.commit[:7], CATEGORIES[one.category], one.license) for one in originals)
    print("| repository | commit | category | licence | images |\n|---|---|---|---|---|")
    for (*cells, license_), count in sorted(counts.items()):
        print(f"| {' | '.join(cells)} | {license_} | {count} |")


def available(set_id: str, scale: int) -> Dataset:
    """The set, which must be verified: the figures are of these pixels and no others."""
    found = find_dataset(set_id, scale=scale, degradation="files")
    if isinstance(found, Missing):
        sys.exit(f"{found.title}: {found.reason}; {found.hint}")
    if not found.verified:
        sys.exit(f"{found.title}: {found.note}")
    return found


def bicubic_psnr(pair: ImagePair) -> float:
    """PSNR of bicubic on one pair, RGB, dB."""
    hr, lr = pair.both()
    return psnr_db(measure(torch_bicubic(lr, pair.scale), hr, [RGB], ssim=False).mse[RGB.key])


def gradient(pair: ImagePair) -> float:
    """Mean absolute difference of neighbouring pixels of HR in luma (0..255 scale): how much detail there is."""
    y = luma(pair.hr(), Colour.Y).astype(np.float32)
    return float(np.abs(np.diff(y, axis=0)).mean() + np.abs(np.diff(y, axis=1)).mean()) / 2


if __name__ == "__main__":
    main()
