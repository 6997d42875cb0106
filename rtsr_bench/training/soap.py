"""SOAP: Adam in the eigenbases of Shampoo's preconditioner (Vyas et al. 2024, arXiv:2409.11321)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EIGENBASES_EVERY = 20
"""Steps between two refinements of the bases, each one QR decomposition per side."""
FIRST_STEPS = 5
"""The bases are refined in each of the first steps below this number."""


class Soap(torch.optim.Optimizer):
    """SOAP for weights of two or more dimensions, seen as `(out, in * kernel)`; Adam for biases and scalars.

    The gradient G of a weight is rotated by the eigenvectors of the running means of G G^T and G^T G; Adam's second
    moment is kept and applied in that basis, the first moment in the weight's own. The first step only initialises the
    bases. `state_dict()` has everything needed to resume bit-identically, as with torch's optimisers.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        basis_beta: float = 0.95,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "basis_beta": basis_beta, "eps": eps})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step with the parameters' gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(parameter, self.state[parameter], group)
        return loss

    def _step(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        assert parameter.grad is not None
        turned = parameter.ndim > 1
        gradient = parameter.grad.reshape(len(parameter), -1) if turned else parameter.grad.reshape(1, -1)
        if not state:
            _begin(state, gradient, turned=turned)
            return
        state["step"] += 1
        number, (beta1, beta2) = state["step"], group["betas"]
        mean, square = state["mean"], state["square"]
        mean.lerp_(gradient, 1 - beta1)
        seen = state["left_basis"].T @ gradient @ state["right_basis"] if turned else gradient
        square.mul_(beta2).addcmul_(seen, seen, value=1 - beta2)
        moved = state["left_basis"].T @ mean @ state["right_basis"] if turned else mean
        moved = moved / (1 - beta1**number) / ((square / (1 - beta2**number)).sqrt() + group["eps"])
        if turned:
            moved = state["left_basis"] @ moved @ state["right_basis"].T
        parameter.add_(moved.reshape(parameter.shape), alpha=-group["lr"])
        if turned:
            _learn_bases(state, gradient, group["basis_beta"])


def _begin(state: dict[str, Any], gradient: Tensor, *, turned: bool) -> None:
    state.update(step=0, mean=torch.zeros_like(gradient), square=torch.zeros_like(gradient))
    if turned:
        for side, outer in (("left", gradient @ gradient.T), ("right", gradient.T @ gradient)):
            state[f"{side}_outer"] = outer
            state[f"{side}_basis"] = torch.linalg.eigh(outer.double())[1].to(outer.dtype)


def _learn_bases(state: dict[str, Any], gradient: Tensor, beta: float) -> None:
    """Add the gradient to the means; periodically refine the bases towards the eigenvectors (one power step)."""
    state["left_outer"].lerp_(gradient @ gradient.T, 1 - beta)
    state["right_outer"].lerp_(gradient.T @ gradient, 1 - beta)
    if state["step"] % EIGENBASES_EVERY == 0 or state["step"] < FIRST_STEPS:
        for side in ("left", "right"):
            state[f"{side}_basis"] = torch.linalg.qr(state[f"{side}_outer"] @ state[f"{side}_basis"])[0]
