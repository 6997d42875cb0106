"""Files are written whole or not at all, whenever the writer dies."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtsr_bench.files.writing import aside, name_finished, replacing, sweep, write_durably, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_when_the_block_ends_well_and_left_alone_otherwise(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_whole(target, b"old")
    with contextlib.suppress(KeyboardInterrupt), replacing(target) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old"
    with replacing(target, durable=True) as file:
        file.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("mask", [0o022, 0o027])
def test_a_written_file_has_the_rights_of_any_other(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~mask


def test_the_longest_name_that_a_file_may_have_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("x" * 255), b"x")
    assert names(tmp_path) == ["x" * 255]


def test_a_finished_file_never_takes_the_place_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a"
    for linked in (True, False):  # the second time on a file system without hard links
        with aside(target) as part:
            write_durably(part, b"first")
            name_finished(part, target)
        with aside(target) as part:
            write_durably(part, b"second")
            with pytest.raises(FileExistsError):
                name_finished(part, target)
        assert target.read_bytes() == b"first"
        assert names(tmp_path) == ["a"]
        if linked:
            target.unlink()
            monkeypatch.setattr(os, "link", no_links)


def no_links(*_: object) -> None:
    raise OSError(1, "Operation not permitted")


def test_what_a_dead_writer_left_of_one_file_is_swept_and_of_others_is_not(tmp_path: Path) -> None:
    mine, other = tmp_path / "[a]*.png", tmp_path / "b.png"
    with aside(mine) as dead, aside(other) as living:
        pass
    for left in (dead, living):
        left.write_bytes(b"half")
    sweep(mine)
    assert names(tmp_path) == [living.name]


_WRITES_FOR_EVER = """
import sys
from pathlib import Path
from rtsr_bench.files.writing import write_whole
print("ready", flush=True)
while True:
    for letter in b"ab":
        write_whole(Path(sys.argv[1]), bytes([letter]) * 300_000)
"""


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"a" * 300_000)
    for delay_s in (0.01, 0.02, 0.04):
        with subprocess.Popen([sys.executable, "-c", _WRITES_FOR_EVER, str(target)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(delay_s)
            writer.kill()
        assert target.read_bytes() in (b"a" * 300_000, b"b" * 300_000)
