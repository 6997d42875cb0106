"""Closed and open division: who belongs where, which execution is a model's row, and what it loses."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from demo_records import CPU, failure, record, under, untrained, with_mse

from rtsr_bench.division import Division, division, division_of
from rtsr_bench.eligibility import Ineligibility, is_official
from rtsr_bench.execution import MemoryFormat
from rtsr_bench.leaderboard import all_executions, leaderboards
from rtsr_bench.number_warnings import WarningKind
from rtsr_bench.protocol import Limits, Precision, Size
from rtsr_bench.record import Stage
from rtsr_bench.tracks import find_track

TRACK = find_track("builtin-x2")
CHANGED = {
    "backend": "compile",
    "memory_format": MemoryFormat.CHANNELS_LAST,
    "options": {"threads": 2},
    "precision": {"cpu": Precision.BF16, "cuda": Precision.FP16},
    "tf32": True,
}


def board(*records):
    (found,) = leaderboards({f"{index}.json": one for index, one in enumerate(records)})
    return found


def shown(group):
    return [(row.record.model.id, row.execution.words, row.rank) for row in group.rows]


def broken(one):
    """The same record of a model that could not be exported."""
    why = failure(Stage.EXPORT, message="no such operator")
    return replace(one, fidelity=why, runtime=why, setup=None)


def test_a_record_under_the_tracks_protocol_is_closed() -> None:
    assert division(record(), TRACK) is Division.CLOSED
    assert is_official(record(), TRACK)


@pytest.mark.parametrize("names", [*((name,) for name in CHANGED), tuple(CHANGED)], ids=" ".join)
def test_another_execution_is_open(names: tuple[str, ...]) -> None:
    measured = replace(TRACK.protocol, **{name: CHANGED[name] for name in names})
    assert division_of(measured, TRACK.protocol) is Division.OPEN
    one = replace(record(), protocol=measured)
    assert division(one, TRACK) is Division.OPEN
    assert not is_official(one, TRACK)


@pytest.mark.parametrize(
    "changes",
    [
        {"input": Size(540, 960)},
        {"repeats": 243},
        {"warmup": 0},
        {"images": 1},
        {"data_sets": ("set5",)},
        {"limits": Limits(load_s=1)},
        {"version": 2},
        {"metrics": ("psnr",)},
    ],
    ids=str,
)
def test_any_other_difference_is_in_no_division(changes: dict[str, object]) -> None:
    for measured in (replace(TRACK.protocol, **changes), replace(TRACK.protocol, **changes, backend="compile")):
        assert division_of(measured, TRACK.protocol) is None


def test_a_track_that_is_gone_has_no_divisions() -> None:
    assert division(record(), None) is None
    assert division(under(record()), None) is None


def test_open_rows_are_ranked_by_score_in_one_group_whatever_their_execution() -> None:
    one, other = record(model="a/x2", gain_db=0.3), record(model="b/x2", gain_db=0.9)
    found = board(one, other, under(one, "onnxruntime", mean_ms=1.0), under(other, "compile", mean_ms=5.0))
    closed, opened = found.groups
    assert (closed.division, opened.division) == (Division.CLOSED, Division.OPEN)
    assert (closed.official, opened.official) == (True, False)
    assert shown(closed) == [("b/x2", "eager, fp16", 1), ("a/x2", "eager, fp16", 2)]
    assert shown(opened) == [("a/x2", "onnxruntime, fp16", 1), ("b/x2", "compile, fp16", 2)]
    assert all(row.reasons == () for row in opened.rows)
    assert opened.protocol == TRACK.protocol
    assert closed.id != opened.id
    assert "except for the execution" in opened.how
    assert "fp16" not in opened.how


def test_closed_ranks_do_not_depend_on_open_rows() -> None:
    one, other = record(model="a/x2", gain_db=0.3), record(model="b/x2", gain_db=0.9)
    assert board(one, other).groups[0] == board(one, other, under(one, mean_ms=0.5)).groups[0]


def test_a_model_has_one_open_row_of_its_best_execution() -> None:
    one = record(model="a/x2", gain_db=0.5)
    fast = under(one, "onnxruntime", mean_ms=2.0)
    lossy = under(one, "openvino", mean_ms=1.9, loss_db=0.4)  # faster, but the score is lower
    slow = under(one, "compile", mean_ms=9.0)
    for order in itertools.permutations((one, fast, lossy, slow)):
        found = board(*order)
        _, opened = found.groups
        assert shown(opened) == [("a/x2", "onnxruntime, fp16", 1)]
        best = opened.rows[0].source
        assert [(row.execution.backend, row.rank, row.best_source) for row in opened.others] == [
            ("openvino", None, best),
            ("compile", None, best),
        ]
        assert len(found.rows) == 4
        every = all_executions(found, opened)
        assert [row.execution.backend for row in every] == ["onnxruntime", "openvino", "eager", "compile"]
        assert every[2].division is Division.CLOSED


def test_a_model_that_fails_under_one_execution_has_the_row_of_another() -> None:
    one = record(model="a/x2")
    slow, failed = under(one, "compile", mean_ms=90.0), broken(under(one, "openvino"))
    _, opened = board(one, failed, slow).groups
    assert shown(opened) == [("a/x2", "compile, fp16", 1)]
    assert [row.failed for row in opened.others] == [True]


def test_a_model_that_fails_under_every_execution_is_one_failed_row() -> None:
    one = record(model="a/x2")
    (opened,) = board(broken(under(one, "openvino")), broken(under(one, "compile"))).groups
    (row,) = opened.rows
    assert (row.failed, row.rank, len(opened.others)) == (True, None, 1)
    assert row.reasons[0].kind is Ineligibility.FAILED
    assert "while being prepared for its execution: no such operator" in row.reasons[0].text


def test_of_an_untrained_models_executions_the_fastest_is_its_row() -> None:
    one = record(model="a/x2")
    slow, fast = (untrained(under(one, name, mean_ms=ms)) for name, ms in (("compile", 9.0), ("openvino", 2.0)))
    for order in ((slow, fast), (fast, slow)):
        (opened,) = board(*order).groups
        assert shown(opened) == [("a/x2", "openvino, fp16", None)]


def test_two_submissions_with_one_model_id_keep_a_row_each() -> None:
    one = under(record(model="a/x2"))
    other = replace(one, submission=replace(one.submission, id="b", digest="0" * 64))
    (opened,) = board(one, other).groups
    assert [row.twin for row in opened.rows] == [True, True]


def test_executions_of_different_files_say_so() -> None:
    one = record(model="a/x2")
    newer = under(replace(one, submission=replace(one.submission, digest="0" * 64)), "openvino", mean_ms=1.0)
    found = board(one, under(one), newer)
    opened = found.groups[1]
    assert [row.twin for row in (*opened.rows, *opened.others)] == [True, True]
    assert [row.twin for row in all_executions(found, opened)] == [True, True, True]


def test_open_rows_on_other_data_have_a_group_of_their_own() -> None:
    one = record(model="a/x2")
    elsewhere = replace(one, data=(replace(one.data[0], digest="0" * 16),))
    found = board(one, under(one), under(elsewhere))
    opened = [group for group in found.groups if group.division is Division.OPEN]
    assert [row.rank for group in opened for row in group.rows] == [1, 1]
    assert sorted(len(all_executions(found, group)) for group in opened) == [1, 2]
    assert len({group.id for group in found.groups}) == 3


def test_groups_are_closed_then_open_then_unofficial() -> None:
    whole, part = record(track="classic-x2", model="a/x2"), record(track="classic-x2", model="b/x2", sets=("set5",))
    looking = record(track="classic-x2", model="c/x2", looking=True)
    groups = board(looking, under(part), part, under(looking), under(whole), whole).groups
    assert [(group.division, group.complete) for group in groups] == [
        (Division.CLOSED, True),
        (Division.OPEN, True),
        (Division.CLOSED, False),
        (Division.OPEN, False),
        (None, True),
        (None, True),
    ]
    assert [row.rank for row in groups[3].rows] == [None]
    assert "not on all of its data" in groups[3].how


def test_boards_do_not_depend_on_the_order_of_the_records() -> None:
    models = [record(model=f"{name}/x2", gain_db=0.5) for name in "abc"]
    records = {f"{one.model.id[0]}{name}.json": under(one, name) for one in models for name in ("compile", "openvino")}
    assert leaderboards(records) == leaderboards(dict(reversed(records.items())))


@pytest.mark.parametrize("loss_db", [0.2, 0.0, -0.1])
def test_the_loss_is_psnr_under_eager_fp32_less_that_of_the_execution(loss_db: float) -> None:
    (row,) = board(under(record(), loss_db=loss_db)).rows
    assert row.loss_db == pytest.approx(loss_db, abs=1e-9)
    assert row.gain_db == pytest.approx(0.5 - loss_db)


def test_a_track_with_sets_of_its_own_takes_the_loss_over_these() -> None:
    one = under(record(track="open4k-x2", model="a/x2"), loss_db=0.2)
    outside = [use.name for use in one.data if use.id not in find_track("open4k-x2").score.sets]
    assert outside, "the test needs a set that is measured and not scored"
    images = tuple(
        with_mse(image, 4000.0) if image.data_set in outside else image for image in one.fidelity_fp32.images
    )
    (row,) = board(replace(one, fidelity_fp32=replace(one.fidelity_fp32, images=images))).rows
    assert row.loss_db == pytest.approx(0.2, abs=1e-9)


@pytest.mark.parametrize(
    "full",
    [None, failure(), replace(record().fidelity, images=record().fidelity.images[1:])],
    ids=["no", "failed", "part"],
)
def test_without_the_same_images_under_eager_fp32_the_loss_is_unknown_and_the_row_says_so(full: object) -> None:
    (row,) = board(under(record(), fidelity_fp32=full)).rows
    assert row.loss_db is None
    assert row.rank == 1
    (warning,) = (one for one in row.warnings if one.kind is WarningKind.EXECUTION_LOSS)
    assert warning.short == "loss against eager fp32 not known"


def test_eager_fp32_is_the_reference_and_loses_nothing_against_itself() -> None:
    (row,) = board(under(record(), "eager", precision=Precision.FP32, setup=None)).rows  # the track is in fp16 on a GPU
    assert row.division is Division.OPEN
    assert row.loss_db is None
    assert not row.warnings


@pytest.mark.parametrize(("loss_db", "flagged"), [(0.049, False), (0.051, True), (1.0, True), (-1.0, False)])
def test_a_loss_above_the_limit_is_flagged_and_still_ranked(loss_db: float, flagged: bool) -> None:
    one = under(record(gain_db=2.0), "openvino", precision=Precision.BF16, loss_db=loss_db)
    (row,) = board(one).rows
    found = [warning for warning in row.warnings if warning.kind is WarningKind.EXECUTION_LOSS]
    assert row.rank == 1
    assert [warning.short for warning in found] == [f"loses {loss_db:.2f} dB against eager fp32"] * flagged
    assert all("Under openvino, bf16 the PSNR is" in warning.text for warning in found)
    assert not [warning for warning in row.warnings if warning.kind is WarningKind.PRECISION_LOSS]


def test_a_closed_row_has_the_warning_it_had() -> None:
    lossy = replace(under(record(), "eager", loss_db=0.2), overrides=(), setup=None)  # fp16, as the track asks for
    (row,) = board(lossy).rows
    assert row.division is Division.CLOSED
    assert [warning.kind for warning in row.warnings] == [WarningKind.PRECISION_LOSS]


def test_an_unofficial_row_under_another_backend_is_not_said_to_lose_by_its_precision() -> None:
    one = under(record(system=CPU, looking=True), "openvino", loss_db=0.2)
    (row,) = board(one).rows
    assert row.division is None
    assert [warning.short for warning in row.warnings if warning.about == "fidelity"] == [
        "loses 0.20 dB against eager fp32"
    ]
    (row,) = board(replace(one, fidelity_fp32=None)).rows
    assert not [warning for warning in row.warnings if warning.about == "fidelity"]


def test_a_record_without_an_execution_has_that_of_its_protocol() -> None:
    assert board(record(system=CPU)).rows[0].execution.words == "eager, fp32"
    nameless = replace(record(system=CPU), protocol=replace(TRACK.protocol, precision={}))
    assert board(nameless).rows[0].execution is None
