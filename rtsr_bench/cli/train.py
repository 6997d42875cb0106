"""`rtsr-bench train`: run a training recipe; the same command resumes it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtsr_bench.cli.console import say

if TYPE_CHECKING:
    from types import FrameType

    from rtsr_bench.training.loop import Look, Trained


@click.command("train", short_help="Train a model with a recipe and write its deployed weights.")
@click.argument("recipe_file", metavar="RECIPE", type=click.Path(path_type=Path))
@click.option(
    "--data", required=True, multiple=True, type=click.Path(path_type=Path), help="Folder of images (repeatable)."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for checkpoint, weights and card  [training/NAME]."
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads of torch  [as torch decides].")
@click.option("--workers", type=click.IntRange(0), help="Worker processes for samples  [0 on cpu, 8 on cuda].")
@click.option("--max-hours", type=click.FloatRange(0), help="Stop after N hours; run the same command to resume.")
@click.option("--pause-file", type=click.Path(path_type=Path), help="Wait between steps while this file exists.")
def train_command(
    recipe_file: Path,
    data: tuple[Path, ...],
    out: Path | None,
    device: str,
    threads: int | None,
    workers: int | None,
    max_hours: float | None,
    pause_file: Path | None,
) -> None:
    """Train with RECIPE, a TOML file (see docs/training.md), on the images in one or more folders.

    Test images of published sets are left out, whatever their file name: those of Open4K, Set5, Set14 and the built-in
    set are recognised by their pixels, those of BSD100 and Urban100 by the bytes of the published files. Copies with
    other pixels, or other bytes for the latter two, are not recognised. If the training is stopped, the same command
    resumes from the last checkpoint and gives bit-identical weights on the same machine.
    """
    from rtsr_bench.submissions.references import named_by
    from rtsr_bench.training.recipe import read_recipe

    recipe = read_recipe(named_by(recipe_file)[0])
    out = out or Path("training") / recipe.name

    from rtsr_bench.training.loop import Plan, train
    from rtsr_bench.training.pictures import find_pictures, split
    from rtsr_bench.training.place import settle

    device = settle(device, threads)
    pictures, left_out = find_pictures(*data)
    train_on, validation = split(pictures, recipe.validation_pictures)
    say(
        f"{recipe.name}: {recipe.iterations} iterations of {recipe.batch} on {device}, "
        f"{len(train_on)} images for training, {len(validation)} for validation"
    )
    if left_out:
        say(f"left out {len(left_out)} images of test sets, such as {left_out[0]}")
    plan = Plan(
        out=out,
        device=device,
        workers=(8 if device.startswith("cuda") else 0) if workers is None else workers,
        max_hours=max_hours,
        pause_file=pause_file,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    trained = train(recipe, train_on, validation, plan, look=_show)
    if trained is None:
        say(f"stopped after {max_hours:g} h: run the same command to resume from {out}")
        return
    say(f"wrote {trained.weights} and {trained.weights.with_suffix('.json').name}")
    if trained.below_bicubic:
        say(f"below bicubic under every degradation: {_gains(trained)}; do not submit these weights")


def _gains(seen: Look | Trained) -> str:
    return "  ".join(
        f"{name} {psnr:.3f} dB ({psnr - seen.bicubic_db[name]:+.3f})" for name, psnr in seen.psnr_db.items()
    )


def _show(look: Look) -> None:
    left = f"{look.seconds_left / 60:.0f} min left"
    say(f"{look.step:>8}  L1 {255 * look.loss:.3f}  {_gains(look)}  {look.samples_per_second:.0f} samples/s  {left}")


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
