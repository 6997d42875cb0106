"""Why rows are not ranked: each reason with the record that must produce it, and those that must not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_records import failure, record, untrained, with_mse

from rtsr_bench.eligibility import KIND_WORDS, STAGE_WORDS, Ineligibility, failures, reasons
from rtsr_bench.protocol import Precision
from rtsr_bench.record import FailureKind, Stage
from rtsr_bench.tracks import find_track

TRACK = find_track("builtin-x2")


def bars(one, track=TRACK, gain_db=0.5):
    return [reason.kind for reason in reasons(one, track, gain_db=gain_db)]


def test_a_whole_official_record_has_no_reason():
    assert bars(record()) == []


def test_untrained_is_one_reason_and_says_which_way():
    (reason,) = reasons(untrained(record(), "not yet trained"), TRACK, gain_db=None)
    assert (reason.kind, reason.short) == (Ineligibility.UNTRAINED, "untrained: not yet trained")
    assert "not trained (not yet trained): only runtime, complexity and memory" in reason.text


def test_an_untrained_model_can_fail_too():
    assert bars(untrained(record(runtime=failure(Stage.RUNTIME))), gain_db=None) == [
        Ineligibility.FAILED,
        Ineligibility.UNTRAINED,
    ]


def test_noise_is_no_reason():
    assert bars(record(timing={"spread": 0.5})) == []


def test_every_kind_and_stage_has_words():
    assert set(KIND_WORDS) == set(FailureKind)
    assert set(STAGE_WORDS) == set(Stage)


@pytest.mark.parametrize("outcome", ["fidelity", "runtime"])
def test_a_failure_says_stage_kind_and_message(outcome):
    broken = failure(Stage.RUNTIME, FailureKind.TIMEOUT, "no answer within 60 s")
    found = reasons(record(**{outcome: broken}), TRACK, gain_db=None)
    assert [one.kind for one in found] == [Ineligibility.FAILED]
    assert found[0].text == "The model ran out of time while being timed: no answer within 60 s"
    assert found[0].short == "failed: runtime, timeout"


def test_what_a_failure_kept_from_being_measured_is_no_second_reason():
    assert bars(record(fidelity=failure(), runtime=None), gain_db=None) == [Ineligibility.FAILED]


def test_same_failure_in_two_places_is_reported_once():
    broken = failure()
    one = record(fidelity=broken, runtime=broken, complexity=broken, memory=broken)
    assert failures(one) == (broken,)
    assert bars(one, gain_db=None) == [Ineligibility.FAILED]


def test_a_failed_count_does_not_cost_the_rank():
    assert bars(record(complexity=failure(Stage.COMPLEXITY))) == []


@pytest.mark.parametrize(
    ("gain_db", "expected"), [(-0.2, [Ineligibility.NO_GAIN]), (0.0, [Ineligibility.NO_GAIN]), (1e-9, [])]
)
def test_at_or_below_bicubic_is_not_ranked(gain_db, expected):
    assert bars(record(), gain_db=gain_db) == expected


def test_an_infinite_gain_has_no_score():
    assert bars(record(), gain_db=float("inf")) == [Ineligibility.UNUSABLE]


def test_an_infinite_psnr_names_the_image():
    whole = record()
    first, *others = whole.fidelity.images
    images = (replace(with_mse(first, 0.0), name="flat.png"), *others)
    flat = replace(whole, fidelity=replace(whole.fidelity, images=images))
    (reason,) = reasons(flat, TRACK, gain_db=float("inf"))
    assert reason.text.startswith("The output for flat.png is identical to HR")


def test_unofficial_lists_the_overrides_in_words():
    found = reasons(record(looking=True), TRACK, gain_db=0.5)
    assert [one.kind for one in found] == [Ineligibility.UNOFFICIAL]
    assert "--quick" in found[0].text


def test_unofficial_without_overrides_says_what_differs():
    one = record()
    slow = replace(one.protocol, warmup=5)
    one = replace(one, protocol=slow, runtime=replace(one.runtime, warmup=5))
    assert "5 warm-up calls instead of 50" in reasons(one, TRACK, gain_db=0.5)[0].text


def test_incomplete_data_names_what_is_missing():
    classic = find_track("classic-x2")
    found = reasons(record(track="classic-x2", sets=("set5", "set14")), classic, gain_db=0.5)
    assert [one.kind for one in found] == [Ineligibility.INCOMPLETE_DATA]
    assert "2 of 4 data sets (Set5, Set14)" in found[0].text


def test_a_missing_image_is_incomplete_data():
    one = record()
    one = replace(one, fidelity=replace(one.fidelity, images=one.fidelity.images[:-1]))
    assert bars(one) == [Ineligibility.INCOMPLETE_DATA]


def test_what_was_not_asked_for_is_missing_and_not_failed():
    assert bars(record(fidelity=None, runtime=None), gain_db=None) == [
        Ineligibility.NO_FIDELITY,
        Ineligibility.NO_RUNTIME,
    ]


@pytest.mark.parametrize(
    "changes", [{"samples_ms": (7.0,) * 243}, {"warmup": 0}, {"batch": 2}, {"precision": Precision.BF16}]
)
def test_samples_must_be_taken_as_the_protocol_says(changes):
    assert bars(record(timing=changes)) == [Ineligibility.OFF_PROTOCOL]


def test_a_track_that_is_gone_is_a_reason():
    assert bars(record(), track=None) == [Ineligibility.NO_TRACK]


def test_operations_stand_for_the_input_that_was_timed_and_for_the_tracks_own_in_quick() -> None:
    from dataclasses import replace

    from rtsr_bench.eligibility import counted_at
    from rtsr_bench.protocol import Size
    from rtsr_bench.tracks import find_track, quick

    track = find_track("builtin-x2")
    own = track.protocol.input
    assert counted_at(track.protocol, track) == own
    assert counted_at(quick(track.protocol), track) == own
    for size in (Size(256, 256), quick(track.protocol).input):
        assert counted_at(replace(track.protocol, input=size), track) == size
    assert counted_at(replace(quick(track.protocol), input=Size(256, 256)), track) == Size(256, 256)
    assert counted_at(replace(track.protocol, input=Size(256, 256)), None) == Size(256, 256)
