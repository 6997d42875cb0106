"""Pickles that need to be allowed, and images submitted, as a user of `rtsr-bench run` meets them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest_cli import GUESTS, LITTLE, Run, one_line, without_bubblewrap

from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Level, obtainable
from rtsr_bench.store import load_records

WEIGHTS = 'checkpoint = "checkpoint.pth"\n'
MANIFEST = f'[submission]\nteam = "T"\ntitle = "N"\n[[model]]\nscale = 2\n{WEIGHTS}'


class Evil:
    """Weights that run code as they are read."""

    def __reduce__(self) -> tuple[object, ...]:
        return (eval, ("__import__('torch').eye(3)[:, :, None, None]",))


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A submission whose weights are a pickle with code in it."""
    import torch

    folder = tmp_path / "team"
    shutil.copytree(GUESTS / "good", folder)
    (folder / "submission.toml").write_text(MANIFEST)
    torch.save({"conv.weight": Evil()}, folder / "checkpoint.pth")
    return folder


@pytest.mark.skipif(obtainable().level is Level.PROCESS, reason="needs bubblewrap: pickles are read in its room only")
def test_refused_pickle_names_an_option_that_works_and_is_recorded(
    rtsr_bench: Run, tiny: Path, tmp_path: Path, team: Path
) -> None:
    arguments = ("run", team, *LITTLE, "--data-root", tiny)
    refused = rtsr_bench(*arguments)
    assert refused.returncode == 1, refused.stderr
    assert "--allow-pickle" in " ".join(refused.stderr.split())
    allowed = rtsr_bench(*arguments, "--allow-pickle")
    assert allowed.returncode == 0, allowed.stderr
    first, second = (one.record for one in load_records(tmp_path / "reports" / "records").records)
    assert isinstance(first.runtime, Failure)
    assert (first.pickle_allowed, second.pickle_allowed) == (False, True)
    assert "--allow-pickle" in second.command
    assert second.repeatability is not None
    assert len(second.repeatability.images) == 2
    kept = rtsr_bench(*arguments, "--allow-pickle")
    assert "0 new records, 1 existing" in kept.stderr
    rtsr_bench("report", "--out", tmp_path / "site")
    pages = [page.read_text() for page in (tmp_path / "site" / "models").glob("*.html")]
    assert any("weights could run code when they were read" in page and "by two processes" in page for page in pages)


def test_pickles_need_a_room_of_their_own(rtsr_bench: Run, tiny: Path, tmp_path: Path, team: Path) -> None:
    hidden = without_bubblewrap(tmp_path)
    for arguments in (("run", team, *LITTLE, "--data-root", tiny), ("check", team)):
        line = one_line(rtsr_bench(*arguments, "--allow-pickle", env=hidden, apart=True), 2)
        assert "--allow-pickle: expected the isolation level bubblewrap" in line
    assert not list(tmp_path.rglob("*.json"))


def test_missing_import_names_an_option_that_works_and_is_recorded(rtsr_bench: Run, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "team"
    shutil.copytree(GUESTS / "good", folder)
    arch = (folder / "arch.py").read_text()
    (folder / "arch.py").write_text(f"from gone_a.layers import DropPath\n{arch}")
    (folder / "requirements.txt").write_text("gone_a\n")
    (folder / "submission.toml").write_text(MANIFEST.replace(WEIGHTS, ""))
    arguments = ("run", folder, *LITTLE, "--data-root", tiny)
    failed = rtsr_bench(*arguments)
    assert failed.returncode == 1, failed.stderr
    said = " ".join(failed.stderr.split())
    assert "team requires gone_a (not installed); --with-requirements installs it, --stub-missing replaces it" in said
    stubbed = rtsr_bench(*arguments, "--stub-missing")
    assert stubbed.returncode == 0, stubbed.stderr
    first, second = (one.record for one in load_records(tmp_path / "reports" / "records").records)
    assert isinstance(first.runtime, Failure)
    assert "It is neither in the submission nor installed" in first.runtime.message
    assert (first.stubs_allowed, first.stubs) == (False, ())
    assert (second.stubs_allowed, second.stubs) == (True, ("gone_a",))
    assert "--stub-missing" in second.command
    assert any("gone_a is not installed and was replaced by a stub" in note for note in second.notes)


def test_model_without_available_weights_is_named_and_others_are_checked(rtsr_bench: Run, tmp_path: Path) -> None:
    shutil.copytree(GUESTS / "good", tmp_path / "team")
    recipe = f'[model.checkpoint]\nurl = "https://weights.invalid/w.pth"\nsha256 = "{"0" * 64}"\n'
    plain = '[submission]\nteam = "T"\ntitle = "N"\n[[model]]\nscale = 2\n'
    (tmp_path / "team" / "submission.toml").write_text(f'{plain}variant = "far"\n{recipe}[[model]]\nscale = 2\n')
    env = {"RTSR_BENCH_CACHE": str(tmp_path / "cache")}
    done = rtsr_bench("check", "team", "--device", "cpu", env=env, apart=True)  # here sockets are forbidden
    assert done.returncode == 2
    assert "error: team/far-x2 is not checked: " in done.stderr
    assert "team/x2 " in done.stdout
    assert "meets the contract" in done.stdout


def test_images_handed_in_are_compared_and_a_difference_is_no_failure(
    rtsr_bench: Run, tiny: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "team"
    shutil.copytree(GUESTS / "good", folder)
    (folder / "submission.toml").write_text(MANIFEST.replace(WEIGHTS, ""))
    (folder / "results").mkdir()
    for path in (tiny / "Set5" / "image_SRF_2").glob("*1_SRF_2_HR.png"):
        shutil.copy(path, folder / "results")  # better than what the model can make
    done = rtsr_bench("run", folder, *LITTLE, "--data-root", tiny)
    assert done.returncode == 0, done.stderr
    assert "results/: 1 of 3 images compared with ours, 0 identical, worst img_001_SRF_2_HR.png:" in done.stderr
    (stored,) = load_records(tmp_path / "reports" / "records").records
    assert stored.record.submitted_images is not None
    assert stored.record.submitted_images.differs
    assert stored.record.submitted_images.missing == 2
