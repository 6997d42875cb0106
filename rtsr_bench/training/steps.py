"""The state of a training and its step: deterministic to the bit; a non-finite state is never saved."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch._dynamo.exc import TorchDynamoException

from rtsr_bench.errors import UserError
from rtsr_bench.training.network import Average, build, loss_of
from rtsr_bench.training.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from rtsr_bench.training.recipe import Recipe

_READ_EVERY = 20
"""Steps between two readings of the loss on a GPU, because each reading synchronises."""


@dataclass(kw_only=True, slots=True)
class State:
    """Everything that changes from step to step."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: Average
    forward: Callable[[Tensor], Tensor]
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """The state as plain values for a checkpoint."""
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
        """Restore the state from the values of `plain`; torch raises an error if they are of another network."""
        self.model.load_state_dict(kept["model"], strict=True)
        self.optimizer.load_state_dict(kept["optimizer"])
        self.scaler.load_state_dict(kept["scaler"])
        for name, value in self.average.values.items():
            value.copy_(kept["average"][name])
        self.step, self.seconds, self.loss = kept["step"], kept["seconds"], kept["loss"]
        self.curve, self.codes = kept["curve"], kept["codes"]


def fresh(recipe: Recipe, device: torch.device) -> State:
    """The state before the first step; UserError if the recipe's code builds no network."""
    model = build(recipe).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return State(
        model=model,
        forward=torch.compile(model) if recipe.compile else model,
        optimizer=_optimizer(model, recipe),
        scaler=torch.amp.GradScaler(device.type, enabled=device.type == "cuda"),
        average=Average(model, recipe.ema),
    )


def _optimizer(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.method == "soap":
        return Soap(model.parameters(), lr=recipe.learning_rate)
    fused = True if recipe.method == "fused-adam" else None  # None: torch decides
    return torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=fused)


def resume(state: State, kept: dict[str, Any], recipe: Recipe, file: Path) -> None:
    """Resume from a checkpoint; UserError if it is not of the network that the recipe's code builds."""
    try:
        state.take(kept)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = (str(error).splitlines() or [""])[-1].strip().removesuffix(".")  # torch's first line is a headline
        raise UserError(
            f"{file}: expected a training of the network that {recipe.arch} builds, found another one's ({reason}); "
            "name another --out, or remove the file to start over"
        ) from error


def take_step(state: State, recipe: Recipe, low: Tensor, high: Tensor, device: torch.device) -> None:
    """Take one step on a batch of uint8 crops; UserError if the loss is not finite, without changing the weights."""
    for group in state.optimizer.param_groups:
        group["lr"] = _learning_rate(recipe, state.step)
    lr, hr = (unit(images, device) for images in (low, high))
    with autocast(recipe, state.step, device):
        sr = _forward(state, recipe, lr)
    loss = loss_of(sr, hr, recipe.high_frequency_weight)
    read = device.type == "cpu" or (state.step + 1) % _READ_EVERY == 0
    value = float(loss.detach()) if read else 0.0
    if not math.isfinite(value):
        raise _diverged(recipe, state.step + 1, f"{value}")
    state.optimizer.zero_grad(set_to_none=True)
    state.scaler.scale(loss).backward()
    if recipe.clip:
        state.scaler.unscale_(state.optimizer)
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), recipe.clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.step += 1
    state.average.take(state.model, state.step)
    if read:
        state.loss += (value - state.loss) / min(state.step, 200)


def _forward(state: State, recipe: Recipe, lr: Tensor) -> Tensor:
    """The network's output; UserError if it cannot be compiled, at the first call."""
    try:
        return state.forward(lr)
    except TorchDynamoException as error:
        reason = " ".join(str(error).split()).removesuffix(".")[:200]
        raise UserError(
            f"{recipe.file}: expected torch.compile to work here, found {type(error).__name__}: {reason}; "
            "write compile = false, or install a C++ compiler"
        ) from error


def autocast(recipe: Recipe, step: int, device: torch.device) -> torch.autocast:
    """The precision of a step: bf16 for the first `bf16_share` of the iterations, then fp16 on CUDA, fp32 on a CPU."""
    if step < recipe.bf16_share * recipe.iterations:
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return torch.autocast(device.type, dtype=torch.float16, enabled=device.type == "cuda")


def must_be_finite(state: State, recipe: Recipe, *seen: float) -> None:
    """Raise UserError if the weights, the loss or the values `seen` are not finite; such a state is never saved."""
    values = (*state.model.state_dict().values(), *state.average.values.values())
    if not all(bool(torch.isfinite(value).all()) for value in values):
        raise _diverged(recipe, state.step, "weights that are not")
    if wrong := [value for value in (state.loss, *seen) if not math.isfinite(value)]:
        raise _diverged(recipe, state.step, f"{wrong[0]}")


def _diverged(recipe: Recipe, step: int, found: str) -> UserError:
    rate = _learning_rate(recipe, max(0, step - 1))
    return UserError(
        f"{recipe.file}: expected a loss that stays finite, found {found} at step {step} with a learning rate of "
        f"{rate:.3g}; lower learning_rate or lengthen warm_up, and start over with another --out"
    )


def _learning_rate(recipe: Recipe, step: int) -> float:
    warm = min(1.0, (step + 1) / (recipe.warm_up + 1))
    left = min(1.0, (1 - step / recipe.iterations) / recipe.decay_share)
    fallen = {"none": 1.0, "linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * left)}[recipe.decay]
    return recipe.learning_rate * warm * fallen * 0.5 ** (step // recipe.halve_every)


def unit(images: Tensor, device: torch.device) -> Tensor:
    """Move uint8 images to the device, as float32 in [0, 1]."""
    moved = images.to(device, non_blocking=True, memory_format=torch.channels_last)
    return moved.float().div(255)
