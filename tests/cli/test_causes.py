"""Causes of failed entries: grouped, the most frequent first, one line per entry if they differ."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import record

from rtsr_bench.cli.causes import cause_of, grouped, not_measured, refused, short
from rtsr_bench.cli.checking import Outcome
from rtsr_bench.cli.progress import _note, _row
from rtsr_bench.cli.verdict import BAD, NOTE, OK, Verdict
from rtsr_bench.measuring.stubs import StubUsedError
from rtsr_bench.record import Failure, FailureKind, Stage


def failed(message: str, *, stage: Stage = Stage.LOAD, kind: FailureKind = FailureKind.EXCEPTION) -> Failure:
    return Failure(stage=stage, kind=kind, message=message)


def missing(module: str) -> Failure:
    return failed(f"ModuleNotFoundError: No module named '{module}'")


def test_causes_are_grouped_by_frequency() -> None:
    lines = list(
        grouped([
            ("a/x4", cause_of(missing("cv2"))),
            ("b/x4", cause_of(missing("einops"))),
            ("c/x4", cause_of(missing("einops"))),
            ("d/x4", refused("submission.toml: expected TOML")),
            ("e/x4", cause_of(failed("ValueError: no", stage=Stage.ENHANCE))),
            ("f/x4", cause_of(failed("KeyError: 'x'. And more", stage=Stage.ENHANCE))),
            ("g/x4", cause_of(failed("ValueError: no", stage=Stage.ENHANCE))),
            ("g/x4", cause_of(failed("ValueError: no", stage=Stage.ENHANCE))),
        ])
    )  # fmt: skip
    assert lines == [
        "3 raised an exception while enhancing images:",
        "    e/x4: ValueError: no",
        "    f/x4: KeyError: 'x'",
        "    g/x4: ValueError: no",
        "2 need einops: `pip install einops`, --with-requirements, or --stub-missing if inference does not use it",
        "    b/x4, c/x4",
        "1 needs cv2: `pip install opencv-python`, --with-requirements, or --stub-missing if inference does not use it",
        "    a/x4",
        "1 refused: submission.toml: expected TOML",
        "    d/x4",
    ]


def test_common_message_of_a_group_is_printed_once() -> None:
    late = failed("no answer within 120 s", kind=FailureKind.TIMEOUT)
    assert list(grouped((name, cause_of(late)) for name in "abc")) == [
        "3 ran out of time while loading: no answer within 120 s",
        "    a, b, c",
    ]
    assert list(grouped([("a", not_measured("disk full"))])) == ["1 not measured: disk full", "    a"]
    assert list(grouped([])) == []


def test_a_module_that_an_installed_package_lacks_needs_another_version() -> None:
    cause = cause_of(missing("numpy.of_tomorrow"))
    assert cause.one == f"needs another version of numpy than {np.__version__}"
    assert cause.own.startswith("it has no numpy.of_tomorrow; requirements.txt can name a version")
    assert short(missing("numpy.of_tomorrow")) == "failed: needs numpy"


_EARLIER = "timm.layers.DropPath was called, but timm is not installed and a stub stands in its place (--stub-missing)"


@pytest.mark.parametrize("said", [str(StubUsedError("timm.layers.DropPath", "called")), _EARLIER])
def test_used_stub_is_a_missing_package(said: str) -> None:
    used = failed(f"StubUsedError: {said}")
    assert cause_of(used).one == "needs timm: `pip install timm`, --with-requirements (a stub is not enough)"
    assert short(used) == "failed: needs timm"


@pytest.mark.parametrize("module", ["models.team03", "utils", "arch"])
def test_a_file_of_a_teams_own_is_not_looked_for_in_an_index(module: str) -> None:
    cause = cause_of(missing(module))
    assert "pip" not in cause.group
    assert (cause.one, cause.own) == ("lacks a file of its own", f"module {module}")


def test_the_table_says_why_a_model_failed() -> None:
    assert short(missing("einops.layers")) == "failed: needs einops"
    broken = record(fidelity=failed("RuntimeError: sizes differ. Much more"), runtime=None)
    row = _row(broken)
    assert _note(row, ()).startswith("failed: load: RuntimeError: sizes differ")
    assert "exception" not in _note(row, ())
    assert len(short(failed("x" * 999))) == 100


def verdict(capsys: pytest.CaptureFixture[str], *, whole: bool) -> tuple[Verdict, list[str]]:
    found = Verdict(name="team/x4", about="Net, python, data range 1", whole=whole)
    found.add(OK, "input 64x96", "256x384, finite")
    for number in range(7):
        found.add(NOTE, "loading", f"note {number} " + "and more " * 60)
    found.add(BAD, "deterministic", "two runs on one input differ by up to 1 " + "or so " * 60)
    found.add(BAD, "input untouched", "the model changed its input tensor")
    found.end()
    return found, capsys.readouterr().out.splitlines()


def test_a_verdict_takes_three_lines_where_many_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    found, lines = verdict(capsys, whole=False)
    assert len(lines) == 3
    assert lines[0] == "team/x4: breaks the contract"
    assert lines[1].startswith("  BAD  deterministic: two runs on one input differ")
    assert lines[1].endswith(" (and 1 more)")
    assert lines[2].startswith("  note loading: note 0")
    assert lines[2].endswith(" (and 6 more)")
    assert max(map(len, lines)) <= 160
    assert [cause.own[:13] for cause in found.causes] == ["deterministic", "input untouch"]


def test_a_verdict_says_everything_where_one_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines = verdict(capsys, whole=True)
    assert lines[0] == "team/x4  (Net, python, data range 1)"
    assert sum(line.startswith("  note loading") for line in lines) == 7
    assert lines[-1] == "  breaks the contract: see the lines marked BAD"


def test_the_summary_of_check_counts_and_groups() -> None:
    outcome = Outcome()
    for name, cause in (("a/x4", None), ("b/x4", missing("einops")), ("c/x4", missing("einops"))):
        outcome.verdicts.append(Verdict(name=name, about="", whole=False, limited=cause is None))
        if cause:
            outcome.verdicts[-1].failed(cause)
    assert list(outcome.lines) == [
        "1 of 3 models meet the contract (1 with limits)",
        "  2 need einops: `pip install einops`, --with-requirements, or --stub-missing if inference does not use it",
        "      b/x4, c/x4",
    ]
    outcome.unchecked.append(("d", refused("expected TOML")))
    assert next(iter(outcome.lines)) == "1 of 4 models meet the contract (1 with limits); 1 not checked"
    assert list(Outcome(verdicts=outcome.verdicts[:1]).lines) == []
