"""What `check` asks in the child: input sizes with a rule behind them, data range, and one build per precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from loaded_guests import TWO_CONVS, LoadGuest
from torch import nn

from rtsr_bench.execution import EAGER_FP32, Precision
from rtsr_bench.measuring import contract
from rtsr_bench.measuring.enhance import forward, prepared
from rtsr_bench.measuring.guest import Guest, Notes
from rtsr_bench.measuring.ranges import range_finding
from rtsr_bench.measuring.sides import Sides, find
from rtsr_bench.protocol import Size
from rtsr_bench.wire import CheckContract

SIZES = (Size(64, 96), Size(65, 97), Size(48, 33), Size(120, 80))


def guest_of(net: nn.Module, *, data_range: float = 1.0) -> Guest:
    return Guest(build=net.eval, device=torch.device("cpu"), data_range=data_range, notes=Notes())


def answers(guest: Guest, scale: int = 2) -> tuple[dict[str, tuple[bool | None, str]], tuple[int, int]]:
    halves = (Precision.FP16, Precision.BF16)
    reply = contract.check(guest, CheckContract(scale=scale, sizes=SIZES, precisions=halves))
    found = {one.question: (one.ok, one.answer) for one in reply.findings}
    return found, (reply.multiple, reply.least)


class Unshuffled(nn.Module):
    """Works in blocks of `block` pixels, as networks with PixelUnshuffle do."""

    def __init__(self, block: int) -> None:
        super().__init__()
        self.down, self.up = nn.PixelUnshuffle(block), nn.PixelShuffle(block)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(self.up(self.down(x)), scale_factor=2)


class Padded(nn.Module):
    """Reflects more pixels than a small image has."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(nn.functional.pad(x, [40] * 4, "reflect")[..., 40:-40, 40:-40], scale_factor=2)


def test_odd_sizes_of_a_network_that_works_in_blocks_are_notes_with_the_rule() -> None:
    found, rule = answers(guest_of(Unshuffled(2)))
    assert rule == (2, 1)
    assert [found[f"input {size}"][0] for size in SIZES] == [True, None, None, True]
    assert "RuntimeError" in found["input 65x97"][1]
    assert all(ok is not False for ok, _ in found.values()), found


def test_sizes_below_a_minimum_are_notes_with_the_minimum() -> None:
    found, rule = answers(guest_of(Padded()))
    assert rule == (1, 48)
    assert [found[f"input {size}"][0] for size in SIZES] == [True, True, None, True]
    assert all(ok is not False for ok, _ in found.values()), found


def test_a_model_that_takes_no_size_breaks_the_contract() -> None:
    found, rule = answers(guest_of(nn.Linear(2, 3)))
    assert rule == (1, 1)
    assert all(found[f"input {size}"][0] is False for size in SIZES)
    assert found["deterministic"][0] is False


def test_a_size_that_fails_without_a_rule_breaks_the_contract(load_guest: LoadGuest) -> None:
    guest = load_guest(
        TWO_CONVS.replace("        return nn", "        assert x.shape[2] != 120, 'not that'\n        return nn")
    )
    found, rule = answers(guest)
    assert rule == (1, 1)
    assert found["input 120x80"] == (False, "AssertionError: not that")


@pytest.mark.parametrize(
    ("works", "expected"),
    [
        (lambda size: True, (1, 1)),
        (lambda size: size.height % 2 == 0 == size.width % 2, (2, 1)),
        (lambda size: size.height % 3 == 0 == size.width % 3, (3, 1)),
        (lambda size: size.height % 8 == 0 == size.width % 8, (8, 1)),
        (lambda size: size.height % 64 == 0 == size.width % 64, (64, 1)),
        (lambda size: size.width % 4 == 0, (4, 1)),
        (lambda size: min(size.height, size.width) >= 60, (1, 64)),
        (lambda size: min(size.height, size.width) >= 200, (1, 256)),
        (lambda size: size.height % 8 == 0 == size.width % 8 and min(size.height, size.width) > 90, (8, 96)),
    ],
)
def test_the_rule_behind_sizes_that_fail_is_found(works: Callable[[Size], bool], expected: tuple[int, int]) -> None:
    found = find(works, SIZES, [size for size in SIZES if works(size)])
    assert (found.multiple, found.least) == expected
    assert found.known
    assert found.works is not None
    assert works(found.works)


def test_where_there_is_no_rule_none_is_made_up() -> None:
    assert find(lambda size: size == SIZES[0], SIZES, SIZES[:1]) == Sides(works=SIZES[0])
    assert find(lambda _: False, SIZES, []) == Sides()


class Biased(nn.Module):
    """Nearest neighbour and a small curve in the range that it is made for, which is steep or flat in another one."""

    def __init__(self, made_for: float) -> None:
        super().__init__()
        self.made_for, self.bias = made_for, made_for / 50

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.interpolate(x, scale_factor=2)
        return y + self.bias * (y / self.made_for - 1) * (y / self.made_for)


@pytest.mark.parametrize(("made_for", "declared"), [(1.0, 255.0), (255.0, 1.0)])
def test_another_data_range_that_fits_better_is_suggested(made_for: float, declared: float) -> None:
    found, _ = answers(guest_of(Biased(made_for), data_range=declared))
    ok, said = found["data range"]
    assert ok is None
    assert said.endswith(f": is data_range = {made_for} meant?")
    assert f"for an input of 0 to {declared:g}; for one of 0 to {made_for:g} the output is nearer to the" in said
    kept, _ = answers(guest_of(Biased(made_for), data_range=made_for))
    assert kept["data range"][0] is True


def test_values_above_the_data_range_are_a_note_with_the_range_that_was_found() -> None:
    class Doubles(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.interpolate(4 * x, scale_factor=2)

    found, _ = answers(guest_of(Doubles()))
    ok, said = found["data range"]
    assert ok is None
    assert said.endswith(", expected about 0 to 1; what is outside of it is cut off")
    assert float(said.split()[3].removesuffix(",")) > 2


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_a_network_for_which_ranges_are_alike_is_left_alone(data_range: float) -> None:
    said = range_finding(
        lambda image: nn.functional.interpolate(image, scale_factor=2),
        torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * data_range, data_range, 2,
    )  # fmt: skip
    assert said is not None
    assert said.good


def test_what_is_prepared_is_not_built_again_for_an_image_or_a_comparison() -> None:
    built: list[int] = []

    def build() -> nn.Module:
        built.append(1)
        return nn.Upsample(scale_factor=2).eval()

    guest = Guest(build=build, device=torch.device("cpu"), data_range=1.0, notes=Notes())
    image = torch.zeros(1, 3, 8, 8)
    prepared(guest, EAGER_FP32)
    forward(guest, image, EAGER_FP32)
    assert len(built) == 1
    seen = contract.Seen()
    contract.check(guest, CheckContract(scale=2, sizes=SIZES), seen)
    assert len(built) == 1
    for count, precision in enumerate((Precision.FP16, Precision.BF16), 2):
        prepared(guest, EAGER_FP32.in_precision(precision))
        (finding,) = contract.check(guest, CheckContract(scale=2, precisions=(precision,)), seen).findings
        assert finding.ok is True
        assert len(built) == count, "the fp32 output to compare with was made before"
