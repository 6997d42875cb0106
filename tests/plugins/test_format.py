"""A format is added from outside of the package in one file, which reads manifests and loads models."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_with_plugins import measured, with_plugins


def test_a_format_from_one_file_is_read_and_loaded_to_a_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    record, page = measured(tmp_path_factory.getbasetemp())
    assert record.model.format == "nearest-json"
    assert record.notes == ("tiny of brightness 1",)
    assert "team" in page


def test_a_format_from_one_file_can_bring_what_to_start_from(tmp_path: Path) -> None:
    plugin = tmp_path / "text.py"
    plugin.write_text(
        "from rtsr_bench.formats import FORMATS, Format, Skeleton\n"
        "start = Skeleton(file='net.txt', export='print(model, file=open(\"net.txt\", \"w\"))')\n"
        "FORMATS.add(Format(name='text', title='Text', load=lambda *request: None, skeleton=start))\n"
    )
    done = with_plugins("-m", "rtsr_bench", "new", "team", "--format", "text", plugins=str(plugin), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'format = "text"\ncheckpoint = "net.txt"' in (tmp_path / "team" / "submission.toml").read_text()
    assert (tmp_path / "team" / "net.txt").read_text().startswith("SmallSR(")
