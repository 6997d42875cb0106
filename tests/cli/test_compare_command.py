"""`rtsr-bench compare` as a user meets it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from conftest_cli import GUESTS, Run, one_line

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import record

from rtsr_bench.compare import sessions
from rtsr_bench.store import encode

QUICK = ("--track", "classic-x2", "--input", "24x40", "--device", "cpu", "--sessions", "1")


def test_a_model_and_itself(
    rtsr_bench: Run, tiny: Path, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SESSION_S", 0.1)
    monkeypatch.setattr(sessions, "WARM_S", 0.0)
    done = rtsr_bench("compare", good, good, *QUICK, "--data-root", tiny, "--out", "out", "--fail-if-worse", "0.01dB")
    assert done.returncode == 0, done.stderr
    assert "PSNR: same within noise. B less A: +0.0000 dB" in done.stdout
    assert "runtime: ambiguous." in done.stdout, "one session has no interval"
    assert "--fail-if-worse 0.01dB passed" in done.stdout
    assert "data not verified" in done.stderr
    raw = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (raw["a"]["model"], raw["track"], raw["input"]) == ("good/x2", "classic-x2", "24x40")
    (session,) = raw["runtime"]["sessions"]
    assert all(ms > 0 for ms in (*session["a_ms"], *session["b_ms"]))
    assert "good/x2" in (tmp_path / "out" / "comparison.html").read_text()


def test_a_model_that_breaks_is_named(rtsr_bench: Run, tiny: Path, good: Path, tmp_path: Path) -> None:
    shutil.copytree(GUESTS / "raises", tmp_path / "broken")
    shutil.copy(good / "submission.toml", tmp_path / "broken")
    done = rtsr_bench("compare", "broken", good, *QUICK, "--only", "fidelity", "--data-root", tiny)
    assert done.returncode == 1
    assert "A failed (load, exception)" in done.stderr
    assert not done.stdout


def test_two_records(rtsr_bench: Run, tmp_path: Path) -> None:
    for name, ms in (("a", 7.0), ("b", 9.0)):
        (tmp_path / f"{name}.json").write_bytes(encode(record(mean_ms=ms)))
    done = rtsr_bench("compare", "a.json", "b.json", "--fail-if-slower", "5%", "--out", "out")
    assert done.returncode == 1, done.stderr
    assert "runtime: slower." in done.stdout
    assert "times both in turns" in done.stdout
    assert "--fail-if-slower 5% failed" in done.stdout
    assert (tmp_path / "out" / "comparison.html").is_file()
    assert rtsr_bench("compare", "a.json", "b.json").returncode == 0
    same = rtsr_bench("compare", "a.json", "a.json", "--fail-if-slower", "0.0001%")
    assert same.returncode == 4, "the limit lies within the interval"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.json", "team"), "two submissions or two records"),
        (("a.json", "a.json", "--quick"), "--quick: two records are compared as they are"),
        (("a.json", "missing.json"), "B: expected a record at missing.json"),
        (("missing", "team"), "missing: expected a submission"),
        (("team", "team", "--only", "fidelity", "--fail-if-slower", "3%"), "--fail-if-slower: expected a comparison"),
        (("team", "team", "--only", "runtime", "--fail-if-worse", "1dB"), "--fail-if-worse: expected a comparison"),
        (("team", "team", "--fail-if-slower", "fast"), "expected a number from 0 to 1000, such as 1%"),
        (("team", "team", "--track", "nowhere"), "no track 'nowhere'"),
        (("team", "team", "--out", "a.json"), "--out a.json: expected a folder"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], said: str, rtsr_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(encode(record()))
    shutil.copytree(GUESTS / "good", tmp_path / "team")
    assert said in one_line(rtsr_bench("compare", *words), 2)
