"""Playing frames in this process: the pixels of a frame, and a model that takes a known time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from loaded_guests import LoadGuest

from rtsr_bench.evaluate.scene import ROWS, Scene
from rtsr_bench.execution import EAGER_FP32, Execution
from rtsr_bench.measuring import memory, realtime
from rtsr_bench.measuring.clocks import Processor
from rtsr_bench.measuring.enhance import enhance
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.measuring.realtime import Player
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.sandbox.pixels import read_all, sealed_memfd
from rtsr_bench.statistics import summarise_frames
from rtsr_bench.wire import DROPPED, BeginPlaying, EnhanceImage, PlayFrames

SIZE = Size(6, 10)
CPU = torch.device("cpu")

SLEEPER = """
import time, torch
class Net(torch.nn.Module):
    def forward(self, x):
        time.sleep(SECONDS)
        return torch.nn.functional.interpolate(x, scale_factor=2)
def srmodel():
    return Net()
"""


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    benchmark = torch.backends.cudnn.benchmark
    monkeypatch.setattr(memory, "keep_freed", lambda: None)
    yield
    torch.backends.cudnn.benchmark = benchmark


@contextmanager
def playing(
    guest: Guest, scene: Scene, *, execution: Execution = EAGER_FP32, warmup: int = 0
) -> Iterator[tuple[Player, list[int]]]:
    told: list[int] = []
    request = BeginPlaying(size=scene.size, scale=2, execution=execution, rows=ROWS, warmup=warmup)
    with sealed_memfd(len(scene.pixels), scene.pixels) as file:
        player = Player(guest, CPU, Processor(), request, file, told.append)
    try:
        yield player, told
    finally:
        player.close()


@pytest.mark.parametrize(
    "execution", [EAGER_FP32, Execution(precision=Precision.BF16), Execution(precision=Precision.AMP_BF16)]
)
@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_a_frame_becomes_the_image_that_enhance_makes_of_it(
    load_guest: LoadGuest, execution: Execution, data_range: float
) -> None:
    guest, scene = load_guest(data_range=data_range), Scene.new(SIZE)
    with playing(guest, scene, execution=execution) as (player, _):
        played = player.play(PlayFrames(frames=5, seconds=60.0, start=ROWS - 4))
    assert len(played.latency_us) == 5
    assert {frame for frame, _, _ in played.seen} == set(range(5))
    for number in range(5):
        lr = scene.frame(number, ROWS - 4)
        assert len(lr) == SIZE.pixels * 3
        with sealed_memfd(len(lr), lr) as given, sealed_memfd(4 * len(lr)) as wanted:
            enhance(guest, EnhanceImage(size=SIZE, scale=2, execution=execution), given, wanted)
            sr = np.frombuffer(read_all(wanted, 4 * len(lr)), np.uint8)
        found = [(place, value) for frame, place, value in played.seen if frame == number]
        assert len(found) == 32
        assert all(sr[place] == value for place, value in found)


def test_no_two_frames_of_a_pass_are_alike_and_no_two_scenes() -> None:
    one, other = Scene.new(SIZE), Scene.new(SIZE)
    assert len({one.frame(number, 17) for number in range(ROWS)}) == ROWS
    assert one.frame(ROWS, 17) == one.frame(0, 17)
    assert one.pixels != other.pixels


def test_later_frames_are_looked_into_ever_more_seldom(load_guest: LoadGuest) -> None:
    spy, sr = realtime.Spy(), torch.zeros(4, 4, 3, dtype=torch.uint8)
    for frame in range(100):
        spy.look(frame, sr)
    assert {one[0] for one in spy.seen} == set(range(100))
    spy = realtime.Spy()
    for frame in range(3000):
        spy.look(20_000 + frame, sr)
    assert len({one[0] for one in spy.seen}) < 60, "about 14 are expected"


def test_a_model_much_faster_than_the_period_misses_nothing(load_guest: LoadGuest) -> None:
    guest = load_guest(SLEEPER.replace("SECONDS", "0.001"))
    with playing(guest, Scene.new(SIZE), warmup=9) as (player, told):
        played = player.play(PlayFrames(frames=3, fps=2.0))
    assert DROPPED not in played.latency_us
    # Only a machine that stops for two seconds could change this.
    assert summarise_frames([one / 1000 for one in played.latency_us], 2000.0).missed == 0
    assert told[-1] == 2


def test_a_model_of_three_halves_of_the_period_shows_two_thirds_of_the_frames_at_most(load_guest: LoadGuest) -> None:
    guest = load_guest(SLEEPER.replace("SECONDS", "0.075"))
    with playing(guest, Scene.new(SIZE)) as (player, _):
        played = player.play(PlayFrames(frames=30, fps=20.0))
    shown = [one for one in played.latency_us if one != DROPPED]
    # A sleep never ends early: on a busy machine more is dropped, never less. The first and the last frame are shown.
    assert 2 <= len(shown) <= 21
    assert played.latency_us[0] != DROPPED != played.latency_us[-1]
    assert min(shown) >= 75_000


def test_an_output_of_another_size_is_the_models_failure(load_guest: LoadGuest) -> None:
    guest = load_guest(SLEEPER.replace("SECONDS", "0").replace("scale_factor=2", "scale_factor=3"))
    with playing(guest, Scene.new(SIZE)) as (player, _), pytest.raises(BadGuest, match="12"):
        player.play(PlayFrames(frames=1, seconds=1.0))
    assert not torch.is_autocast_enabled("cpu")
