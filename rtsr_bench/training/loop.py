"""The loop: from a recipe and a folder of pictures to deployed weights and their card, over any number of kills."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from rtsr_bench.datasets.fetch import locked
from rtsr_bench.training import card, checkpoint
from rtsr_bench.training.network import Average, build, deployed, loss_of, mean_psnr
from rtsr_bench.training.samples import Samples, validation_crops
from rtsr_bench.training.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from rtsr_bench.training.pictures import Picture
    from rtsr_bench.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Where and how a recipe is carried out; nothing here changes what is trained but `device` and its rounding.

    `save_every` seconds lie between checkpoints, `looks` is how many times the validation crops are looked at;
    after `max_hours` of this call it stops where it is, to be gone on with.
    """

    out: Path
    device: str = "cpu"
    workers: int = 0
    looks: int = 50
    save_every: float = 60.0
    max_hours: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look at the validation crops; `psnr_db` and `bicubic_db` by degradation."""

    step: int
    loss: float
    psnr_db: dict[str, float]
    bicubic_db: dict[str, float]
    samples_per_second: float
    seconds_left: float


@dataclass(kw_only=True, slots=True)
class _State:
    """What changes from step to step."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: Average
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average.values,
            "step": self.step,
            "seconds": self.seconds,
            "loss": self.loss,
            "curve": self.curve,
            "codes": self.codes,
        }

    def take(self, kept: dict[str, Any]) -> None:
        self.model.load_state_dict(kept["model"], strict=True)
        self.optimizer.load_state_dict(kept["optimizer"])
        self.scaler.load_state_dict(kept["scaler"])
        for name, value in self.average.values.items():
            value.copy_(kept["average"][name])
        self.step, self.seconds, self.loss = kept["step"], kept["seconds"], kept["loss"]
        self.curve, self.codes = kept["curve"], kept["codes"]


def train(
    recipe: Recipe,
    train_on: Sequence[Picture],
    validation: Sequence[Picture],
    plan: Plan,
    *,
    look: Callable[[Look], None] = lambda _: None,
) -> Path | None:
    """Train until the recipe is done; returns the deployed weights' path, None where `max_hours` ended it before.

    A checkpoint in `plan.out` is gone on with. On KeyboardInterrupt one is written before it is passed on. UserError
    for a recipe or data that can't be trained, HarnessError where the disk refuses. One process at a time per folder:
    another waits.
    """
    plan.out.mkdir(parents=True, exist_ok=True)
    with locked(plan.out / checkpoint.FILE):
        return _train(recipe, train_on, validation, plan, look)


def _train(
    recipe: Recipe,
    train_on: Sequence[Picture],
    validation: Sequence[Picture],
    plan: Plan,
    look: Callable[[Look], None],
) -> Path | None:
    device = torch.device(plan.device)
    code = card.code_digest(recipe)
    same = {"recipe": recipe.digest, "data": card.data_digest(train_on, validation), "device": device.type}
    state = _fresh(recipe, device)
    kept = checkpoint.load(plan.out, same=same)
    if kept is not None:
        state.take(kept)
    if code not in state.codes:
        state.codes.append(code)  # a resumed training may have changed hands between versions: the card names them all
    samples = Samples(recipe, train_on)
    crops = {name: validation_crops(recipe, validation, name) for name in recipe.degradations}
    bicubic = {name: mean_psnr(_bicubic(low, recipe.scale), high) for name, (low, high) in crops.items()}
    every = max(1, recipe.iterations // plan.looks)
    started = saved = time.monotonic()
    first, before = state.step, state.seconds

    def keep() -> None:
        state.seconds = before + time.monotonic() - started
        checkpoint.save(plan.out, {**state.plain(), "same": same})

    try:
        for low, high in _batches(samples, recipe, plan, state.step):
            _step(state, recipe, low, high, device)
            now = time.monotonic()
            if state.step % every == 0 or state.step == recipe.iterations:
                pace = (state.step - first) / (now - started)
                seen = {
                    name: mean_psnr(_upscaled(state, recipe, low, device), high) for name, (low, high) in crops.items()
                }
                state.curve.append({"step": state.step, "loss": state.loss, **seen})
                look(
                    Look(
                        step=state.step,
                        loss=state.loss,
                        psnr_db=seen,
                        bicubic_db=bicubic,
                        samples_per_second=pace * recipe.batch,
                        seconds_left=(recipe.iterations - state.step) / pace,
                    )
                )
            if now - saved >= plan.save_every:
                keep()
                saved = now
            if plan.max_hours is not None and now - started >= plan.max_hours * 3600 and state.step < recipe.iterations:
                keep()
                return None
    except KeyboardInterrupt:
        keep()
        raise
    keep()
    return _ship(recipe, train_on, validation, plan, state, device)


def _fresh(recipe: Recipe, device: torch.device) -> _State:
    model = build(recipe).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    method = Soap if recipe.method == "soap" else torch.optim.Adam
    return _State(
        model=model,
        optimizer=method(model.parameters(), lr=recipe.learning_rate),
        scaler=torch.amp.GradScaler(device.type, enabled=device.type == "cuda"),
        average=Average(model, recipe.ema),
    )


def _batches(samples: Samples, recipe: Recipe, plan: Plan, done: int) -> Iterator[tuple[Tensor, Tensor]]:
    order = range(done * recipe.batch, len(samples))
    loader = torch.utils.data.DataLoader(
        samples,
        batch_size=recipe.batch,
        sampler=order,
        num_workers=plan.workers,
        pin_memory=plan.device.startswith("cuda"),
        worker_init_fn=_one_thread if plan.workers else None,
    )
    yield from itertools.islice(loader, recipe.iterations - done)


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)


