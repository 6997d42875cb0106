"""Weights into a network, strictly: unwrapped, their names matched, with a note of what was done on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.measuring import weightfile
from rtsr_bench.measuring.guest import BadGuest, Notes
from rtsr_bench.measuring.keys import Names, match
from rtsr_bench.measuring.weightfile import Kind
from rtsr_bench.protocol import SCALES

_AVERAGED = frozenset({"ema", "averaged", "average"})
_ORDER = ("params", "state_dict", "model_state_dict", "model", "net", "network", "generator", "net_g")
"""Names under which trainers keep the weights of a network, the most telling first."""

_NO_NETWORK = ("optim", "sched", "scaler", "discriminator", "net_d")
_DEEPEST, _SHOWN, _BESIDE = 4, 3, 8
_ANY = ".*"
"""How a group of names that begin alike is called: `model.*`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Entries of a file that may be a network's weights; `path` are the keys that lead to them.

    `part`: they are those entries of a state dict whose names begin alike, `model.*` beside `loss.*`.
    """

    path: tuple[str, ...]
    entries: Mapping[str, Any]
    part: bool = False

    @property
    def name(self) -> str:
        """The way to them, as a message shows it."""
        return f"`{'.'.join(self.path)}`"

    @property
    def averaged(self) -> bool:
        """Whether they are an exponential moving average."""
        return any(_AVERAGED & set(part.lower().removesuffix(_ANY).split("_")) for part in self.path)

    @property
    def place(self) -> tuple[bool, bool, int, int]:
        """Sorts the likeliest first: whole ones, then averaged ones, then by name, then those that lie least deep."""
        last = self.path[-1].lower().removesuffix(_ANY) if self.path else ""
        named = _ORDER.index(last) + 1 if last in _ORDER else len(_ORDER) * bool(last)
        return self.part, not self.averaged, named, len(self.path)

    @property
    def depth(self) -> int:
        """How many parts of a name these have in common."""
        return self.path[-1].count(".") if self.path else 0

    def iscalled(self, key: str) -> bool:
        """Whether a manifest means these by `weights_key = "params_ema"` or `"ema.state_dict"`."""
        names = {".".join(self.path), self.path[-1] if self.path else ""}
        return key.removesuffix(_ANY).removesuffix(".") in {name.removesuffix(_ANY) for name in names}


def load_weights(
    model: torch.nn.Module, checkpoint: Path, *, allow_pickle: bool, scale: int | None, notes: Notes, key: str = ""
) -> None:
    """Load a file of weights into a network, every one of them; BadGuest with one useful line where they do not fit.

    Wrappings are taken off, an exponential moving average is preferred, and names are matched without `module.` and
    `_orig_mod.`. `scale` is the one that the model is declared for, where it is known; `key` names the weights to take
    where a file holds several.
    """
    kind = weightfile.kind_of(checkpoint)
    content = weightfile.read(checkpoint, kind, allow_pickle=allow_pickle)
    whole = list(_candidates(content, ()))
    found = sorted([*whole, *(part for one in whole for part in _parts(one))], key=lambda one: one.place)
    if key and found:
        found = called(key, found, checkpoint.name)
    if not found:
        inside = f" with {_listed(list(map(str, content)))}" if isinstance(content, Mapping) and content else ""
        raise BadGuest(
            f"{checkpoint.name} holds a {type(content).__name__}{inside}, expected a state dict: tensors by name"
        )
    refused: list[tuple[Candidate, Names, Exception]] = []
    for candidate in found:
        names = match(candidate.entries, model.state_dict())
        try:
            model.load_state_dict(names.renamed(candidate.entries), strict=True)
        except Exception as error:  # noqa: BLE001 - a network may load its weights in its own way
            refused.append((candidate, names, error))
            continue
        if kind is Kind.TORCHSCRIPT or (kind is Kind.SAFETENSORS and checkpoint.suffix != ".safetensors"):
            notes.add(f"{checkpoint.name} is {kind.value} and was read as such")
        for note in _notes(candidate, found, refused, names, content, model):
            notes.add(f"{checkpoint.name}: {note}")
        return
    nearest, names, reason = min(refused, key=lambda one: (one[0].part, one[1].faults))
    where = f"{checkpoint.name}, {nearest.name}," if nearest.path else checkpoint.name
    raise BadGuest(f"{where} {_misfit(names, reason, scale)}") from reason


def weights_in(checkpoint: Path, *, allow_pickle: bool) -> list[Candidate]:
    """Read a file of weights and return what in it may be a network's, the likeliest first; BadGuest for no weights."""
    content = weightfile.read(checkpoint, weightfile.kind_of(checkpoint), allow_pickle=allow_pickle)
    found = sorted(_candidates(content, ()), key=lambda one: one.place)
    if not found:
        raise BadGuest(f"{checkpoint.name} holds a {type(content).__name__}, expected a state dict: tensors by name")
    return found


def _candidates(value: Any, path: tuple[str, ...]) -> Iterator[Candidate]:
    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    if isinstance(value, list | tuple) and len(value) <= _BESIDE:
        value = {str(index): one for index, one in enumerate(value)}
    if not isinstance(value, Mapping) or len(path) > _DEEPEST:
        return
    named = {key: one for key, one in value.items() if isinstance(key, str)}
    entries = {key: one for key, one in named.items() if not isinstance(one, Mapping | torch.nn.Module | list | tuple)}
    if any(isinstance(one, torch.Tensor) for one in entries.values()):
        yield Candidate(path=path, entries=entries)
    for key, one in named.items():
        if not any(word in key.lower() for word in _NO_NETWORK):
            yield from _candidates(one, (*path, key))


