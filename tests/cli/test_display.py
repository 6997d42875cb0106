"""What a run prints at its end: rows in the order of the leaderboard, and what each number is of."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import CPU, failure, record, under

from rtsr_bench.cli.progress import Display
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.record import Complexity, Fidelity, Record
from rtsr_bench.report.site import compose


def printed(capsys: pytest.CaptureFixture[str], *records: Record) -> list[str]:
    with Display() as display:
        display.table(records)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_rows_of_a_track_whose_score_falls_are_sorted_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        record(track="esr2024-x4", model=f"{name}/x4", gain_db=9, mean_ms=ms)
        for name, ms in (("slow", 30.0), ("fast", 9.0), ("middle", 20.0))
    ]
    broken = record(track="esr2024-x4", model="broken/x4", fidelity=failure(), runtime=failure())
    lines = printed(capsys, broken, *rows)
    assert [line.split()[0] for line in lines[2:]] == ["fast/x4", "middle/x4", "slow/x4", "broken/x4"]


def test_rows_of_a_track_whose_score_rises_are_sorted_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, *(record(model=f"g{gain}/x2", gain_db=gain / 10) for gain in (1, 9, 5)))
    assert [line.split()[0] for line in lines[2:]] == ["g9/x2", "g5/x2", "g1/x2"]


def test_the_table_shows_columns_of_the_leaderboard_in_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    one = record(gain_db=0.5, mean_ms=7.0, params=1_234_500, gmacs=24.19)
    _, heading, row = printed(capsys, one)
    headings = "model score gain dB PSNR RGB dB SSIM RGB runtime ms FPS params K GMACs note"
    assert " ".join(heading.split()) == headings
    assert row.split()[0] == "team_x/s-x2"
    assert row.split()[2] == "+0.500"
    assert row.split()[7:9] == ["1,234.5", "24.19"]


def test_a_classic_track_shows_the_number_that_papers_print(capsys: pytest.CaptureFixture[str]) -> None:
    _, heading, _ = printed(capsys, record(track="classic-x2", model="one/x2"))
    assert "PSNR Y dB" in " ".join(heading.split())
    assert "SSIM Y" not in heading
    with Display() as display:
        display.result(record(track="classic-x2", model="one/x2"))
    assert "PSNR Y dB" in " ".join(capsys.readouterr().err.split())


def test_operators_that_were_not_counted_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    one = record()
    assert isinstance(one.complexity, Complexity)
    counts = tuple(replace(count, uncounted={"aten.fft": 2}) for count in one.complexity.counts)
    (row,) = printed(capsys, replace(one, complexity=replace(one.complexity, counts=counts)))[2:]
    assert "without fft ×2" in row


def windowed(size: Size) -> Record:
    """A record under `--quick` whose images are of this size."""
    one = record(system=CPU, looking=True, gain_db=0.5)
    assert isinstance(one.fidelity, Fidelity)
    return replace(
        one,
        fidelity=replace(one.fidelity, images=tuple(replace(image, size=size) for image in one.fidelity.images)),
    )


def test_a_row_says_that_its_psnr_is_of_a_crop_wherever_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    one = windowed(Size(720, 960))
    said = "PSNR on the central 720x960 of each image"
    (row,) = [line for line in printed(capsys, one) if line.startswith("team_x/")]
    assert said in row
    with Display() as display:
        display.result(one)
    assert said in " ".join(capsys.readouterr().err.split())
    files, _ = compose({"a.json": one})
    for part, words in (
        ("boards/", "crop of 720x960"),
        ("models/", "on the central 720x960 of each image"),
        ("exports/long/all-records", "fidelity on the central 720x960 of each HR image"),
    ):
        (text,) = [data.decode() for path, data in files.items() if path.startswith(part)]
        assert words in text


def test_images_that_a_window_holds_whole_are_no_crops(capsys: pytest.CaptureFixture[str]) -> None:
    assert not [line for line in printed(capsys, windowed(Size(512, 512))) if "PSNR of" in line]


def test_words_of_strangers_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    one = record(model="a\x1b[31m\u202e/x2")
    with Display() as display:
        display.note("x\x1b[2J\u061c[bold]y")
        display.table([one])
    told = capsys.readouterr()
    assert "x\\x1b[2J\\u061c[bold]y" in told.err
    assert "a\\x1b[31m\\u202e/x2" in told.out
    assert "\x1b" not in told.out + told.err


def test_rows_of_the_open_division_show_execution_and_loss_and_are_not_unofficial(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = record(system=CPU)
    title, heading, *rows = printed(capsys, one, under(one, "openvino", precision=Precision.BF16, loss_db=0.2))
    assert "unofficial" not in title
    assert " ".join(heading.split()).startswith("model execution score gain dB loss dB PSNR RGB dB")
    assert "set-up s" in heading
    (opened,) = (row for row in rows if "openvino, bf16" in row)
    assert "+0.200" in opened
    assert opened.count("loses 0.20 dB") == 1
