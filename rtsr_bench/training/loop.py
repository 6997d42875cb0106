"""The training loop: from a recipe and pictures to deployed weights and their card; it can be killed and resumed."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.locks import locked
from rtsr_bench.training import card, checkpoint
from rtsr_bench.training.clock import Clock
from rtsr_bench.training.interrupts import unbroken
from rtsr_bench.training.network import deployed, mean_psnr
from rtsr_bench.training.samples import samples_of, validation_crops
from rtsr_bench.training.shipping import ship
from rtsr_bench.training.steps import State, fresh, must_be_finite, resume, take_step, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from rtsr_bench.training.pictures import Picture
    from rtsr_bench.training.recipe import Recipe
    from rtsr_bench.training.samples import CropSamples, PictureSamples


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a training runs. Of these settings only `device` affects the result, by its rounding.

    A checkpoint is written every `save_every` seconds; the validation crops are measured `looks` times. The training
    stops after `max_hours` of this call, to be resumed, and waits while `pause_file` exists.
    """

    out: Path
    device: str = "cpu"
    workers: int = 0
    looks: int = 50
    save_every: float = 60.0
    max_hours: float | None = None
    pause_file: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One measurement of the validation crops; `psnr_db` and `bicubic_db` by degradation."""

    step: int
    loss: float
    psnr_db: dict[str, float]
    bicubic_db: dict[str, float]
    samples_per_second: float
    seconds_left: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A finished training: the path of its deployed weights, and `psnr_db` and `bicubic_db` of the last look."""

    weights: Path
    psnr_db: dict[str, float]
    bicubic_db: dict[str, float]

    @property
    def below_bicubic(self) -> bool:
        """Whether it ended below bicubic on the validation crops of every degradation."""
        return all(psnr < self.bicubic_db[name] for name, psnr in self.psnr_db.items())


def train(
    recipe: Recipe,
    train_on: Sequence[Picture],
    validation: Sequence[Picture],
    plan: Plan,
    *,
    look: Callable[[Look], None] = lambda _: None,
) -> Trained | None:
    """Train to the end of the recipe and write the weights; None if `max_hours` ended it earlier.

    A checkpoint in `plan.out` is resumed. On KeyboardInterrupt a checkpoint is written before it is raised again.
    UserError for an unusable recipe or data, a folder that cannot be written, a non-finite loss; HarnessError if
    writing fails. One process at a time per folder: another waits.
    """
    with _held(plan.out):
        return _train(recipe, train_on, validation, plan, look)


@contextlib.contextmanager
def _held(out: Path) -> Iterator[None]:
    """Create the folder and lock it against other processes."""
    with contextlib.ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(out / checkpoint.FILE))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise HarnessError(f"{out}: the folder could not be written to: {error.strerror}") from error
            found = "a file" if out.is_file() else f"one that cannot be written ({error.strerror})"
            raise UserError(f"--out {out}: expected a folder, found {found}; name another one") from error
        yield


def _train(
    recipe: Recipe,
    train_on: Sequence[Picture],
    validation: Sequence[Picture],
    plan: Plan,
    look: Callable[[Look], None],
) -> Trained | None:
    session = _Session(recipe, train_on, validation, plan)
    state = session.state
    try:
        for low, high in _batches(samples_of(recipe, train_on), recipe, plan, state.step):
            session.clock.wait(plan.pause_file)
            seen = session.step(low, high)
            if seen is not None:
                look(seen)
            if session.is_over_time():
                session.keep()
                return None
            session.keep_if_due()
    except KeyboardInterrupt:
        session.keep()
        raise
    session.keep()
    weights = _shipped(recipe, train_on, validation, plan, state, session.device, session.bicubic)
    last = {name: state.curve[-1][name] for name in session.crops}
    return Trained(weights=weights, psnr_db=last, bicubic_db=session.bicubic)


