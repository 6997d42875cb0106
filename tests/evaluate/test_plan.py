"""A plan accounts for every submission, model and track, whatever is broken or absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtsr_bench.datasets import Dataset, Missing
from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError
from rtsr_bench.evaluate import Asked, Job, Overrides, Plan, plan
from rtsr_bench.evaluate.data import TrackData
from rtsr_bench.evaluate.place import Place
from rtsr_bench.protocol import Precision
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.submissions import ModelSpec, Submission
from rtsr_bench.submissions.selection import with_models
from rtsr_bench.tracks import Track, find_track

BROKEN = Failure(stage=Stage.LOAD, kind=FailureKind.EXCEPTION, message="no srmodel in arch.py")
SCALES: dict[str, int | None] = {"x2": 2, "x3": 3, "x4": 4}


def probe(kind: str) -> int | Failure:
    match kind:
        case "finds2":
            return 2
        case "finds3":
            return 3
        case "broken":
            return BROKEN
        case "harness":
            raise HarnessError("the child did not start")
        case "user":
            raise UserError("its folder is gone")
        case _:
            raise ZeroDivisionError("a bug")


KINDS = (*SCALES, "finds2", "finds3", "broken", "harness", "user", "bug")
PRESENT, ABSENT, CORRUPT = "present", "absent", "corrupt"


@dataclass(frozen=True)
class World:
    """Submissions with models of some kinds, tracks with data in some state, and whether the tracks were named."""

    models: tuple[tuple[str, ...], ...]
    references: tuple[bool, ...]
    tracks: tuple[tuple[int, str, int], ...]
    named: bool

    @property
    def submissions(self) -> tuple[Submission, ...]:
        return tuple(
            submission(f"s{number}", *kinds, reference=reference)
            for number, (kinds, reference) in enumerate(zip(self.models, self.references, strict=True))
        )

    @property
    def asked(self) -> tuple[Track, ...]:
        return tuple(
            track(f"t{number}-x{scale}", scale, yields_to=f"t{yields}-x{scale}")
            for number, (scale, _, yields) in enumerate(self.tracks)
        )

    def find_dataset(self, name: str, *, scale: int, **more: object) -> Dataset | Missing:
        state = self.tracks[int(name.partition("-")[0].removeprefix("t"))][1]
        if state == CORRUPT:
            raise UserError(f"{name}: an image is broken")
        if state == ABSENT:
            return Missing(id=name, title=f"Set {name}", reason="not fetched", hint="fetch it")
        return Dataset(id=name, title=f"Set {name}", scale=scale, pairs=(), verified=True)

    def has_data(self, track: Track) -> bool:
        """Whether a track's jobs can be measured, as no other track is used instead."""
        states = {one.id: state for one, (_, state, _) in zip(self.asked, self.tracks, strict=True)}
        replaced = not self.named and states.get(track.yields_to) == PRESENT
        return states[track.id] == PRESENT and not replaced

    def planned(
        self,
        models: Sequence[str] = (),
        executions: Sequence[str | None] = (None,),
        precision: Precision | None = None,
        optional: bool = False,
    ) -> Plan:
        def find_scale(one: Submission, model: ModelSpec) -> int | Failure:
            probed.append((one.id, model.variant))
            return probe(model.variant.partition("-")[2])

        probed: list[tuple[str, str]] = []
        asked = [
            Asked(
                tracks=self.asked, named=self.named, roots=(), place=Place(device="cpu"), models=models,
                overrides=Overrides(execution=one, precision=precision), optional=optional,
            )
            for one in executions
        ]  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rtsr_bench.evaluate.data.find_dataset", self.find_dataset)
            made = plan(with_models(self.submissions, models), asked, find_scale)
        assert len(probed) == len(set(probed)), "a model is run once to find its scale"
        return made


TWO = World(
    models=(("x2", "finds2"), ("x2",)), references=(False, False), tracks=((2, PRESENT, -1),), named=True
)  # fmt: skip


