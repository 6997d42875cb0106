"""A track is added from outside by one file; its rows are ranked on a board of its own, and nowhere called shipped."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from rtsr_bench import plugins
from rtsr_bench.cli import cli
from rtsr_bench.errors import UserError
from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.report import build
from rtsr_bench.report.frames import frames
from rtsr_bench.store import save
from rtsr_bench.tracks import all_tracks, find_track

DUMMY = Path(__file__).with_name("toy_track.toml")
CORE = Path(__file__).parents[1] / "core"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(CORE))
    import demo_records

    monkeypatch.setitem(demo_records.TITLES, "toy", "Toy frames")
    monkeypatch.setitem(demo_records.IMAGES, "toy", 3)
    monkeypatch.setenv(plugins.ENVIRONMENT, str(DUMMY))
    return demo_records


def test_one_file_adds_a_track(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = list(all_tracks())
    monkeypatch.setenv(plugins.ENVIRONMENT, "")
    for arguments in (["tracks"], ["tracks", "toy-x2"]):
        done = CliRunner().invoke(cli, [*arguments, "--plugin", str(DUMMY)])
        assert done.exit_code == 0, done.output
        assert "toy-x2" in done.output
    assert "Toy x2 (own track)" in done.output
    assert list(all_tracks()) == [*shipped, "toy-x2"]
    assert not find_track("toy-x2").shipped
    assert all(find_track(name).shipped for name in shipped)
    assert plugins.toml_files("track") == (DUMMY,)


def test_its_rows_are_ranked_on_their_own_board_and_not_called_official(demo: ModuleType, tmp_path: Path) -> None:
    records = {
        f"{model}.json": demo.record("Team", f"{model}/x2", track="toy-x2", gain_db=gain, mean_ms=5.0, system=demo.CPU)
        for model, gain in (("first", 1.0), ("second", 0.4))
    }
    boards = leaderboards(records)
    assert [(board.track_id, [row.rank for row in board.rows]) for board in boards] == [("toy-x2", [1, 2])]
    assert not frames(records, boards=boards)["records"]["official"].any()
    (tmp_path / "records").mkdir()
    for record in records.values():
        save(record, tmp_path / "records")
    site = build(tmp_path / "records", tmp_path / "out")
    (address,) = (page for page in site.pages if page.startswith("boards/"))
    page = (tmp_path / "out" / address).read_text(encoding="utf-8")
    assert "Toy x2 (own track)" in page
    assert "the protocol of this track (not a shipped one)" in page
    assert "fficial protocol" not in page
    assert "Toy x2 (own track)" in site.index.read_text(encoding="utf-8")


def test_without_the_plug_in_its_records_have_no_rank(demo: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    record = demo.record("Team", "first/x2", track="toy-x2", system=demo.CPU)
    monkeypatch.setenv(plugins.ENVIRONMENT, "")
    (board,) = leaderboards({"a.json": record})
    assert board.track is None
    assert [row.rank for row in board.rows] == [None]


@pytest.mark.parametrize(
    ("degradation", "shown"),
    [
        ("pillow-bicubic+noise5", "pillow-bicubic+noise5 (Pillow"),
        ("noise5", "noise5 (unknown: `run` refuses it unless a plug-in adds it)"),
        ("files: as handed out", "files: as handed out\n"),
    ],
)
def test_its_degradation_is_shown_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, degradation: str, shown: str
) -> None:
    monkeypatch.setenv(plugins.ENVIRONMENT, "")
    mine = tmp_path / "mine.toml"
    mine.write_text(DUMMY.read_text().replace("pillow-bicubic+levels64+noise2", degradation))
    done = CliRunner().invoke(cli, ["tracks", "toy-x2", "--plugin", str(mine)])
    assert done.exit_code == 0, done.output
    assert f"  degradation       {shown}" in done.output
    assert "also recorded" not in done.output


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "toy-x2"', 'id = "open4k-x2"', "'open4k-x2' is the name of another track"),
        ('title = "Toy x2"', 'title = "OPEN4K x2"', "'OPEN4K x2' is the name of another track"),
        ('id = "toy-x2"', 'id = "../toy"', "a letter or digit first, found the text '../toy'; write id = "),
        ('id = "toy-x2"', "id = 5", "id: expected a line of text of at most 100 characters, found the number 5"),
        ("scale = 2", "scale = 5", "scale: expected 2 or 3 or 4, found the number 5"),
        ("scale = 2", "", "scale: expected 2 or 3 or 4, found nothing; write scale = 2"),
        ("scale = 2", "scale = ", "expected TOML, found a mistake"),
    ],
)
def test_a_track_that_breaks_the_form_or_takes_a_name_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    (tmp_path / "mine.toml").write_text(DUMMY.read_text().replace(old, new))
    monkeypatch.setenv(plugins.ENVIRONMENT, str(tmp_path / "mine.toml"))
    with pytest.raises(UserError) as caught:
        all_tracks()
    assert said in str(caught.value)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
