"""Parameters as deployed, and operations of one forward pass, every call counted where torch dispatches it.

The rule of what counts stands in `operators`. A pass is counted on the meta device, where nothing is computed, or for
real. A process that has tried the meta device counts nothing for real afterwards: a guest may keep the tensors that it
made there. So a request asks for one of the two, and who asks starts another process for the second.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch._compile import _disable_dynamo
from torch.utils._python_dispatch import TorchDispatchMode

from rtsr_bench.measuring.deployed import Deployed
from rtsr_bench.measuring.guest import Guest, no_gradients
from rtsr_bench.measuring.operators import has_formula, is_convolution, is_product, macs
from rtsr_bench.measuring.plain_shapes import compiler_is_loaded, plain_shapes
from rtsr_bench.protocol import Size
from rtsr_bench.record import Count
from rtsr_bench.wire import Counted, CountOperations


class _Counting(TorchDispatchMode):
    """Adds up what passes through the dispatcher while it is active."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's dispatch mode carries no types
        self.macs = self.activations = self.convs = self.calls = 0
        self.uncounted: Counter[str] = Counter()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler at the first call, only to leave this alone."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        keywords = dict(kwargs or {})
        self.calls += 1
        if not isinstance(func, torch._ops.OpOverload):  # noqa: SLF001 - the only name it has
            return self._higher_order(func, args, keywords)
        packet = func._overloadpacket  # noqa: SLF001 - how torch's own counter tells operators apart
        name, formula = packet.__name__, has_formula(packet)
        if not formula:
            with self:
                parts = func.decompose(*args, **keywords)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **keywords)
        if formula or (is_product(func.namespace, name) and _takes_tensors(func)):
            self._add(str(packet), macs(packet, args, keywords, out), out if is_convolution(name) else None)
        return out

    def _higher_order(self, func: Any, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
        """Count what an operator over functions (a loop, a branch, a change of the grad mode) runs."""
        runs = any(_is_function(value) for value in args)
        out = func(*[self._counted(value) if _is_function(value) else value for value in args], **keywords)
        if has_formula(func) or not runs:
            self._add(str(func.name()), macs(func, args, keywords, out), None)
        return out

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **keywords: Any) -> Any:
            with self:
                return function(*args, **keywords)

        return run

    def _add(self, name: str, found: int | None, convolved: Any) -> None:
        if found is None:
            self.uncounted[name] += 1
            return
        self.macs += found
        if isinstance(convolved, torch.Tensor):
            self.convs += 1
            self.activations += math.prod(convolved.shape)


class _BesideCompiler(_Counting):
    """The same for a network that may use torch's compiler, which must not compile what counts."""

    __torch_dispatch__ = _disable_dynamo(_Counting.__torch_dispatch__)


def _takes_tensors(func: Any) -> bool:
    """Whether any argument is a tensor: an operator without one (a marker of a profiler, say) multiplies nothing."""
    return any("Tensor" in str(argument.type) for argument in func._schema.arguments)  # noqa: SLF001 - the only name


def _is_function(value: object) -> bool:
    return callable(value) and not isinstance(value, torch.Tensor)


def count(guest: Guest, request: CountOperations) -> Counted:
    """Count one pass at each LR size, of a model built anew, in the mode in which models are run.

    `computed` says whether the pass is really computed, on the guest's device. Otherwise it runs on the meta device,
    and where the model can't do that, `counts` is empty: ask another process for a computed count. Returns `params`
    (elements of all parameters) and, per size, MACs, FLOPs, activations (output elements of convolutions), the number
    of convolutions, and the uncounted operators by name.
    """
    sizes, computed = request.sizes, request.computed
    guest.forget()
    model = guest.build()
    model.eval()
    params = model.params() if isinstance(model, Deployed) else sum(one.numel() for one in model.parameters())
    if isinstance(model, Deployed):
        accepted = [size for size in sizes if model.size in (None, size)]
        told = model.counts(accepted)
        if told is not None:
            by_size = dict(zip(accepted, told, strict=True))
            counts = [by_size.get(size) or _refused(model, size) for size in sizes]
            return Counted(params=params, counts=tuple(counts))
    device = guest.device if computed else torch.device("meta")
    try:
        if isinstance(model, Deployed) and not computed:
            model = model.without_values()
        model.to(device=device, dtype=torch.float32)
        counts = [_one(model, size, device) for size in sizes]
    except Exception:
        if computed:
            raise
        counts = []
    return Counted(params=params, counts=tuple(counts))


def _one(model: torch.nn.Module, size: Size, device: torch.device) -> Count:
    """Count a pass at one size; a graph of which nothing passes the dispatcher was fused, and is named as uncounted."""
    if isinstance(model, Deployed) and model.size not in (None, size):
        return _refused(model, size)
    tensor = torch.zeros(1, 3, size.height, size.width, device=device)
    counting = None if compiler_is_loaded() else _run_alone(model, tensor)
    if counting is None:
        counting = _BesideCompiler()
        _run(model, tensor, counting)
    fused = isinstance(model, Deployed) and not counting.calls
    return _count(size, counting, {f"the whole graph ({model.kind})": 1} if fused else counting.uncounted)


def _run_alone(model: torch.nn.Module, tensor: torch.Tensor) -> _Counting | None:
    """Run a pass without loading torch's compiler; None where the network loads it, or does not run like that."""
    counting, computed = _Counting(), tensor.device.type != "meta"
    try:
        with nullcontext() if computed else plain_shapes():
            _run(model, tensor, counting)
    except Exception:
        if computed:
            raise
        return None
    return None if compiler_is_loaded() else counting


def _run(model: torch.nn.Module, tensor: torch.Tensor, counting: _Counting) -> None:
    # A scripted graph is counted as it was written: torch fuses it once it has run a few times.
    as_written = torch.jit.optimized_execution(should_optimize=False)  # type: ignore[attr-defined]  # torch.jit exports it silently
    with as_written, no_gradients(), counting:
        model(tensor)


def _refused(model: Deployed, size: Size) -> Count:
    """A graph that accepts another size only has no cost at this one, and is named as uncounted."""
    return _count(size, _Counting(), {f"the whole graph (accepts {model.size} only)": 1})


def _count(size: Size, counting: _Counting, uncounted: Mapping[str, int]) -> Count:
    return Count(
        input=size,
        macs=counting.macs,
        flops=2 * counting.macs,
        activations=counting.activations,
        convs=counting.convs,
        uncounted=dict(sorted(uncounted.items())),
    )
