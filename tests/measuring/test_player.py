"""The loop of a player on a clock that the test turns: what it drops and how late frames are is arithmetic."""

from __future__ import annotations

import math

import pytest

from rtsr_bench.measuring.player import POLL_NS, Paced, Unthrottled, play

MS = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def now_ns(self) -> int:
        return self.now

    def sleep_ns(self, duration: int) -> None:
        assert duration > 0, "time would stand still"
        self.now += duration


class Host:
    """A model that takes as long as the test says, on a processor: `begin` returns when a frame is done."""

    def __init__(self, clock: Clock, *durations_ns: int) -> None:
        self.clock, self.durations = clock, durations_ns
        self.waiting, self.begun = -1, list[int]()
        self.done: list[tuple[int, int]] = []

    def take(self, frame: int) -> None:
        self.waiting = frame

    def begin(self) -> None:
        self.clock.now += self.durations[len(self.begun) % len(self.durations)]
        self.begun.append(self.waiting)
        self.done.append((self.waiting, self.clock.now))

    def busy(self) -> bool:
        return False

    def pending(self) -> bool:
        return False

    def finished(self) -> list[tuple[int, int]]:
        found, self.done = self.done, []
        return found


class Card(Host):
    """Upload, model and download on lanes of their own, as on a card: each begins when its input and its lane are."""

    def __init__(self, clock: Clock, upload_ns: int, model_ns: int, download_ns: int, *, ahead: bool = False) -> None:
        super().__init__(clock)
        self.upload_ns, self.model_ns, self.download_ns, self.ahead = upload_ns, model_ns, download_ns, ahead
        self.uploaded = self.computed = self.downloaded = 0
        self.flying: list[tuple[int, int, int]] = []
        self.uploads = list[int]()

    def take(self, frame: int) -> None:
        self.waiting = frame
        self.uploads.append(frame)
        self.uploaded = max(self.uploaded, self.clock.now) + self.upload_ns

    def begin(self) -> None:
        self.computed = max(self.computed, self.uploaded, self.clock.now) + self.model_ns
        self.downloaded = max(self.downloaded, self.computed) + self.download_ns
        self.begun.append(self.waiting)
        self.flying.append((self.waiting, self.computed, self.downloaded))

    def busy(self) -> bool:
        return len(self.flying) > 1 or (bool(self.flying) and not self.ahead and self.flying[-1][1] > self.clock.now)

    def pending(self) -> bool:
        return bool(self.flying)

    def finished(self) -> list[tuple[int, int]]:
        over = [one for one in self.flying if one[2] <= self.clock.now]
        self.flying = self.flying[len(over) :]
        return [(frame, self.clock.now) for frame, _, _ in over]


def paced(duration_ns: int, period_ns: int, frames: int) -> tuple[dict[int, int], Host]:
    clock = Clock()
    host = Host(clock, duration_ns)
    return play(host, Paced(frames=frames, fps=1e9 / period_ns, start_ns=5 * MS), clock), host


@pytest.mark.parametrize("duration", [1, 7, 10])
def test_a_model_within_the_period_shows_every_frame_after_its_own_duration(duration: int) -> None:
    latencies, _ = paced(duration * MS, 10 * MS, 60)
    assert latencies == dict.fromkeys(range(60), duration * MS)


