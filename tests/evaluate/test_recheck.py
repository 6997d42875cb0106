"""What is remembered of the fidelity stage for the timing: SR images of the timed size, and only whole ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from rtsr_bench.evaluate.inputs import BLOCKS, Input, look
from rtsr_bench.evaluate.recheck import Witness
from rtsr_bench.protocol import Protocol, Size

NOTHING = cast("Any", None)
TIMED = Size(4, 6)


def pair(number: int, hr: Size) -> SimpleNamespace:
    lr = np.full((hr.height // 2, hr.width // 2, 3), number, dtype=np.uint8)
    return SimpleNamespace(name=f"{number}.png", size=hr, lr=lambda: lr)


def test_images_of_the_timed_size_are_remembered_with_their_sr_images() -> None:
    pairs = [pair(0, Size(8, 12)), pair(1, Size(8, 14)), pair(2, Size(8, 12)), pair(3, Size(6, 12))]
    witness = Witness(data=cast("Any", [SimpleNamespace(pairs=pairs)]), timed=TIMED, scale=2)
    for index, one in enumerate(pairs):
        sr = np.full((one.size.height, one.size.width, 3), 100 + index, dtype=np.uint8)
        witness.keep(index, "a set", one.name, sr, NOTHING)
    made = {lr[0]: int(sr[0, 0, 0]) for lr, sr in witness.made()}
    assert made == {0: 100, 2: 102}
    assert all(len(lr) == TIMED.pixels * 3 and sr.shape == (8, 12, 3) for lr, sr in witness.made())


def test_an_sr_image_of_a_cropped_view_is_of_no_use_for_the_timing() -> None:
    one = pair(0, Size(8, 12))
    witness = Witness(data=cast("Any", [SimpleNamespace(pairs=[one])]), timed=TIMED, scale=2)
    witness.keep(0, "a set", one.name, np.zeros((8, 8, 3), dtype=np.uint8), NOTHING)
    assert witness.made() == []


def test_positions_are_unpredictable_and_inside_the_output() -> None:
    rules = Protocol(
        scale=2, data_sets=("x",), degradation="x", conventions=(), input=TIMED, precision={}, warmup=0, repeats=1
    )
    for image in (None, b"x"):
        one, other = (look(Input(places=seed, image=image), rules).output for seed in (1, 2))
        assert one == look(Input(places=1, image=image), rules).output
        assert one != other
        assert len(one) == 256
        assert min(one) >= 0
        assert max(one) < 3 * 8 * 12


def test_under_each_place_of_a_random_input_lies_the_block_that_is_made_of_it() -> None:
    rules = Protocol(
        scale=3, data_sets=("x",), degradation="x", conventions=(), input=TIMED, precision={}, warmup=0, repeats=1
    )
    lr = np.arange(3 * TIMED.pixels).reshape(3, TIMED.height, TIMED.width)
    sr = lr.repeat(3, axis=1).repeat(3, axis=2).ravel()
    where = look(Input(places=7), rules)
    assert len(where.given) == BLOCKS
    blocks = sr[np.array(where.output)].reshape(BLOCKS, 9)
    assert (blocks == lr.ravel()[np.array(where.given)][:, None]).all()
