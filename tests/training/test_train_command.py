"""`rtsr-bench train`: what it says, and that it promises no more than it does."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rtsr_bench.cli import cli


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """The command sets a handler of its own, which is not to outlive the test."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def trained(recipe: Path, pictures: Path, out: Path) -> str:
    result = CliRunner().invoke(cli, ["train", str(recipe), "--data", str(pictures), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_training_that_ends_below_bicubic_says_so_each_time(
    recipe_file: Callable[..., Path], pictures_folder: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        output = trained(recipe_file(), pictures_folder, tmp_path / "out")
        assert f"wrote {tmp_path / 'out' / 'tiny.safetensors'} and tiny.json" in output
        last = output.splitlines()[-1]
        assert last.startswith("below bicubic under every degradation: pillow-bicubic ")
        assert "pillow-bicubic+jpeg90" in last


def test_one_that_is_ahead_under_some_degradation_does_not(
    recipe_file: Callable[..., Path], pictures_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "rtsr_bench.training.loop._bicubic",
        lambda low, scale: low.repeat_interleave(scale, -1).repeat_interleave(scale, -2) * 0.0,
    )
    assert "below bicubic" not in trained(recipe_file(), pictures_folder, tmp_path / "out")


def test_the_help_says_what_is_known_by_pixels_and_what_by_bytes() -> None:
    said = " ".join(CliRunner().invoke(cli, ["train", "--help"]).output.split())
    assert "those of Open4K, Set5, Set14 and the built-in set are recognised by their pixels" in said
    assert "of BSD100 and Urban100 by the bytes of the published files" in said
    assert "never trained on" not in said
