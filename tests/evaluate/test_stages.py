"""What the image stage asks for, in which order: what building a model takes is no part of its images."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rtsr_bench.evaluate import stages
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.work import Work
from rtsr_bench.execution import Execution, Precision
from rtsr_bench.protocol import Limits, Size
from rtsr_bench.record import Failure, FailureKind, Stage

LATE = Failure(stage=Stage.LOAD, kind=FailureKind.TIMEOUT, message="no answer within 120 s")


class Builder:
    """Stands for a child that takes long to build a model for some precisions."""

    alive = True

    def __init__(self, *late: Precision) -> None:
        self.late = late
        self.asked: list[tuple[str, Precision, float]] = []
        self.sizes: list[Size | None] = []

    def prepare(self, execution: Execution, *, limit_s: float, size: Size | None = None) -> Failure | None:
        self.asked.append(("prepare", execution.precision, limit_s))
        self.sizes.append(size)
        return LATE if execution.precision in self.late else None


def images(child: Builder, monkeypatch: pytest.MonkeyPatch, backend: str = "eager") -> stages.Images:
    def measured(child: Builder, _data: Any, _rules: Any, execution: Execution, **_: Any) -> str:
        child.asked.append(("images", execution.precision, 0))
        return f"fidelity in {execution.precision.value}"

    monkeypatch.setattr(stages, "measure_fidelity", measured)
    monkeypatch.setattr(stages.Comparison, "of", lambda *_: None)
    rules = SimpleNamespace(limits=Limits(load_s=7, export_s=11), input=Size(24, 40), scale=2)
    rules.execution = lambda kind: Execution(precision=Precision.FP16, backend=backend)
    data = SimpleNamespace(pairs=[SimpleNamespace(size=Size(48, 80))])
    work = Work(
        job=cast(
            "Any",
            SimpleNamespace(
                submission=None,
                model=None,
                data=(data,),
                protocol=rules,
            ),
        ),
        bench=cast("Any", SimpleNamespace(baselines=None, device_kind="cpu")),
        guest=cast("Any", None),
        listener=Listener(),
    )
    return stages._fidelity(cast("Any", child), work, [])


def test_each_precision_is_prepared_within_the_limit_of_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Builder()
    found = images(child, monkeypatch)
    assert (found.fidelity, found.fidelity_fp32) == ("fidelity in fp16", "fidelity in fp32")
    assert child.asked == [
        ("prepare", Precision.FP16, 7),
        ("images", Precision.FP16, 0),
        ("prepare", Precision.FP32, 7),
        ("images", Precision.FP32, 0),
    ]


def test_a_model_that_is_not_ready_in_time_fails_while_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Builder(Precision.FP16)
    found = images(child, monkeypatch)
    assert found.fidelity is LATE
    assert [one for one in child.asked if one[0] == "images"] == [("images", Precision.FP32, 0)]


def test_an_engine_is_prepared_once_after_eager_fp32_at_the_size_of_the_first_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = Builder()
    found = images(child, monkeypatch, "compile")
    assert (found.fidelity, found.fidelity_fp32) == ("fidelity in fp16", "fidelity in fp32")
    assert child.asked == [
        ("prepare", Precision.FP32, 7),
        ("images", Precision.FP32, 0),
        ("prepare", Precision.FP16, 11),
        ("images", Precision.FP16, 0),
    ]
    assert child.sizes == [None, Size(24, 40)]


def test_an_engine_that_cannot_be_made_leaves_the_images_of_eager_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    found = images(Builder(Precision.FP16), monkeypatch, "compile")
    assert (found.fidelity, found.fidelity_fp32) == (LATE, "fidelity in fp32")