def test_each_model_is_measured_under_each_execution_one_after_another() -> None:
    made = TWO.planned(executions=["eager", "channels-last"])
    assert [(job.model.variant, job.protocol.backend) for job in made.jobs] == [
        ("m0-x2", "eager"), ("m0-x2", "channels-last"), ("m1-finds2", "eager"), ("m1-finds2", "channels-last"),
        ("m0-x2", "eager"), ("m0-x2", "channels-last"),
    ]  # fmt: skip
    assert [job.submission.id for job in made.jobs] == ["s0"] * 4 + ["s1"] * 2
    assert {job.overrides.options for job in made.jobs} == {(), ("--execution channels-last",)}


def test_an_execution_that_cannot_run_the_precision_is_refused_or_left_out_where_it_is_one_of_all() -> None:
    words = "execution onnxruntime does not run bf16 on cpu: expected --precision fp32"
    with pytest.raises(UserError, match=words):
        TWO.planned(executions=["eager", "onnxruntime"], precision=Precision.BF16)
    made = TWO.planned(executions=["eager", "onnxruntime"], precision=Precision.BF16, optional=True)
    assert {job.protocol.backend for job in made.jobs} == {"eager"}
    assert any(words in one.line for one in made.left_out)
    assert made.refused == ()


def test_a_track_without_a_precision_for_the_device_is_one_line() -> None:
    asked = track("t0-x2", 2)
    asked = replace(asked, protocol=replace(asked.protocol, precision={"cuda": Precision.FP16}))
    data = TrackData(roots=(), overrides=Overrides(), place=Place(device="cpu"), named=True)
    with pytest.raises(UserError, match="t0-x2 cannot be measured: the track names no precision for cpu"):
        data.of(asked, (asked,))


def test_a_submission_that_nothing_can_measure_is_refused_once_where_all_executions_are_asked_for() -> None:
    world = World(
        models=(("x3",), ("broken", "x2")), references=(False, False), tracks=((2, PRESENT, -1),), named=True
    )  # fmt: skip
    made = world.planned(executions=["eager", "channels-last", "onnxruntime", "cuda-graph"], optional=True)
    assert [one.submission for one in made.refused] == ["s0"]
    assert {job.protocol.backend for job in made.jobs} == {"eager", "channels-last", "onnxruntime"}
    assert sum("cuda-graph" in one.line for one in made.left_out) == 1


def submission(name: str, *kinds: str, reference: bool = False) -> Submission:
    models = tuple(
        ModelSpec(submission=name, scale=SCALES.get(kind), variant=f"m{number}-{kind}")
        for number, kind in enumerate(kinds)
    )
    return Submission(
        id=name, team=name, title=name, folder=Path(name), source=Path(name), models=models, digest="0" * 16,
        origin="reference" if reference else "guest",
    )  # fmt: skip


def track(name: str, scale: int, yields_to: str = "") -> Track:
    shipped = find_track(f"classic-x{scale}")
    return replace(shipped, id=name, yields_to=yields_to, protocol=replace(shipped.protocol, data_sets=(name,)))


WORLDS = st.lists(
    st.tuples(st.lists(st.sampled_from(KINDS), max_size=3).map(tuple), st.booleans()), min_size=1, max_size=4
).flatmap(
    lambda submissions: st.builds(
        World,
        models=st.just(tuple(kinds for kinds, _ in submissions)),
        references=st.just(tuple(reference for _, reference in submissions)),
        tracks=st.lists(
            st.tuples(st.sampled_from([2, 3, 4]), st.sampled_from([PRESENT, ABSENT, CORRUPT]), st.integers(-1, 4)),
            min_size=1, max_size=4,
        ).map(tuple),
        named=st.booleans(),
    )
)  # fmt: skip


def jobs_of(made: Plan, one: Submission, model: ModelSpec) -> list[Job]:
    return [job for job in made.jobs if (job.submission.id, job.model.variant) == (one.id, model.variant)]


@settings(max_examples=200, deadline=None)
@given(WORLDS)
def test_every_model_has_a_job_or_is_named_with_a_reason(world: World) -> None:
    try:
        made = world.planned()
    except RtsrBenchError as error:
        refused_as_a_whole(world, str(error))
        return
    said = [*(str(one.error) for one in made.refused), *(one.line for one in made.left_out)]
    for one in world.submissions:
        for model in one.models:
            jobs = jobs_of(made, one, model)
            name = f"{one.id}/{model.variant}-x"
            assert jobs or any(line.startswith(name) for line in said), (name, said)
            complete(world, model, jobs)
        if one.origin == "guest" and not any(job.submission.id == one.id for job in made.jobs):
            assert any(refused.submission == one.id for refused in made.refused), (one.id, said)
    assert all(job.data and job.track.scale == job.model.scale for job in made.jobs)