def _step(state: _State, recipe: Recipe, low: Tensor, high: Tensor, device: torch.device) -> None:
    for group in state.optimizer.param_groups:
        group["lr"] = _learning_rate(recipe, state.step)
    lr, hr = (_unit(images, device) for images in (low, high))
    with torch.autocast(device.type, dtype=torch.float16, enabled=device.type == "cuda"):
        sr = state.model(lr)
    loss = loss_of(sr, hr, recipe.high_frequency_weight)
    state.optimizer.zero_grad(set_to_none=True)
    state.scaler.scale(loss).backward()
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.step += 1
    state.average.take(state.model, state.step)
    if device.type == "cpu" or state.step % 20 == 0:  # reading a loss waits for the card
        state.loss += (float(loss.detach()) - state.loss) / min(state.step, 200)


def _learning_rate(recipe: Recipe, step: int) -> float:
    warm = min(1.0, (step + 1) / (recipe.warm_up + 1))
    left = 1 - step / recipe.iterations if recipe.decay == "linear" else 1.0
    return recipe.learning_rate * warm * left * 0.5 ** (step // recipe.halve_every)


def _unit(images: Tensor, device: torch.device) -> Tensor:
    moved = images.to(device, non_blocking=True, memory_format=torch.channels_last)
    return moved.float().div(255)


def _upscaled(state: _State, recipe: Recipe, low: Tensor, device: torch.device) -> Tensor:
    """SR of the validation crops by the average, on the CPU; the model's own weights are put back afterwards."""
    own = {name: value.clone() for name, value in state.model.state_dict().items()}
    state.model.load_state_dict(state.average.values, strict=True)
    state.model.eval()
    try:
        with torch.inference_mode():
            parts = [state.model(_unit(part, device)).cpu() for part in low.split(max(1, recipe.batch // 4))]
    finally:
        state.model.load_state_dict(own, strict=True)
        state.model.train()
    return torch.cat(parts)


def _bicubic(low: Tensor, scale: int) -> Tensor:
    return torch.nn.functional.interpolate(low.float() / 255, scale_factor=scale, mode="bicubic", align_corners=False)


def _ship(
    recipe: Recipe,
    train_on: Sequence[Picture],
    validation: Sequence[Picture],
    plan: Plan,
    state: _State,
    device: torch.device,
) -> Path:
    model = state.model.cpu().float()
    model.load_state_dict({name: value.cpu() for name, value in state.average.values.items()}, strict=True)
    shipped = deployed(model)
    weights = plan.out / f"{recipe.name}.safetensors"
    part = plan.out / f".{weights.name}.part"
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
    save_file({name: value.contiguous() for name, value in shipped.state_dict().items()}, part)
    part.replace(weights)
    content = card.card(
        recipe,
        train=train_on,
        validation=validation,
        codes=state.codes,
        machine=card.machine(device),
        seconds=state.seconds,
        finished=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        curve=state.curve,
        weights=weights,
        params=sum(parameter.numel() for parameter in shipped.parameters()),
    )
    card.write(weights.with_suffix(".json"), content)
    return weights