def _parts(whole: Candidate) -> Iterator[Candidate]:
    """Groups of entries whose names begin alike, where a state dict has several: a network beside its losses."""
    todo = [(whole, 0)]
    while todo:
        one, depth = todo.pop()
        groups: dict[str, dict[str, Any]] = {}
        for name, value in one.entries.items():
            parts = name.split(".")
            if isinstance(value, torch.Tensor) and len(parts) > depth + 1:
                groups.setdefault(".".join(parts[: depth + 1]), {})[name] = value
        for lead, entries in groups.items():
            if any(word in lead.lower() for word in _NO_NETWORK):
                continue
            part = Candidate(path=(*whole.path, lead + _ANY), entries=entries, part=True)
            if len(entries) < len(one.entries):
                yield part
            if depth + 1 < _DEEPEST:
                todo.append((part, depth + 1))


def called(key: str, found: Sequence[Candidate], file: str) -> list[Candidate]:
    """The weights that a manifest chooses; BadGuest where the file has none of that name."""
    chosen = [one for one in found if one.iscalled(key)]
    if not chosen:
        names = list(dict.fromkeys(one.name for one in found if one.path))
        have = _listed(names, _BESIDE) if names else "no weights under a name"
        raise BadGuest(f"weights_key: expected the name of weights in {file} ({have}), found {key!a}; correct it")
    return chosen


def _notes(
    taken: Candidate,
    found: Sequence[Candidate],
    refused: Sequence[tuple[Candidate, Names, Exception]],
    names: Names,
    content: Any,
    model: torch.nn.Module,
) -> Iterator[str]:
    """Say which weights were taken, what stood beside them, and what was done to them."""
    if taken.path:
        others = [one for one in found if one.part is taken.part and one is not taken and one.path]
        if taken.part:  # its neighbours, and not what is inside of them
            others = [one for one in others if one.path[:-1] == taken.path[:-1] and one.depth == taken.depth]
        beside = [".".join(one.path) for one in others]
        if isinstance(content, Mapping) and not (taken.part and len(taken.path) == 1):
            beside += [str(key) for key in content if str(key) != taken.path[0]]
        said = list(dict.fromkeys(f"`{name}`" for name in beside))
        yield f"the weights are those in {taken.name}" + (f"; beside it: {_listed(said, _BESIDE)}" if said else "")
        alike = [".".join(one.path) for one in others if not match(one.entries, model.state_dict()).faults]
        if alike:
            key = f'weights_key = "{alike[0].removesuffix(_ANY)}"'
            named = _listed([f"`{one}`" for one in alike], _BESIDE)
            fit, which = ("fits", "it") if len(alike) == 1 else ("fit", "the first of them")
            yield f"{named} {fit} as well; {key} in the manifest chooses {which}"
    for candidate, misfit, _ in () if taken.part else refused:
        yield f"{candidate.name if candidate.path else 'the top level'} does not fit the network: {misfit.counts}"
    yield from names.said
    own = {one.dtype for one in (*model.parameters(), *model.buffers()) if one.is_floating_point()}
    held = {one.dtype for one in taken.entries.values() if isinstance(one, torch.Tensor) and one.is_floating_point()}
    if held - own and own:
        yield f"holds {_dtypes(held)}, converted to the network's {_dtypes(own)}"


def _misfit(names: Names, error: Exception, scale: int | None) -> str:
    """One useful line about weights that do not fit: how many, three examples of each kind, what may be the reason."""
    if not names.faults:
        return f"could not be loaded into the network: {type(error).__name__}: {error}"
    said = [f"does not fit the network: {names.counts}"]
    if names.missing:
        said.append(f"Missing in the file: {_listed(names.missing)}")
    if names.unexpected:
        said.append(f"Unknown to the network: {_listed(names.unexpected)}")
    if names.shapes:
        shapes = [f"{name} ({_shape(file)} in the file, {_shape(own)} in the network)"
                  for name, (file, own) in names.shapes.items()]  # fmt: skip
        said.append(f"Of another shape: {_listed(shapes)}")
    like = _scale_of([*names.shapes.values()], scale) if scale else None
    if like:
        said.append(f"The shapes are those of scale {like}; the model is declared as x{scale}")
    return ". ".join(said)


def _scale_of(shapes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], scale: int) -> int | None:
    """The scale for which all weights of another shape were made, by their channels (s or s squared); None for none."""
    for other in SCALES:
        ratios = (other / scale, (other / scale) ** 2)
        fits = all(
            len(file) == len(own) and all(a == b or a / max(1, b) in ratios for a, b in zip(file, own, strict=True))
            for file, own in shapes
        )
        if shapes and other != scale and fits:
            return other
    return None


def _listed(names: Sequence[str], most: int = _SHOWN) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a scalar"


def _dtypes(dtypes: set[torch.dtype]) -> str:
    return " and ".join(sorted(str(one).removeprefix("torch.") for one in dtypes))
