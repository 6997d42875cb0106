"""A runtime that is measured once for the tracks of a run, from the command line to a page."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest_cli import Run

from rtsr_bench.evaluate import sharing
from rtsr_bench.executors.local import Local
from rtsr_bench.record import Runtime
from rtsr_bench.report.site import compose
from rtsr_bench.store import load_records

ALIKE = ("--data", "set5", "--input", "24x40", "--warmup", "2", "--repeats", "64", "--device", "cpu")
"""Options under which tracks differ in nothing that is timed."""


def test_a_runtime_is_measured_once_unless_it_is_not_confirmed(
    rtsr_bench: Run, good: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "APART", 1e6)  # what the machine does meanwhile is nothing to test
    options = ("run", good, *ALIKE, "--data-root", tiny)
    done = rtsr_bench(*options, "--track", "open4k-x2", "--track", "classic-x2")
    assert done.returncode == 0, done.stderr
    records = {one.record.track: one for one in load_records(tmp_path / "reports" / "records").records}
    timed, taken = records["open4k-x2"].record, records["classic-x2"].record
    assert timed.shared_runtime is None
    shared = taken.shared_runtime
    assert shared is not None
    assert (shared.record, shared.track, shared.started) == (
        records["open4k-x2"].path.name, "open4k-x2", timed.started
    )  # fmt: skip
    assert (taken.runtime, taken.memory, taken.complexity) == (timed.runtime, timed.memory, timed.complexity)
    assert len(shared.check.samples_ms) == sharing.REPEATS
    assert shared.check.warmup == 2
    assert len(shared.check.image_ms) >= 8, "images of this track are timed in between"
    assert taken.fidelity is not None
    assert taken.repeatability is not None
    assert taken.repeatability.images, "both processes of this record made the same images"
    assert taken.repeatability.outputs
    line = next(line for line in done.stderr.splitlines() if "timed on open4k-x2, " in line)
    assert line.lstrip().startswith("good/x2: ")
    assert f"timed on open4k-x2, {timed.started[:10]}" in done.stdout
    files, _ = compose({"a.json": timed, "b.json": taken})
    (page,) = (data.decode() for path, data in files.items() if path.startswith("models/") and b"b.json" in data)
    assert "The model was timed on open4k-x2, " in page
    assert "24 repeats confirmed it" in page

    monkeypatch.setattr(sharing, "APART", 1.0)  # no two medians are equal
    done = rtsr_bench(*options, "--track", "rtsr2023-x2")
    assert done.returncode == 0, done.stderr
    assert "rtsr2023-x2: the runtime of open4k-x2 was not confirmed, so the model is timed here" in done.stderr
    (anew,) = (
        one.record
        for one in load_records(tmp_path / "reports" / "records").records
        if one.record.track == "rtsr2023-x2"
    )
    assert anew.shared_runtime is None
    assert isinstance(anew.runtime, Runtime)
    assert len(anew.runtime.samples_ms) == 64
    assert anew.repeatability is not None
    assert len(anew.repeatability.images) == 2, "images of the calls that confirmed nothing are not counted twice"


@pytest.mark.parametrize("share", [True, False])
def test_runtimes_are_not_shared_where_the_user_says_so(share: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    bench = SimpleNamespace(sources=SimpleNamespace(add=lambda name, _: kept.append(name)))
    monkeypatch.setattr(Local, "__init__", lambda self, order: setattr(self, "order", order))
    local = Local(cast("Any", SimpleNamespace(share_runtimes=share)))
    monkeypatch.setattr(local, "_bench", bench, raising=False)
    local.remember([("a.json", cast("Any", None))])
    assert kept == (["a.json"] if share else [])
