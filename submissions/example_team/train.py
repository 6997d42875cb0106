"""Train PlainSR on the pictures of `pictures.py` and write its deployed weights beside this file.

    python train.py --scale 2

Everything is seeded: the same machine and versions give the same weights. What it reads is drawn by rtsr_bench or lies
in scikit-image's wheel, nothing is downloaded. The figures that it prints for the test images are made after the last
step and decide nothing.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from arch import PlainSR
from numpy.typing import NDArray
from pictures import training_pictures
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from rtsr_bench.datasets.builtin import builtin_images, image_pixels

FOLDER = Path(__file__).resolve().parent
CHANNELS, DEPTH = 16, 4
LR_PATCH = 48
SHRINK = (1, 2, 3)  # 4K pictures shrunk to a half and a third have the sharp detail of small photographs
PATCHES_PER_PICTURE = 600
BATCH = 16
LEARNING_RATE = 2e-3
SEED = 2023

Pixels = NDArray[np.uint8]
log = logging.getLogger("train")


def main() -> None:
    """Parse the command line, train one scale, write its weights, print its gains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, choices=(2, 3, 4), default=2)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)

    model = train(options.scale, options.steps).deployed_form().eval()
    weights = FOLDER / f"plainsr_x{options.scale}.safetensors"
    save_file(model.state_dict(), weights)
    log.info("%s: %d parameters", weights.name, sum(parameter.numel() for parameter in model.parameters()))
    report(model, options.scale)


def train(scale: int, steps: int) -> PlainSR:
    """The trained network in its training form."""
    pairs = patches(scale)
    model = PlainSR(scale=scale, channels=CHANNELS, depth=DEPTH, deployed=False).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LEARNING_RATE, total_steps=steps, pct_start=0.05)
    started, running = time.monotonic(), 0.0
    for step, (lr, hr) in enumerate(itertools.islice(batches(*pairs), steps), start=1):
        loss = torch.nn.functional.l1_loss(model(lr), hr)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        running += (loss.item() - running) / min(step, 200)
        if step % (steps // 20) == 0:
            log.info("step %6d  loss %.3f  %.1f min", step, running * 255, (time.monotonic() - started) / 60)
    return model


def patches(scale: int) -> tuple[Tensor, Tensor]:
    """Aligned LR and HR patches, uint8 `(N, 3, P, P)` and `(N, 3, P * scale, P * scale)`, the more detailed ones."""
    lrs: list[Pixels] = []
    hrs: list[Pixels] = []
    for (_, picture), shrink in itertools.product(training_pictures(), SHRINK):
        hr = cropped(resized(picture, 1 / shrink), scale)
        lr = resized(hr, 1 / scale)
        corners = [
            (top, left)
            for top in range(0, lr.shape[0] - LR_PATCH + 1, LR_PATCH)
            for left in range(0, lr.shape[1] - LR_PATCH + 1, LR_PATCH)
        ]
        corners.sort(key=lambda corner: detail(cut(hr, corner, scale)), reverse=True)
        for corner in corners[: min(PATCHES_PER_PICTURE, 1 + len(corners) // 2)]:
            lrs.append(cut(lr, corner, 1))
            hrs.append(cut(hr, corner, scale))
    log.info("%d patches of %d x %d LR pixels", len(lrs), LR_PATCH, LR_PATCH)
    return stacked(lrs), stacked(hrs)


def batches(lr: Tensor, hr: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Random patches without end, in [0, 1]: flipped, transposed, and with their colour channels in any order."""
    generator = torch.Generator().manual_seed(SEED)

    def coin() -> bool:
        return bool(torch.rand((), generator=generator) < 0.5)

    while True:
        picked = torch.randint(len(lr), (BATCH,), generator=generator)
        channels = torch.randperm(3, generator=generator)
        flips = [axis for axis in (-1, -2) if coin()]
        transposed = coin()
        pair = []
        for patch in (lr, hr):
            batch = patch[picked][:, channels].flip(flips)
            batch = batch.transpose(-1, -2) if transposed else batch
            pair.append(batch.float().div(255).contiguous(memory_format=torch.channels_last))
        yield pair[0], pair[1]


@torch.inference_mode()
def report(model: PlainSR, scale: int) -> None:
    """Print PSNR (RGB, dB) of the model and of bicubic on each built-in test image, LR by Pillow's bicubic."""
    gains = []
    for image in builtin_images():
        hr = cropped(image_pixels(image), scale)
        lr = stacked([resized(hr, 1 / scale)]).float() / 255
        baseline = torch.nn.functional.interpolate(lr, scale_factor=scale, mode="bicubic", align_corners=False)
        ours, bicubic = psnr(model(lr), hr), psnr(baseline, hr)
        gains.append(ours - bicubic)
        log.info("%-32s bicubic %.3f  PlainSR %.3f  gain %+.3f", image.name, bicubic, ours, gains[-1])
    log.info("x%d: mean gain over bicubic %+.3f dB on %d test images", scale, np.mean(gains), len(gains))


def psnr(sr: Tensor, hr: Pixels) -> float:
    """PSNR over all channels in dB, after rounding to 8 bits."""
    pixels = sr[0].clamp(0, 1).mul(255).round().permute(1, 2, 0).double().numpy()
    return float(10 * np.log10(255**2 / np.mean((pixels - hr) ** 2)))


def resized(image: Pixels, factor: float) -> Pixels:
    """The image at `factor` times its size by Pillow's antialiased bicubic, the challenge's degradation."""
    if factor == 1:
        return image
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def cropped(image: Pixels, scale: int) -> Pixels:
    """The image without the rows and columns at its end that make no whole LR pixel."""
    return image[: image.shape[0] // scale * scale, : image.shape[1] // scale * scale]


def cut(image: Pixels, corner: tuple[int, int], scale: int) -> Pixels:
    """The patch whose LR corner is `corner`, from the LR (scale 1) or the HR image."""
    top, left = (scale * place for place in corner)
    return image[top : top + scale * LR_PATCH, left : left + scale * LR_PATCH]


def detail(patch: Pixels) -> float:
    """Mean absolute difference between neighbours, in grey levels."""
    grey = patch.astype(np.float32).mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def stacked(images: list[Pixels]) -> Tensor:
    """Images of one size as a uint8 tensor `(N, 3, H, W)`."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()


if __name__ == "__main__":
    main()