class _Session:
    """One call of `train`: the state it trains, the validation crops, and what is left of time and to save."""

    def __init__(self, recipe: Recipe, train_on: Sequence[Picture], validation: Sequence[Picture], plan: Plan) -> None:
        self.recipe, self.plan, self.device = recipe, plan, torch.device(plan.device)
        code = card.code_digest(recipe)
        same = {"recipe": recipe.digest, "data": card.data_digest(train_on, validation), "device": self.device.type}
        self._same = same | {f"weights grown from, {key}": value for key, value in card.grown_from(recipe).items()}
        self.state = fresh(recipe, self.device)
        kept = checkpoint.load(plan.out, same=self._same, recipe=recipe)
        if kept is not None:
            resume(self.state, kept, recipe, plan.out / checkpoint.FILE)
        if code not in self.state.codes:
            self.state.codes.append(code)  # a training resumed with another version of the code names both in its card
        self.crops = {name: validation_crops(recipe, validation, name) for name in recipe.degradations}
        self.bicubic = {name: mean_psnr(_bicubic(low, recipe.scale), high) for name, (low, high) in self.crops.items()}
        self._every = max(1, recipe.iterations // plan.looks)
        self._first, self._before = self.state.step, self.state.seconds
        self.clock, self._now, self._saved = Clock(), 0.0, 0.0

    def step(self, low: Tensor, high: Tensor) -> Look | None:
        """Take one step; returns a look at the validation crops where one is due. Interrupts wait until it is done."""
        state, recipe = self.state, self.recipe
        with unbroken():
            take_step(state, recipe, low, high, self.device)
            self._now = self.clock.seconds()
            if state.step % self._every and state.step != recipe.iterations:
                return None
            must_be_finite(state, recipe)
            seen = {name: _psnr(state, recipe, pair, self.device) for name, pair in self.crops.items()}
            must_be_finite(state, recipe, *seen.values())
            state.curve.append({"step": state.step, "loss": state.loss, **seen})
        pace = (state.step - self._first) / self._now
        return Look(
            step=state.step,
            loss=state.loss,
            psnr_db=seen,
            bicubic_db=self.bicubic,
            samples_per_second=pace * recipe.batch,
            seconds_left=(recipe.iterations - state.step) / pace,
        )

    def keep(self) -> None:
        """Write a checkpoint."""
        must_be_finite(self.state, self.recipe)
        self.state.seconds = self._before + self.clock.seconds()
        ends = {"course": self.recipe.course, "free_steps": self.recipe.free_steps}
        checkpoint.save(self.plan.out, {**self.state.plain(), **ends, "same": self._same})

    def keep_if_due(self) -> None:
        """Write a checkpoint where `save_every` seconds have passed since the last one."""
        if self._now - self._saved >= self.plan.save_every:
            self.keep()
            self._saved = self._now

    def is_over_time(self) -> bool:
        """Whether this call has trained for `max_hours` and there are steps left."""
        hours = self.plan.max_hours
        return hours is not None and self._now >= hours * 3600 and self.state.step < self.recipe.iterations


def _batches(
    samples: CropSamples | PictureSamples, recipe: Recipe, plan: Plan, done: int
) -> Iterator[tuple[Tensor, Tensor]]:
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


def _psnr(state: State, recipe: Recipe, pair: tuple[Tensor, Tensor], device: torch.device) -> float:
    """Mean PSNR of validation crops with the averaged weights; the model's own weights are restored afterwards."""
    low, high = pair
    own = {name: value.clone() for name, value in state.model.state_dict().items()}
    state.model.load_state_dict(state.average.values, strict=True)
    state.model.eval()
    try:
        with torch.inference_mode():
            parts = [state.model(unit(part, device)).cpu() for part in low.split(max(1, recipe.batch // 4))]
    finally:
        state.model.load_state_dict(own, strict=True)
        state.model.train()
    return mean_psnr(torch.cat(parts), high)


def _bicubic(low: Tensor, scale: int) -> Tensor:
    return torch.nn.functional.interpolate(low.float() / 255, scale_factor=scale, mode="bicubic", align_corners=False)


def _shipped(
    recipe: Recipe,
    train_on: Sequence[Picture],
    validation: Sequence[Picture],
    plan: Plan,
    state: State,
    device: torch.device,
    bicubic: dict[str, float],
) -> Path:
    model = state.model.cpu().float()
    model.load_state_dict({name: value.cpu() for name, value in state.average.values.items()}, strict=True)
    shipped = deployed(model)
    weights = plan.out / f"{recipe.name}.safetensors"

    def described(data: bytes) -> dict[str, Any]:
        return card.card(
            recipe,
            train=train_on,
            validation=validation,
            codes=state.codes,
            machine=card.machine(device),
            seconds=state.seconds,
            finished=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            curve=state.curve,
            bicubic={name: value for name, value in bicubic.items() if math.isfinite(value)},
            weights=weights.name,
            data=data,
            params=sum(parameter.numel() for parameter in shipped.parameters()),
        )

    ship(shipped, weights, described=described)
    return weights
