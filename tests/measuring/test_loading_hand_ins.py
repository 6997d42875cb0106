"""Submissions of tests/hand_ins, each after a bug report of the field: what they hold is what is measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from loaded_guests import HAND_INS, weights_in

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.measuring import contract
from rtsr_bench.measuring.enhance import checked, forward
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.wire import CheckContract

LoadHandIn = Callable[[str], Guest]
LINEAR = {"size": (12, 20), "mode": "bilinear", "align_corners": False}


def without(prefix: str, weights: dict[str, Any]) -> dict[str, Any]:
    return {name.replace(prefix, ""): value for name, value in weights.items()}


@pytest.mark.parametrize(
    ("name", "file", "inside", "notes"),
    [
        (
            "double_module",
            "net.pth",
            lambda held: without("module.", held["state_dict"]),
            ("the weights are those in `state_dict`", "`module.` was taken off the names of 4 weights"),
        ),
        (
            "orig_mod",
            "net.pth",
            lambda held: without("_orig_mod.", held),
            ("`_orig_mod.` was taken off the names of 4",),
        ),
        ("own_module", "net.pth", lambda held: held, ()),
        ("float64", "net.pth", lambda held: held, ("holds float64, converted to the network's float32",)),
        ("safetensors_as_pth", "net.pth", lambda held: held, ("is a safetensors file and was read as such",)),
        ("safetensors_module", "net.safetensors", lambda held: without("module.", held), ("`module.` was taken off",)),
        (
            "state_dict_ema",
            "net.pth",
            lambda held: held["state_dict_ema"],
            (
                "the weights are those in `state_dict_ema`; beside it: `state_dict`, `epoch`",
                '`state_dict` fits as well; weights_key = "state_dict" in the manifest chooses it',
            ),
        ),
        (
            "ref_module_prefix_safetensors",
            "net.safetensors",
            lambda held: without("module.", held),
            ("`module.` was taken off the names of 6 weights",),
        ),
        ("ntire_half", "checkpoint.pth", lambda held: held, ("the model came in float16; it is converted",)),
    ],
)
def test_submission_is_measured_with_its_own_weights(
    name: str, file: str, inside: Callable[[Any], dict[str, Any]], notes: tuple[str, ...], load_hand_in: LoadHandIn
) -> None:
    if name.startswith("ref_") and not (Path(__file__).parents[2] / "reference_models").is_dir():
        pytest.skip("needs the reference models of the checkout")
    wanted = inside(weights_in(HAND_INS / name / file))
    guest = load_hand_in(name)
    loaded = guest.model(EAGER_FP32).state_dict()
    assert loaded.keys() == wanted.keys()
    for key, value in loaded.items():
        assert value.dtype is torch.float32
        assert torch.equal(value, wanted[key].float()) or name == "ntire_half"  # that one is rounded to half by itself
        torch.testing.assert_close(value, wanted[key].float(), rtol=1e-3, atol=1e-4)
    assert len(guest.notes) == len(notes), guest.notes
    for note, expected in zip(guest.notes, notes, strict=True):
        assert expected in note


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "lfs_pointer",
            "net.pth is a Git LFS pointer (130 bytes that stand for the file), not the weights; run `git lfs",
        ),
        ("truncated", "net.pth is truncated: its end is missing, 6445 bytes are there; copy or download it again"),
    ],
)
def test_file_without_weights_is_described(name: str, message: str, load_hand_in: LoadHandIn) -> None:
    with pytest.raises(BadGuest) as caught:
        load_hand_in(name)
    assert str(caught.value).startswith(message)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # in the submission's own code
@pytest.mark.parametrize(
    "name",
    [
        "arch_loads_torchscript",
        "eval_returns_none",
        "jit_scripted_inside",
        "lazy_conv",
        "ntire_half",
        "returns_half",
        "ts_half",
    ],
)
def test_submission_runs_in_every_precision(name: str, load_hand_in: LoadHandIn) -> None:
    guest = load_hand_in(name)
    assert contract.find_scale(guest) == 2
    image = torch.rand(1, 3, 6, 10, generator=torch.Generator().manual_seed(3))
    exact = checked(forward(guest, image, EAGER_FP32), 1, Size(12, 20))
    assert exact.dtype is torch.float32
    if name in ("returns_half", "eval_returns_none"):  # they add nothing to the enlarged image
        torch.testing.assert_close(exact, torch.nn.functional.interpolate(image, **LINEAR))
    for precision in (Precision.FP16, Precision.BF16, Precision.AMP_BF16, Precision.FP32):
        there = checked(forward(guest, image, EAGER_FP32.in_precision(precision)), 1, Size(12, 20)).float()
        torch.testing.assert_close(there, exact, rtol=0, atol=0.0 if precision is Precision.FP32 else 0.05)
    halves = (Precision.FP16, Precision.BF16)
    asked = CheckContract(scale=2, sizes=(Size(24, 40), Size(25, 41)), precisions=halves)
    findings = contract.check(guest, asked).findings
    assert all(finding.ok is not False for finding in findings), findings


def test_lazy_parts_are_the_same_in_every_build_and_process(load_hand_in: LoadHandIn) -> None:
    guest = load_hand_in("lazy_conv")
    assert guest.notes == ["lazy modules (1) were initialized by one call on an image of 64x64"]
    first, second = (guest.build().state_dict() for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert first["head.weight"].shape == (8, 3, 3, 3)
