"""Evaluating a light model on 4K images: this package's pipeline against the official procedure, side by side.

    python benchmarks/evaluation.py [--submission FOLDER] [--images N]

The official procedure, step by step on the same images: infer, write SR as PNG, read SR and HR back, then PSNR and SSIM
on RGB and Y (the plain float64 definition). The pipeline: the same model in its child, HR read and fidelity measured
beside it. Both start with the model loaded and one image enhanced. Prints seconds an image and the ratio.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rtsr_bench.datasets import Dataset, find_dataset
from rtsr_bench.evaluate.baseline import Baselines
from rtsr_bench.evaluate.fidelity import measure_fidelity
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.metrics import definition
from rtsr_bench.protocol import Colour, Convention, Size
from rtsr_bench.record import Fidelity
from rtsr_bench.sandbox import Child
from rtsr_bench.submissions import discover, load_request
from rtsr_bench.tracks import find_track
from rtsr_bench.wire import Loaded

PROJECT = Path(__file__).parents[1]
CONVENTIONS = (Convention(Colour.RGB), Convention(Colour.Y))


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submission", type=Path, default=PROJECT / "reference_models" / "bicubic")
    parser.add_argument("--images", type=int, default=4)
    options = parser.parse_args()
    if options.images < 1:
        parser.error(f"--images: expected at least 1, found {options.images}")
    if not options.submission.is_dir():
        parser.error(f"--submission {options.submission}: no such folder")
    found = find_dataset("builtin", scale=2, degradation="pillow-bicubic")
    assert isinstance(found, Dataset)
    large = [pair for pair in found.pairs if pair.size == Size(2160, 3840)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for pair in large[: options.images]:
            hr, lr = pair.both()
            Image.fromarray(hr).save(folder / f"hr-{pair.name}", compress_level=1)
            Image.fromarray(lr).save(folder / f"lr-{pair.name}", compress_level=1)
        from rtsr_bench.datasets.dataset import ImageFile, ImagePair

        pairs = tuple(
            ImagePair(name=pair.name, scale=2, size=pair.size,
                      hr_source=ImageFile(path=folder / f"hr-{pair.name}", sha256="0" * 64),
                      lr_source=ImageFile(path=folder / f"lr-{pair.name}", sha256="1" * 64))
            for pair in large[: options.images]
        )  # fmt: skip
        data = Dataset(id="bench", title="bench", scale=2, pairs=pairs, verified=False)
        official_s = official(options.submission, data, folder)
        bare_s, with_bicubic_s = pipeline(options.submission, data)
    count = len(pairs)
    print(f"{options.submission.name} x2, {count} images of 3840x2160, {torch.get_num_threads()} threads, s an image")
    print(f"official procedure (*)             {official_s / count:7.3f}")
    for name, seconds in (
        ("pipeline, bicubic measured before", bare_s),
        ("pipeline, first model of a run", with_bicubic_s),
    ):
        print(f"{name:<34} {seconds / count:7.3f}   {official_s / seconds:5.1f} times as fast")
    print("(*) its steps, with this package's plain float64 definition of the metrics in place of its own code")


def official(submission: Path, data: Dataset, folder: Path) -> float:
    """Seconds for infer, write, read back, four metrics, one after the other."""
    model = _model(submission)
    _infer(model, data.pairs[0].lr())
    started = perf_counter()
    for pair in data.pairs:
        with Image.open(folder / f"lr-{pair.name}") as image:
            sr = _infer(model, np.asarray(image.convert("RGB")))
        Image.fromarray(sr).save(folder / "sr.png")
        with Image.open(folder / "sr.png") as image:
            back = np.asarray(image.convert("RGB"))
        with Image.open(folder / f"hr-{pair.name}") as image:
            hr = np.asarray(image.convert("RGB"))
        for convention in CONVENTIONS:
            definition.mse(back, hr, convention)
            definition.ssim(back, hr, convention)
    return perf_counter() - started


def pipeline(submission: Path, data: Dataset) -> tuple[float, float]:
    """Seconds of the pipeline: with bicubic's values known, and for the first model of a run."""
    from dataclasses import replace

    track = find_track("builtin-x2")
    rules = replace(track.protocol, conventions=CONVENTIONS)
    (submitted_images,) = discover(submission)
    model = next(model for model in submitted_images.models if model.scale == 2)
    baselines = Baselines()
    with Child(device="cpu") as child:
        loaded = child.ask(load_request(model, submitted_images, None), limit_s=60)
        assert isinstance(loaded, Loaded), loaded

        def run(images: Dataset, known: Baselines) -> float:
            started = perf_counter()
            result = measure_fidelity(child, [images], rules, EAGER_FP32, baselines=known, on_image=_nothing)
            assert isinstance(result, Fidelity), result
            return perf_counter() - started

        run(replace(data, pairs=data.pairs[:1]), Baselines())
        first = run(data, baselines)
        return run(data, baselines), first


def _nothing(done: int) -> None:
    del done


def _model(submission: Path) -> torch.nn.Module:
    (submitted_images,) = discover(submission)
    model = next(model for model in submitted_images.models if model.scale == 2)
    request = load_request(model, submitted_images, None)
    module_name, _, entry = request.entry.partition(":")
    spec = importlib.util.spec_from_file_location("guest", submitted_images.folder / f"{module_name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["guest"] = module
    spec.loader.exec_module(module)
    made: torch.nn.Module = getattr(module, entry)(**model.args)
    return made.eval()


def _infer(model: torch.nn.Module, lr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    with torch.inference_mode():
        tensor = torch.from_numpy(lr.copy()).permute(2, 0, 1)[None].float() / 255
        sr = model(tensor).clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(sr[0].permute(1, 2, 0).numpy())


if __name__ == "__main__":
    main()
