"""Packed records: smaller on the disk, and the same to everything that reads them."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from demo_records import CPU, record, under

from rtsr_bench import store
from rtsr_bench.division import division
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.campaign import read_campaign
from rtsr_bench.report.site import build
from rtsr_bench.store import SHARED_CROPS, load_records, save_as
from rtsr_bench.store.packing import pack
from rtsr_bench.tracks import find_track

REPORTS = Path(__file__).parents[2] / "reports"
PNG = b"\x89PNG\r\n\x1a\n"
FIRST = record("Team A", "a/x2", system=CPU)
SECOND = record("Team B", "b/x2", system=CPU)
OPEN = under(FIRST)


def crops(folder: Path, own: bytes, images: int = 4) -> Path:
    """Crops of some images, of which only SR is a record's own."""
    folder.mkdir(parents=True)
    entries = []
    for number in range(images):
        parts = {"hr": b"hr", "sr": own, "bicubic": b"bicubic"}
        files = {part: f"{number}-{part}.png" for part in parts}
        for part, data in parts.items():
            (folder / files[part]).write_bytes(PNG + data + bytes([number]))
        place = {"top": 0, "left": 0, "height": 8, "width": 8}
        entries.append({"image": f"{number}.png", "data_set": "Set", **place, "files": files})
    (folder / "index.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    folder.mkdir()
    for name, one in {"a.json": FIRST, "b.json": SECOND, "open.json": OPEN}.items():
        save_as(one, folder / name, crops(tmp_path / name, name.encode()))
    return folder


def site(records: Path, out: Path) -> dict[str, bytes]:
    built = build(records, out)
    assert built.problems == ()
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_site_of_packed_records_is_the_same(records: Path, tmp_path: Path) -> None:
    shutil.rmtree(records / "open.crops")  # the open division keeps none
    before = site(records, tmp_path / "before")
    loaded = [one.record for one in load_records(records).records]
    assert pack(records, crops=9).records == 3
    assert sorted(path.name for path in records.glob("*.json*")) == ["a.json.gz", "b.json.gz", "open.json.gz"]
    assert [one.record for one in load_records(records).records] == loaded
    assert [one.name for one in load_records(records).records] == ["a.json", "b.json", "open.json"]
    assert site(records, tmp_path / "after") == before


def test_crops_are_kept_once_for_records_of_the_closed_division(records: Path) -> None:
    found = pack(records, crops=2)
    names = {path.name for path in (records / SHARED_CROPS).iterdir()}
    assert len(names) == 2 * 2 + 2 * 2, "HR and bicubic of two images for both records, SR of each"
    assert all(len(name) == 32 + len(".png") for name in names)
    index = json.loads((records / "a.crops" / "index.json").read_text())
    assert [entry["image"] for entry in index] == ["0.png", "3.png"], "spread over all"
    assert not (records / "open.crops").exists()
    assert found.crop_bytes == sum(path.stat().st_size for path in records.rglob("*.crops/*"))
    again = pack(records, crops=1)
    assert len(list((records / SHARED_CROPS).iterdir())) == 2 + 2
    assert again.record_bytes == found.record_bytes
    pack(records, crops=0)
    assert list(records.rglob("*.png")) == []


def test_the_same_record_is_packed_to_the_same_bytes(records: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    save_as(FIRST, other / "a.json")
    pack(records, crops=0)
    pack(other, crops=0)
    assert (other / "a.json.gz").read_bytes() == (records / "a.json.gz").read_bytes()
    assert (other / "a.json.gz").stat().st_size < 0.5 * len(store.encode(FIRST))


def test_a_packed_record_keeps_its_name(tmp_path: Path) -> None:
    first = store.save(FIRST, tmp_path)
    pack(tmp_path, crops=0)
    assert store.save(FIRST, tmp_path).name == f"{first.stem}-1.json"
    with pytest.raises(UserError, match="expected an unused name"):
        save_as(FIRST, first)


def test_a_record_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    """As after a kill between both steps of packing."""
    path = store.save(FIRST, tmp_path)
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(b"{}"))
    assert [one.record for one in load_records(tmp_path).records] == [FIRST]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}", "is damaged: Not a gzipped file"),
        (gzip.compress(store.encode(FIRST))[:-9], "is damaged: Compressed file ended"),
        (gzip.compress(b"{}"), "is not a record"),
        (gzip.compress(b" " * 3000), "is larger than 2000 bytes when unpacked"),
    ],
    ids=["plain", "cut", "empty", "bomb"],
)
def test_what_is_no_packed_record_is_a_problem(
    tmp_path: Path, data: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "unpacked" in said:
        monkeypatch.setattr(store, "MAX_BYTES", 2000)
    (tmp_path / "a.json.gz").write_bytes(data)
    (problem,) = load_records(tmp_path).problems
    assert problem.startswith("a.json.gz ")
    assert said in problem
    with pytest.raises(UserError, match="remove or repair it before records are packed"):
        pack(tmp_path, crops=0)


@pytest.mark.parametrize("name", ["official", "official-open"])
def test_the_campaigns_of_the_repository_can_be_read(name: str) -> None:
    settings = read_campaign(REPORTS / f"{name}.toml")
    assert set(settings.selection.tracks) == {"open4k-x2", "open4k-x3", "classic-x2", "classic-x3"}
    for track in settings.selection.tracks:
        find_track(track)
    names = {path.name for path in settings.selection.paths}
    assert names >= {"rt4ksr", "example_team"}
    assert settings.output.records == REPORTS / "records"
    assert ("bicubic" in names) is (name == "official")
    assert settings.executions == (() if name == "official" else ("all",))


def test_the_records_of_the_repository_are_official_and_small() -> None:
    if not (REPORTS / "records").is_dir():
        pytest.skip("no official records yet: make official measures them")

    loaded = load_records(REPORTS / "records")
    assert loaded.problems == ()
    for stored in loaded.records:
        assert division(stored.record, find_track(stored.record.track)) is not None, stored.path.name
    files = [path for path in (REPORTS / "records").rglob("*") if path.is_file()]
    in_crops = {path for path in files if path.parent.name.endswith(".crops")}
    assert sum(path.stat().st_size for path in files if path not in in_crops) < 10e6
    assert sum(path.stat().st_size for path in in_crops) < 15e6
