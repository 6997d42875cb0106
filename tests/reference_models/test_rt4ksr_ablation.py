"""Table 1 of RT4KSR: every row's MACs and parameters as printed, and the README's table as measured."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from shipped import ROOT, load_arch, manifest
from torch.utils.flop_counter import FlopCounterMode

FOLDER = ROOT / "reference_models" / "rt4ksr_ablation"
PRINTED = {
    # (row, scale): (what the paper calls it, "FLOPs" in G, parameters in K)
    ("a", 2): ("(a) Baseline", 429.98, 35.2),
    ("b", 2): ("(b) Baseline + HFB", 515.98, 34.6),
    ("a-down", 2): ("Baseline + Down-and-Up", 200.66, 35.2),
    ("c", 2): ("(c) Baseline + HFB + Down-and-Up", 286.65, 35.2),
    ("a-unshuffle", 2): ("Baseline + PixelUnshuffle", 1347.28, 346.6),
    ("d", 2): ("(d) Baseline + PixelUnshuffle + squeeze-and-expand", 217.65, 40.0),
    ("e", 2): ("(e) NAFNet block", 353.54, 30.0),
    ("e-hfb", 2): ("NAFNet block + HFB", 439.54, 30.6),
    ("e-down", 2): ("NAFNet block + Down-and-Up", 181.55, 30.0),
    ("f", 2): ("(f) NAFNet block + HFB + Down-and-Up", 267.54, 30.6),
    ("h", 2): ("(h) RT4KSR-S", 171.99, 44.5),
    ("a", 3): ("(a) Baseline", 477.76, 38.5),
    ("h", 3): ("(h) RT4KSR-S", 219.77, 57.5),
}
KEYS = pytest.mark.parametrize(("row", "scale"), list(PRINTED), ids=str)


@pytest.fixture(scope="module")
def arch() -> ModuleType:
    return load_arch(FOLDER)


def params(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def macs(arch: ModuleType, row: str, scale: int, **options: bool) -> int:
    """MACs at the 3840x3840 input that the paper's column holds for, of the layers: without the fixed blur."""
    with torch.device("meta"):
        model, image = arch.ablation(row, scale, blur="shifts", **options), torch.zeros(1, 3, 3840, 3840)
    with FlopCounterMode(display=False) as counter:
        model(image)
    return counter.get_total_flops() // 2


def test_every_row_is_in_the_manifest() -> None:
    models = manifest(FOLDER)["model"]
    assert [(model["variant"], model["scale"]) for model in models] == list(PRINTED)
    for model in models:
        assert model["args"] == {"row": model["variant"], "scale": model["scale"]}
        assert model["untrained"] == "architecture only"


@KEYS
def test_macs_are_printed_to_the_last_digit(arch: ModuleType, row: str, scale: int) -> None:
    counted = macs(arch, row, scale)
    assert f"{counted / 1e9:.2f}" == f"{PRINTED[row, scale][1]:.2f}"
    assert macs(arch, row, scale, **arch.PRINTED_WITH[row]) == counted


@KEYS
def test_printed_parameters_are_those_of_one_reading(arch: ModuleType, row: str, scale: int) -> None:
    counted = params(arch.ablation(row, scale, **arch.PRINTED_WITH[row]))
    assert f"{counted / 1e3:.1f}" == f"{PRINTED[row, scale][2]:.1f}"


@KEYS
def test_every_parameter_takes_part(arch: ModuleType, row: str, scale: int) -> None:
    model = arch.ablation(row, scale)
    with torch.no_grad():  # at their start the scales of blocks and branch hide what lies behind them
        for parameter in model.parameters():
            parameter.add_(0.1)
    model(torch.rand(1, 3, 12, 14)).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_what_is_built_idly_changes_no_pixel(arch: ModuleType) -> None:
    image = torch.rand(1, 3, 12, 14)
    plain, idle = arch.ablation("a", 2), arch.ablation("a", 2, **arch.PRINTED_WITH["a"])
    missing, idly = idle.load_state_dict(plain.state_dict(), strict=False)
    assert not idly
    assert {name.partition(".")[0] for name in missing} == {"hf_conv", "hf_head", "gamma"}
    with torch.no_grad():
        assert torch.equal(idle(image), plain(image))


def test_row_h_is_rt4ksr_s_with_its_branch_injected(arch: ModuleType, rt4ksr: ModuleType) -> None:
    torch.manual_seed(0)
    ours, theirs = arch.ablation("h", 2), rt4ksr.deployed(2, "S", fusion="inject")
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(torch.rand(parameter.shape) * 0.2 - 0.1)
        names = {
            **{f"body.{n}.0.{part}": f"body.{n}.norm.{part}" for n in range(4) for part in ("weight", "bias")},
            **{f"body.{n}.1.{part}": f"body.{n}.conv.{part}" for n in range(4) for part in ("weight", "bias")},
            **{
                f"tail.{n}.{part}": f"tail.{to}.{part}"
                for n, to in enumerate(("norm", "conv"))
                for part in ("weight", "bias")
            },
        }
        theirs.load_state_dict({names.get(name, name): value for name, value in ours.state_dict().items()}, strict=True)
        image = torch.rand(1, 3, 13, 18)
        torch.testing.assert_close(ours(image), theirs(image), rtol=0, atol=1e-5)


def test_a_row_that_is_not_there_is_named(arch: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"row: expected one of a, b, .*, found 'g'"):
        arch.ablation("g", 2)


def grouped(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def test_the_readme_shows_what_was_counted(arch: ModuleType) -> None:
    lines = []
    for (row, scale), (name, printed_g, printed_k) in PRINTED.items():
        built = params(arch.ablation(row, scale))
        reading = params(arch.ablation(row, scale, **arch.PRINTED_WITH[row]))
        agrees = "yes" if f"{built / 1e3:.1f}" == f"{printed_k:.1f}" else "**no**"
        how = " + ".join(
            {"idle_branch": "idle branch", "own_hf_head": "own HF head"}[name] for name in arch.PRINTED_WITH[row]
        )
        lines.append(
            f"| {name} | `{row}-x{scale}` | {printed_g:.2f} | {macs(arch, row, scale) / 1e9:.4f} | {printed_k:.1f} K "
            f"| {grouped(built)} | {agrees} | {f'{grouped(reading)}: {how}' if how else ''} |"
        )
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "\n".join(lines) in readme
