"""What the parent makes of the answers of a child that plays frames, true ones and others."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.evaluate import playing
from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.conduct import Call
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.evaluate.playing import Shown, Stage, check_frames, check_throughput
from rtsr_bench.evaluate.realtime import Playback
from rtsr_bench.evaluate.scene import Scene
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure, FailureKind, Throughput
from rtsr_bench.record.realtime import FrameCheck, Frames
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import DROPPED, BeginPlaying, Played, PlayFrames, Warmed

PROTOCOL = Protocol(scale=2, data_sets=("x",), degradation="x", conventions=(), input=Size(6, 10), precision={})


def nearest(lr: bytes) -> np.ndarray[Any, Any]:
    """The SR image of an honest model that repeats pixels."""
    return np.frombuffer(lr, np.uint8).reshape(6, 10, 3).repeat(2, axis=0).repeat(2, axis=1)


class FakeChild:
    """Answers as it is told; `wall_s` passes on the parent's clock meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Played | Failure, wall_s: float = 2.0) -> None:
        self.answer, self.wall_s, self.now = answer, wall_s, 0.0
        self.requests: list[object] = []
        monkeypatch.setattr(playing, "monotonic", lambda: self.now)

    def ask(self, request: object, **more: Any) -> object:
        self.requests.append(request)
        if isinstance(request, BeginPlaying):
            assert more["files"]
            return Warmed()
        self.now += self.wall_s
        return self.answer

    def enhance(self, lr: bytes, **more: Any) -> bytearray:
        return bytearray(nearest(lr).tobytes())


def stage_of(child: FakeChild) -> Stage:
    stage = Stage(child=cast("Child", child), protocol=PROTOCOL, execution=EAGER_FP32)
    assert stage.set(warmup=2) is None
    return stage


def test_latencies_are_kept_in_order_with_the_dropped_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    child = FakeChild(monkeypatch, Played(latency_us=(15_000, DROPPED, 20_500)), wall_s=0.21)
    assert stage_of(child).at(10.0, 3) == Frames(fps=10.0, latency_ms=(15.0, None, 20.5), wall_s=0.21)
    request = child.requests[-1]
    assert isinstance(request, PlayFrames)
    assert (request.frames, request.fps) == (3, 10.0)


def test_throughput_is_frames_over_the_clock_of_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage_of(FakeChild(monkeypatch, Played(latency_us=(1,) * 50), wall_s=2.0)).flat_out(2.0)
    assert isinstance(made, Throughput)
    assert made.fps == 25.0


@pytest.mark.parametrize(
    ("latency_us", "wall_s", "words"),
    [
        ((15_000,) * 3, 0.1, "3 frames at 10 FPS take 0.200 s"),  # 200 ms of frames arrive in 100 ms
        ((15_000, 15_000, 900_000), 0.25, "one of them 0.900 s, while 0.250 s passed"),
        ((15_000,) * 2, 0.25, "2 latencies arrived, expected 3"),
    ],
)
def test_what_cannot_have_happened_is_inconsistent(
    monkeypatch: pytest.MonkeyPatch, latency_us: tuple[int, ...], wall_s: float, words: str
) -> None:
    found = stage_of(FakeChild(monkeypatch, Played(latency_us=latency_us), wall_s=wall_s)).at(10.0, 3)
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.INCONSISTENT
    assert words in found.message


def shown_by(scene: Scene, *, honest: bool) -> Shown:
    draw = np.random.default_rng(2)
    seen: list[tuple[int, int, int]] = []
    for frame in range(20):
        sr = nearest(scene.frame(frame, 5)).reshape(-1)
        places = [int(place) for place in draw.integers(0, sr.size, 32)]
        seen += [(frame, place, int(sr[place]) if honest else 128) for place in places]
    return Shown(scene=scene, start=5, seen=tuple(seen))


def test_frames_are_compared_with_those_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_of(FakeChild(monkeypatch, Played(latency_us=(1,))))
    scene = Scene.new(PROTOCOL.input)
    assert check_frames(shown_by(scene, honest=True), stage, 0.065) == FrameCheck(frames=6, places=192, mse=0.0)
    found = check_frames(shown_by(scene, honest=False), stage, 0.065)
    assert isinstance(found, Failure)
    assert "192 values of 6 frames differ from those of another process" in found.message
    assert check_frames(Shown(scene=scene, start=0, seen=()), stage, 0.065) is None


def test_a_place_outside_of_the_image_is_inconsistent(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_of(FakeChild(monkeypatch, Played(latency_us=(1,))))
    found = check_frames(Shown(scene=Scene.new(PROTOCOL.input), start=0, seen=((0, 720, 1),)), stage, 0.065)
    assert isinstance(found, Failure)
    assert "a value at the place 720 of an SR image of 720 values" in found.message


def test_throughput_far_above_calls_of_the_model_alone_is_inconsistent() -> None:
    gap = Gap(usual_ms=0.5, high_ms=1.0, image_ms=1.0)
    alone = [Call(given=random_input(), sample_ms=40.0, host_ms=None, bracket_s=0.041)] * 8
    for frame_ms, fine in ((38.0, True), (20.0, True), (17.0, False), (1.0, False)):
        found = check_throughput(Throughput(frames=100, wall_s=0.1 * frame_ms), alone, gap, "cpu")
        assert (found is None) == fine, frame_ms


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"fps": 0.0}, "--fps: expected a number above 0 and up to 10000, found 0"),
        ({"fps": float("nan")}, "--fps: expected a number above 0"),
        ({"seconds": -1.0}, "--seconds: expected a number above 0 and up to 36000, found -1"),
        ({"latency_frames": 0}, "--latency-frames: expected 1 to 60 periods, found 0"),
    ],
)
def test_a_playback_that_cannot_be_meant_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words.replace("-", r"\-")):
        Playback(**asked)


def test_more_frames_than_an_answer_can_hold_are_refused() -> None:
    with pytest.raises(UserError, match="expected at most 200,000 frames, found 600,000; lower one of them"):
        Playback(fps=1000.0, seconds=600.0)
    assert Playback(fps=60.0, seconds=30.0).frames == 1800
    assert Playback(fps=0.1, seconds=1.0).frames == 8
