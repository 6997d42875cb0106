"""Hand-ins of tests/hand_ins through the command line: what `check`, a record and a page say of their loading."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest_cli import LITTLE, Run

from rtsr_bench.record import Failure, FailureKind, Fidelity, Runtime
from rtsr_bench.store import load_records

HAND_INS = Path(__file__).parents[1] / "hand_ins"

KEPT = ("argparse_at_import", "eval_returns_none", "lazy_conv", "ntire_half", "state_dict_ema", "ts_half")


def test_check_says_how_each_was_loaded_and_why_one_was_not(rtsr_bench: Run) -> None:
    broken = ("lfs_pointer", "truncated")
    done = rtsr_bench("check", *(HAND_INS / name for name in (*KEPT, *broken)), "--device", "cpu")
    assert done.returncode == 1, done.stderr
    said = dict(zip((*KEPT, *broken), done.stdout.split("contract")[:-1], strict=False))
    assert len(said) == len(KEPT) + len(broken)
    text = " ".join(done.stdout.split())
    assert done.stdout.count("keeps the contract") == len(KEPT)
    assert done.stdout.count("breaks the contract") == len(broken)
    assert "note loading net.pth: the weights are those in `state_dict_ema`; beside it: `state_dict`, `epoch`" in text
    assert text.count("note loading the model came in float16; it is converted to the precision that is asked for") == 2
    assert (
        "BAD load bad_output: net.pth is a Git LFS pointer (130 bytes that stand for the file), not the weights" in text
    )
    assert "BAD load bad_output: net.pth is truncated: its end is missing" in text
    assert "fault of rtsr-bench" not in done.stdout + done.stderr


LONG = """def srmodel():
    raise RuntimeError("The weights are at home. " + "They are blue. " * 20 + "\\nBring them along")
"""


def test_a_record_and_its_page_keep_the_notes_and_the_whole_reason(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(HAND_INS / "lfs_pointer", tmp_path / "talks")
    (tmp_path / "talks" / "arch.py").write_text(LONG)
    done = rtsr_bench("run", HAND_INS / "state_dict_ema", tmp_path / "talks", *LITTLE, "--data-root", tiny)
    assert done.returncode == 1, done.stderr
    loaded = load_records(tmp_path / "reports" / "records").records
    by_id = {stored.record.submission.id: stored.record for stored in loaded}
    good, bad = by_id["state_dict_ema"], by_id["talks"]
    assert isinstance(good.fidelity, Fidelity)
    assert isinstance(good.runtime, Runtime)
    note = "net.pth: the weights are those in `state_dict_ema`; beside it: `state_dict`, `epoch`"
    assert good.notes == (note,)
    failure = bad.runtime
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.EXCEPTION
    assert failure.message.startswith("RuntimeError: The weights are at home. They are blue. ")
    assert failure.message.endswith("They are blue. Bring them along")
    assert (
        "talks/x2: The model raised an exception while loading: RuntimeError: The weights are at home\n" in done.stderr
    )
    assert rtsr_bench("report", "--out", "site").returncode == 0
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")}
    board = next(text for name, text in pages.items() if name.startswith("classic-x2"))
    assert "The weights are at home" in board
    assert "They are blue" not in board
    assert any("Bring them along" in text and "They are blue" in text for text in pages.values())
    assert any(note in text for text in pages.values())
    checked = rtsr_bench("check", "talks", "--device", "cpu", env={"COLUMNS": "80"})
    lines = checked.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines if "|" not in line)
    assert "They are blue. Bring them along" in " ".join(checked.stdout.split())
