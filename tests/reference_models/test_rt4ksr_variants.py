"""RT4KSR's options of the paper, each of them there and none of them another; and the start that its training takes."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from types import ModuleType

import pytest
import torch
from shipped import ROOT

FOLDER = ROOT / "reference_models" / "rt4ksr"


@pytest.fixture(scope="module")
def start() -> ModuleType:
    """`start.py`, which imports the `arch.py` beside it."""
    spec = importlib.util.spec_from_file_location("rt4ksr_start", FOLDER / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.pop("arch", None)
    sys.path.insert(0, str(FOLDER))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("arch", None)
        if before is not None:
            sys.modules["arch"] = before
    return module


def awake(model: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand(parameter.shape, generator=generator) * 0.2 - 0.1)
    return model.eval()


def options(rt4ksr: ModuleType) -> list[dict[str, str]]:
    names = ("fusion", "high_frequencies", "norm")
    values = itertools.product(rt4ksr.FUSIONS, rt4ksr.HIGH_FREQUENCIES, rt4ksr.NORMS)
    return [dict(zip(names, chosen, strict=True)) for chosen in values]


def test_every_combination_deploys_to_the_same_function(rt4ksr: ModuleType) -> None:
    image = torch.rand(1, 3, 15, 18)
    for chosen in options(rt4ksr):
        torch.manual_seed(0)
        training = awake(rt4ksr.training(2, "XXS", **chosen))
        with torch.no_grad():
            torch.testing.assert_close(training.deployed_form()(image), training(image), rtol=0, atol=1e-5)


def test_options_are_different_functions_except_where_the_branch_is_not_used(rt4ksr: ModuleType) -> None:
    image = torch.rand(1, 3, 15, 18)
    outputs: dict[tuple[str, str, str], torch.Tensor] = {}
    for chosen in options(rt4ksr):
        torch.manual_seed(0)
        with torch.no_grad():
            outputs[tuple(chosen.values())] = awake(rt4ksr.deployed(2, "XXS", **chosen))(image)
    for (one, first), (other, second) in itertools.combinations(outputs.items(), 2):
        unused = one[0] == other[0] == "none" and one[2] == other[2]
        assert torch.equal(first, second) == unused, (one, other)


def test_fusion_is_gamma_times_body_plus_branch(rt4ksr: ModuleType) -> None:
    torch.manual_seed(0)
    model = awake(rt4ksr.deployed(2, "XXS", fusion="inject"))
    seen: list[torch.Tensor] = []
    model.tail.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image = torch.rand(1, 3, 14, 18)
    with torch.no_grad():
        model(image)
        body = model.head(torch.nn.functional.pixel_unshuffle(image, 2))
        for block in model.body:
            body = torch.nn.functional.gelu(block(body))
        torch.testing.assert_close(seen[0], model.gamma * body + model.high_frequency_features(image))


def test_down_and_up_takes_the_low_frequencies(rt4ksr: ModuleType) -> None:
    flat = torch.full((1, 3, 8, 8), 0.3)
    torch.testing.assert_close(rt4ksr.down_and_up(flat), flat)
    checks = (torch.arange(8)[:, None] + torch.arange(8)) % 2
    board = checks.float().expand(1, 3, 8, 8)
    torch.testing.assert_close(rt4ksr.down_and_up(board), torch.full((1, 3, 8, 8), 0.5))


@pytest.mark.parametrize("name", ["fusion", "high_frequencies", "norm", "blur"])
def test_an_unknown_option_is_named(rt4ksr: ModuleType, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected one of .* found 'other'"):
        rt4ksr.deployed(2, "S", **{name: "other"})


def test_folding_changes_neither_output_nor_gradients(rt4ksr: ModuleType) -> None:
    torch.manual_seed(0)
    block = rt4ksr.ExpandedConv3x3(6).double()
    features = torch.rand(2, 6, 9, 8, dtype=torch.float64)
    found = {}
    for folded in (False, True):
        block.folded = folded
        block.zero_grad()
        output = block(features)
        output.square().sum().backward()
        found[folded] = [output.detach(), *(parameter.grad.clone() for parameter in block.parameters())]
    for plain, folded_value in zip(found[False], found[True], strict=True):
        torch.testing.assert_close(folded_value, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("size", "scale", "fusion"), [("S", 2, "inject"), ("XXS", 3, "inject"), ("S", 4, "none")])
def test_training_starts_as_an_interpolation(start: ModuleType, size: str, scale: int, fusion: str) -> None:
    torch.manual_seed(3)
    model = start.from_interpolation(scale, size, fusion).eval()
    coarse = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    image = torch.nn.functional.interpolate(coarse, (40, 40), mode="bicubic", align_corners=False).clamp(0, 1)
    expected = torch.nn.functional.interpolate(image, scale_factor=scale, mode="bicubic", align_corners=False)
    with torch.no_grad():
        mse = (model(image) - expected).square().mean()
    assert -10 * torch.log10(mse) > 33
    for parameter in model.parameters():
        assert parameter.requires_grad
