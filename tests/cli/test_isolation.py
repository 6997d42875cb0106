"""The isolation level as a user of `rtsr-bench run` meets it."""

from __future__ import annotations

from pathlib import Path

from conftest_cli import GUESTS, LITTLE, Once, Run, one_line, without_bubblewrap

from rtsr_bench.sandbox import Level, obtainable
from rtsr_bench.store import load_records


def test_less_isolation_than_required_is_refused_before_a_guest_runs(
    rtsr_bench: Run, tiny: Path, tmp_path: Path
) -> None:
    arguments = ("run", GUESTS / "good", *LITTLE, "--data-root", tiny, "--require-isolation", "bubblewrap")
    line = one_line(rtsr_bench(*arguments, env=without_bubblewrap(tmp_path), apart=True), 2)
    assert "--require-isolation bubblewrap" in line
    assert "found process" in line
    assert not list(tmp_path.rglob("*.json"))


def test_the_level_is_shown_and_kept(once: Once) -> None:
    assert "--require-isolation" in once.words
    level = obtainable().level
    assert level in Level
    assert f"isolation: {level.value}" in once.done.stderr
    (stored,) = load_records(once.records).records
    assert stored.record.system.isolation == level.value
