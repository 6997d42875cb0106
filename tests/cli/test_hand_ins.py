"""Submissions of tests/hand_ins through the command line: what `check`, a record and a page say of their loading."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest_cli import LITTLE, Run

from rtsr_bench.record import Failure, FailureKind, Fidelity, Runtime
from rtsr_bench.store import load_records

HAND_INS = Path(__file__).parents[1] / "hand_ins"

KEPT, BROKEN = ("argparse_at_import", "ntire_half", "state_dict_ema"), ("lfs_pointer",)
"""Those whose answer the command line adds to; all of them are loaded in tests/measuring/test_loading_hand_ins.py."""


def test_check_says_how_each_was_loaded_and_why_one_was_not(rtsr_bench: Run) -> None:
    done = rtsr_bench("check", *(HAND_INS / name for name in (*KEPT, *BROKEN)), "--device", "cpu", "-v")
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.split())
    assert done.stdout.count("meets the contract") == len(KEPT)
    assert done.stdout.count("breaks the contract") == len(BROKEN)
    assert "note loading net.pth: the weights are those in `state_dict_ema`; beside it: `state_dict`, `epoch`" in text
    assert "note loading the model came in float16; it is converted to the precision that is asked for" in text
    assert (
        "BAD load bad_output: net.pth is a Git LFS pointer (130 bytes that stand for the file), not the weights" in text
    )
    assert "internal error" not in done.stdout + done.stderr


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
    alike = 'net.pth: `state_dict` fits as well; weights_key = "state_dict" in the manifest chooses it'
    assert good.notes == (note, alike)
    failure = bad.runtime
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.EXCEPTION
    assert failure.message.startswith("RuntimeError: The weights are at home. They are blue. ")
    assert failure.message.endswith("They are blue. Bring them along")
    assert (
        "talks/x2: The model raised an exception while loading: RuntimeError: The weights are at home\n" in done.stderr
    )
    assert rtsr_bench("report", "--out", "site").returncode == 0
    (board,) = (path.read_text(encoding="utf-8") for path in (tmp_path / "site" / "boards").glob("*.html"))
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "site" / "models").glob("*.html")]
    assert "The weights are at home" in board
    assert "They are blue" not in board
    assert any("Bring them along" in text and "They are blue" in text for text in pages)
    assert any(note in text for text in pages)
    checked = rtsr_bench("check", "talks", "--device", "cpu", env={"COLUMNS": "80"})
    lines = checked.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines if "|" not in line)
    assert "They are blue. Bring them along" in " ".join(checked.stdout.split())