@pytest.mark.parametrize(("duration", "period"), [(15, 10), (13, 10), (31, 10), (101, 100), (999, 500)])
def test_a_slower_model_is_always_at_the_newest_frame_and_drops_the_others(duration: int, period: int) -> None:
    """It is never idle: its j-th frame begins at j * duration and is the last one that arrived before."""
    frames = 200
    latencies, host = paced(duration * MS, period * MS, frames)
    expected = []
    for turn in range(frames):
        began = turn * duration
        expected.append(min(frames - 1, began // period))
        if expected[-1] == frames - 1:
            break
    assert host.begun == expected
    assert latencies == {
        frame: (max(turn * duration, frame * period) + duration - frame * period) * MS
        for turn, frame in enumerate(expected)
    }
    assert len(latencies) == pytest.approx(frames * period / duration, abs=2)
    # But for the last frame, which no newer one replaces.
    assert max(list(latencies.values())[:-1]) <= (duration + period) * MS


def test_a_slow_model_at_three_halves_of_the_period_drops_every_third_frame() -> None:
    latencies, host = paced(15 * MS, 10 * MS, 301)
    assert [frame for frame in range(301) if frame not in latencies] == list(range(2, 300, 3))
    assert {one / MS for one in latencies.values()} == {15.0, 20.0}
    assert host.begun == sorted(latencies)


def test_one_slow_frame_costs_the_frames_that_arrive_meanwhile_but_for_the_newest() -> None:
    clock = Clock()
    host = Host(clock, *[2 * MS] * 3, 45 * MS, *[2 * MS] * 96)
    latencies = play(host, Paced(frames=50, fps=100.0, start_ns=0), clock)
    # Frame 3 takes from 30 to 75 ms: 4 to 6 were replaced by 7, which arrived at 70.
    assert [frame for frame in range(50) if frame not in latencies] == [4, 5, 6]
    assert (latencies[3], latencies[7], latencies[8]) == (45 * MS, 7 * MS, 2 * MS)


def test_a_frame_rate_that_is_no_divisor_of_a_second_does_not_drift() -> None:
    frames = 3600
    cadence = Paced(frames=frames, fps=59.94, start_ns=0)
    assert cadence.arrival(3599) == round(3599e9 / 59.94)
    latencies, _ = paced(1 * MS, round(1e9 / 59.94), 500)
    assert len(latencies) == 500


def test_without_a_cadence_frames_come_one_after_another() -> None:
    clock = Clock()
    host = Host(clock, 4 * MS)
    latencies = play(host, Unthrottled(frames=1000, until_ns=100 * MS), clock)
    assert len(latencies) == 25
    assert set(latencies.values()) == {4 * MS}
    clock = Clock()
    assert len(play(Host(clock, 400 * MS), Unthrottled(frames=1000, until_ns=100 * MS, least=3), clock)) == 3
    clock = Clock()
    assert len(play(Host(clock, MS), Unthrottled(frames=7, until_ns=100 * MS), clock)) == 7


def test_on_a_card_transfers_overlap_with_the_model() -> None:
    clock = Clock()
    card = Card(clock, 2 * MS, 10 * MS, 4 * MS, ahead=True)
    count = len(play(card, Unthrottled(frames=10_000, until_ns=2000 * MS), clock))
    wall = clock.now
    # Two frames are under way: one is downloaded and the next one uploaded while the other is computed.
    assert wall / count == pytest.approx(10 * MS, rel=0.02)


def test_on_a_card_at_a_cadence_a_frame_takes_upload_model_and_download() -> None:
    clock = Clock()
    card = Card(clock, 2 * MS, 10 * MS, 4 * MS)
    latencies = play(card, Paced(frames=100, fps=1e9 / (11 * MS), start_ns=0), clock)
    assert len(latencies) == 100, "16 ms of latency fit into periods of 11 ms, because the lanes overlap"
    assert all(16 * MS <= one <= 18 * MS + 4 * POLL_NS for one in latencies.values())


def test_on_a_slow_card_the_newest_frame_replaces_the_one_that_was_uploaded() -> None:
    clock = Clock()
    card = Card(clock, MS, 25 * MS, MS)
    latencies = play(card, Paced(frames=200, fps=100.0, start_ns=0), clock)
    assert card.uploads == list(range(200))
    assert len(latencies) == pytest.approx(200 * 10 / 25, abs=2)
    assert max(latencies.values()) <= (10 + 1 + 25 + 1) * MS + 4 * POLL_NS


def test_idle_moments_are_told() -> None:
    clock, told = Clock(), list[int]()
    play(Host(clock, MS), Paced(frames=5, fps=100.0, start_ns=0), clock, told.append)
    assert told == [0, 1, 2, 3]
    assert not math.isnan(clock.now)
