"""Names of weights in a file, matched with a network's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

_WRAPPERS = ("module", "_orig_mod")
"""Parts of a name that `DataParallel`, `DistributedDataParallel` and `torch.compile` put in."""

_COUNTERS = frozenset({"n_averaged"})
"""What `torch.optim.swa_utils.AveragedModel` keeps beside the network's own weights."""

_MADE_UP = "num_batches_tracked"
"""A counter of batch normalization that torch makes up where a file is older than it."""

_MOST_LEADS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """How a file's names lead to the network's: `own` by the file's, and what is left over on either side.

    `shapes`: for weights of another shape, that in the file and that in the network.
    """

    own: Mapping[str, str]
    dropped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)

    @property
    def faults(self) -> int:
        """Weights that do not fit."""
        return len(self.missing) + len(self.unexpected) + len(self.shapes)

    @property
    def counts(self) -> str:
        """How many weights do not fit, in words."""
        return f"{len(self.missing)} missing, {len(self.unexpected)} unexpected, {len(self.shapes)} of another shape"

    @property
    def said(self) -> Iterator[str]:
        """What was done to the names, one sentence each."""
        changed = [(file, own) for file, own in self.own.items() if file != own]
        for wrapper in _WRAPPERS:
            less = sum(_count(file, wrapper) > _count(own, wrapper) for file, own in changed)
            more = sum(_count(file, wrapper) < _count(own, wrapper) for file, own in changed)
            if less or more:
                yield f"`{wrapper}.` was {'taken off' if less else 'put before'} the names of {less or more} weights"
        other = [(_plain(file), _plain(own)) for file, own in changed if _plain(file) != _plain(own)]
        leads = {file.removesuffix(own) for file, own in other if file.endswith(own)}
        added = {own.removesuffix(file) for file, own in other if own.endswith(file)}
        if added:
            yield f"`{'`, `'.join(sorted(added))}` was put before the names of all weights"
        if leads:
            yield f"`{'`, `'.join(sorted(leads))}` was taken off the names of all weights"
        if self.dropped:
            yield f"left out, no weights of the network: {', '.join(self.dropped)}"

    def renamed(self, entries: Mapping[str, Any]) -> dict[str, Any]:
        """Return the file's entries under the network's names."""
        return {own: entries[file] for file, own in self.own.items()}


def match(entries: Mapping[str, Any], network: Mapping[str, Any]) -> Names:
    """Match a file's names with a network's: as they stand, or without what wrappers put in front or in between.

    Only as far as the network's own names lack it: a part of the network that is really called `module` stays.
    What is neither a tensor nor known to the network by its very name is left out.
    """
    dropped = tuple(
        name for name, value in entries.items()
        if name not in network and (name in _COUNTERS or not isinstance(value, torch.Tensor)) and not _state(name)
    )  # fmt: skip
    names = [name for name in entries if name not in dropped]
    best = max((_through(names, way) for way in _ways(names, network)), key=lambda own: _hits(own, network))
    found = set(best.values())
    shapes = {}
    for file, own in best.items():
        there, here = _shape(entries[file]), _shape(network.get(own))
        if there is not None and here is not None and there != here:
            shapes[own] = (there, here)
    return Names(
        own=best,
        dropped=dropped,
        missing=tuple(name for name in network if name not in found and not name.endswith(_MADE_UP)),
        unexpected=tuple(file for file, own in best.items() if own not in network),
        shapes=shapes,
    )


def _ways(names: list[str], network: Mapping[str, Any]) -> Iterator[Callable[[str], str]]:
    """Ways to rename, the least one first: none, wrappers in front, anywhere, another part taken off, one added."""
    yield lambda name: name
    for depth in range(1, _MOST_LEADS + 1):
        if not all(set(name.split(".")[:depth]) <= set(_WRAPPERS) for name in names):
            break
        yield partial(_without, depth)
    by_plain = {_plain(name): name for name in network}
    yield lambda name: by_plain.get(_plain(name), _plain(name))
    for depth in range(1, _MOST_LEADS + 1):
        if len({tuple(_plain(name).split(".")[:depth]) for name in names}) != 1:
            break
        yield partial(_plainly_without, depth, by_plain)
    for depth in range(1, _MOST_LEADS + 1):
        leads = {tuple(name.split(".")[:depth]) for name in network}
        if len(leads) != 1:
            break
        yield partial(_with, ".".join(*leads), by_plain)


def _without(depth: int, name: str) -> str:
    return ".".join(name.split(".")[depth:])


def _with(lead: str, by_plain: Mapping[str, str], name: str) -> str:
    return by_plain.get(_plain(f"{lead}.{name}"), name)


def _plainly_without(depth: int, by_plain: Mapping[str, str], name: str) -> str:
    rest = _without(depth, _plain(name))
    return by_plain.get(rest, rest)


def _through(names: list[str], way: Callable[[str], str]) -> dict[str, str]:
    """The file's names and what becomes of them; as they stand where two would become one."""
    renamed = {name: way(name) for name in names}
    return renamed if len(set(renamed.values())) == len(names) else {name: name for name in names}


def _hits(own: Mapping[str, str], network: Mapping[str, Any]) -> int:
    return sum(name in network for name in own.values())


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def _count(name: str, part: str) -> int:
    return name.split(".").count(part)


def _state(name: str) -> bool:
    """Whether a module keeps something else than a tensor under this name, which it reads itself."""
    return name.endswith("_extra_state") or "_packed_params" in name


def _shape(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, torch.Tensor) or isinstance(value, UninitializedParameter | UninitializedBuffer):
        return None
    return tuple(value.shape)
