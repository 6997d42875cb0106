"""Weights for which spandrel finds the architecture: the file is read here, as data, and only its tensors go there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.measuring.guest import BadGuest, Notes
from rtsr_bench.measuring.weights import Candidate, called, weights_in
from rtsr_bench.protocol import SCALES
from rtsr_bench.wire import LoadModel

_COMPILED = "_orig_mod."


class Described(torch.nn.Module):
    """A network as spandrel describes it: padded to the sizes that it accepts, and cropped again."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model: torch.nn.Module = descriptor.model
        self._scale, self._sizes = int(descriptor.scale), descriptor.size_requirements
        # Some architectures are called with more than the image; spandrel keeps how, under a name of its own only.
        self._call: Callable[[Any, torch.Tensor], torch.Tensor] | None = getattr(descriptor, "_call_fn", None)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Enlarge a batch of images of any size."""
        height, width = image.shape[-2:]
        right, below = self._sizes.get_padding(width, height)
        if right or below:
            # Reflection needs more pixels than it adds.
            mode = "reflect" if right < width and below < height else "replicate"
            image = torch.nn.functional.pad(image, (0, right, 0, below), mode=mode)
        output = self.model(image) if self._call is None else self._call(self.model, image)
        return output[..., : height * self._scale, : width * self._scale] if right or below else output


def builder(request: LoadModel, notes: Notes) -> Callable[[], torch.nn.Module]:
    """Return what builds the network that the weights are for, with them in it."""
    path = request.checkpoint
    assert path is not None, "read() of this format requires a checkpoint"
    found = weights_in(path, allow_pickle=request.allow_pickle)  # first: a file that holds none needs no package
    found = called(request.weights_key, found, path.name) if request.weights_key else found
    spandrel = _spandrel()
    entries, descriptor = _recognised(spandrel, path, found, notes)
    _see_that_it_fits(spandrel, descriptor, path, request.scale)
    tags = f" ({', '.join(map(str, descriptor.tags))})" if descriptor.tags else ""
    notes.add(f"spandrel {spandrel.__version__} takes {path.name} for {descriptor.architecture.name}{tags}, "
              f"x{descriptor.scale}")  # fmt: skip
    if not descriptor.supports_half:
        notes.add(f"spandrel says that {descriptor.architecture.name} is not made for fp16")
    return lambda: Described(spandrel.MAIN_REGISTRY.load(dict(entries))).eval()


def _spandrel() -> Any:
    """The package; BadGuest if it is missing. An import error inside it is raised unchanged."""
    try:
        import spandrel
    except ModuleNotFoundError as error:
        if error.name != "spandrel":
            raise
        raise BadGuest(
            'weights without code need spandrel, which is not installed here: pip install "rtsr-bench[zoo]"; or submit '
            "them with the code of the network"
        ) from None
    return spandrel


def _recognised(
    spandrel: Any, path: Path, found: Sequence[Candidate], notes: Notes
) -> tuple[dict[str, torch.Tensor], Any]:
    """The first of the weights found, the likeliest first, that are of a known architecture, and what they make."""
    for candidate in found:
        entries = _tensors(candidate)
        try:
            descriptor = spandrel.MAIN_REGISTRY.load(dict(entries))
        except spandrel.UnsupportedModelError:
            continue
        if len(found) > 1:
            notes.add(f"{path.name}: the weights are those in {candidate.name}")
        return entries, descriptor
    raise BadGuest(
        f"{path.name} holds weights of no architecture that spandrel {spandrel.__version__} knows "
        f"({len(spandrel.MAIN_REGISTRY)} of them); submit them with the code of the network (arch.py and "
        "submission.toml), or as ONNX"
    )


def _tensors(candidate: Candidate) -> dict[str, torch.Tensor]:
    entries = {name: one for name, one in candidate.entries.items() if isinstance(one, torch.Tensor)}
    compiled = all(name.startswith(_COMPILED) for name in entries)
    return {name.removeprefix(_COMPILED): one for name, one in entries.items()} if compiled else entries


def _see_that_it_fits(spandrel: Any, descriptor: Any, path: Path, scale: int | None) -> None:
    what = f"{path.name} is a {descriptor.architecture.name}"
    if not isinstance(descriptor, spandrel.ImageModelDescriptor):
        raise BadGuest(f"{what}, which takes a mask beside the image; expected a network that takes an image alone")
    channels = descriptor.input_channels, descriptor.output_channels
    if channels != (3, 3):
        raise BadGuest(f"{what} of {channels[0]} channels in and {channels[1]} out; expected 3 and 3 (RGB)")
    if descriptor.scale not in SCALES or scale not in (None, descriptor.scale):
        wanted = f"x{scale}" if scale else ", ".join(f"x{one}" for one in SCALES)
        raise BadGuest(f"{what} of scale {descriptor.scale}; expected {wanted}")
