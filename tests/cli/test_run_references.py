"""The fixed references in a whole run."""

from __future__ import annotations

from pathlib import Path

from conftest_cli import DECLARED, GUESTS, LITTLE, Run

from rtsr_bench.sandbox import Child
from rtsr_bench.store import load_records
from rtsr_bench.wire import Loaded, LoadModel, ReferenceTimed, TimeReference


def test_a_guest_that_fakes_the_references_does_so_in_its_own_process_only(
    rtsr_bench: Run, tiny: Path, tmp_path: Path
) -> None:
    guest = tmp_path / "fakes"
    guest.mkdir()
    (guest / "arch.py").write_text((GUESTS / "fakes_the_references" / "arch.py").read_text())
    (guest / "submission.toml").write_text(DECLARED)
    with Child(device="cpu") as child:
        loaded = child.ask(LoadModel(format="python", folder=guest, entry="arch:srmodel", scale=2), limit_s=60)
        assert isinstance(loaded, Loaded), loaded
        fake = child.ask(TimeReference(), limit_s=60)
    assert isinstance(fake, ReferenceTimed), fake
    assert fake.convs.samples_ms == (123.0,), "where a guest is, nothing of this can be believed"
    done = rtsr_bench("run", guest, *LITTLE, "--data-root", tiny, env={"RTSR_BENCH_REFERENCE": "on"})
    assert done.returncode == 0, done.stderr
    (stored,) = load_records(tmp_path / "reports" / "records").records
    found = stored.record.references
    assert found is not None
    assert (found.convs.id, found.bicubic.id) == ("convs-3-16-16-16-12-180x320/1", "bicubic-x2-180x320/1")
    for times in (found.convs, found.bicubic):
        assert min(len(times.before_ms), len(times.after_ms)) >= 3
        assert 123.0 not in (*times.before_ms, *times.after_ms)


def test_a_wrong_setting_is_one_line(rtsr_bench: Run, good: Path, tiny: Path, tmp_path: Path) -> None:
    done = rtsr_bench("run", good, *LITTLE, "--data-root", tiny, env={"RTSR_BENCH_REFERENCE": "no"})
    assert done.returncode == 2, done.stderr
    assert "RTSR_BENCH_REFERENCE: expected on or off, found 'no'" in done.stderr
    assert not list((tmp_path / "reports" / "records").glob("*.json"))
