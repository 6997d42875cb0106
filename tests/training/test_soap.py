"""SOAP, the method that the CPU recipes step by."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from rtsr_bench.training.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable


def _narrow_valley() -> tuple[torch.nn.Parameter, Callable[[], torch.Tensor]]:
    """A matrix to be found where the loss is 10^6 times as steep one way as another, and no way is an axis."""
    torch.manual_seed(1)
    axes = torch.linalg.qr(torch.randn(8, 8))[0] @ torch.diag(torch.logspace(0, -3, 8))
    weight, target = torch.nn.Parameter(torch.randn(4, 8)), torch.randn(4, 8)
    return weight, lambda: ((weight - target) @ axes).square().mean()


def _loss_after(method: Callable[..., torch.optim.Optimizer], steps: int) -> float:
    weight, loss = _narrow_valley()
    optimizer = method([weight], lr=0.1)
    for number in range(steps):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - number / steps)
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return float(loss().detach())


def test_it_goes_down_a_narrow_valley_that_adam_crosses_to_and_fro() -> None:
    assert _loss_after(Soap, 400) < 0.5 * _loss_after(torch.optim.Adam, 400)


def test_vectors_are_stepped_as_adam_does() -> None:
    ours, theirs = (torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(2))
    soap, adam = Soap([ours], lr=0.1), torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.99))
    for number in range(6):
        gradient = torch.tensor([0.3, -0.2, 0.1 * number])
        ours.grad = gradient.clone()
        soap.step()
        if number:  # the first gradient only begins SOAP's state
            theirs.grad = gradient.clone()
            adam.step()
    torch.testing.assert_close(ours, theirs)


def test_it_does_not_see_how_features_are_turned() -> None:
    torch.manual_seed(2)
    turn = torch.linalg.qr(torch.randn(5, 5))[0]
    weight = torch.randn(4, 5)
    plain, turned = torch.nn.Parameter(weight.clone()), torch.nn.Parameter(weight @ turn)
    methods = Soap([plain], lr=0.1), Soap([turned], lr=0.1)
    for number in range(8):
        gradient = torch.randn(4, 5, generator=torch.Generator().manual_seed(number))
        plain.grad, turned.grad = gradient, gradient @ turn
        for method in methods:
            method.step()
    torch.testing.assert_close(plain @ turn, turned, rtol=1e-3, atol=1e-3)


def test_it_goes_on_from_its_state_to_the_bit() -> None:
    weight, loss = _narrow_valley()
    other, other_loss = _narrow_valley()
    first, second = Soap([weight], lr=0.1), Soap([other], lr=0.1)

    def step(method: Soap, value: Callable[[], torch.Tensor]) -> None:
        method.zero_grad()
        value().backward()
        method.step()

    for _ in range(30):
        step(first, loss)
    with torch.no_grad():
        other.copy_(weight)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for _ in range(30):
        step(first, loss)
        step(second, other_loss)
    assert torch.equal(weight, other)


def test_a_parameter_without_gradient_stays_and_a_closure_gives_its_loss() -> None:
    still, moved = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))
    soap = Soap([still, moved], lr=0.1)

    def closure() -> float:
        soap.zero_grad()
        value = moved.square().sum()
        value.backward()
        return float(value.detach())

    losses = [soap.step(closure) for _ in range(4)]
    assert torch.equal(still, torch.ones(2, 2))
    assert losses[0] is not None
    assert losses[-1] is not None
    assert losses[-1] < losses[0]