def refused_as_a_whole(world: World, said: str) -> None:
    """The run is refused: every team's submission is named, or a named track whose data are not available."""
    assert "\n" not in said
    if said.startswith("nothing to measure: "):
        for one in world.submissions:
            assert one.origin == "reference" or f"{one.id}/" in said or f"{one.id}:" in said, (one.id, said)
    else:
        assert world.named
        assert "cannot be measured: " in said or "an image is broken" in said


def complete(world: World, model: ModelSpec, jobs: list[Job]) -> None:
    """A model is measured on each track of its scale with available data; one that can't load, on one track."""
    kind = model.variant.partition("-")[2]
    scale = {**SCALES, "finds2": 2, "finds3": 3}.get(kind)
    fitting = [one.id for one in world.asked if one.scale == scale and world.has_data(one)]
    if kind == "broken":
        possible = [one.id for one in world.asked if world.has_data(one)]
        assert [job.track.id for job in jobs] == possible[:1]
        assert all(job.unloadable == BROKEN for job in jobs)
    else:
        assert [job.track.id for job in jobs] == fitting
        assert all(job.unloadable is None for job in jobs)


def world(*kinds: str, tracks: tuple[tuple[int, str, int], ...], named: bool = False) -> World:
    return World(models=tuple((kind,) for kind in kinds), references=(False,) * len(kinds), tracks=tracks, named=named)


def test_load_failure_is_recorded_on_a_track_with_available_data() -> None:
    made = world("broken", "x2", tracks=((3, ABSENT, -1), (2, PRESENT, -1))).planned()
    assert [(job.submission.id, job.track.id) for job in made.jobs] == [("s0", "t1-x2"), ("s1", "t1-x2")]
    assert made.jobs[0].unloadable == BROKEN


def test_without_any_data_a_failure_to_load_is_the_reason_that_is_given() -> None:
    with pytest.raises(UserError) as caught:
        world("broken", tracks=((2, ABSENT, -1),), named=True).planned()
    assert str(caught.value).startswith(
        "nothing to measure: s0/m0-broken-x?: it could not be loaded (exception: no srmodel in arch.py), and no track "
        "asked for has data available"
    )
    assert "t0-x2 needs Set t0-x2: not fetched; fetch it" in str(caught.value)


def test_failed_scale_probe_affects_only_its_model() -> None:
    made = world("harness", "bug", "x2", tracks=((2, PRESENT, -1),)).planned()
    assert [job.submission.id for job in made.jobs] == ["s2"]
    assert [(one.submission, type(one.error)) for one in made.refused] == [("s0", HarnessError), ("s1", HarnessError)]
    assert "ZeroDivisionError: a bug" in str(made.refused[1].error)


def test_a_team_without_a_model_of_an_asked_scale_is_refused_and_a_reference_is_left_out() -> None:
    tracks = ((2, PRESENT, -1),)
    made = world("x2", "x3", tracks=tracks).planned()
    assert [str(one.error) for one in made.refused] == ["s1: none of the tracks asked for has scale 3"]
    made = World(models=(("x2",), ("x3",)), references=(False, True), tracks=tracks, named=False).planned()
    assert made.refused == ()
    assert [one.scale for one in made.left_out] == [3]


def test_a_pattern_holds_for_a_scale_that_is_found_late() -> None:
    tracks = ((2, PRESENT, -1), (3, PRESENT, -1))
    made = world("finds2", "finds3", tracks=tracks).planned(models=["*-x2"])
    assert [job.model.id for job in made.jobs] == ["s0/m0-finds2-x2"]
    assert [one.line for one in made.left_out] == ["s1/m0-finds3-x3: not among the models of --model"]
    with pytest.raises(UserError, match="--model \\*-x5: expected the id of a model"):
        world("finds2", tracks=tracks).planned(models=["*-x5"])


def test_named_track_without_a_model_is_reported() -> None:
    made = world("x2", tracks=((2, PRESENT, -1), (3, PRESENT, -1)), named=True).planned()
    assert [one.line for one in made.left_out] == ["track t1-x3: no model to be measured has scale 3"]
