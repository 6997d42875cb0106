"""The site as a whole: the same bytes for the same records, and nothing harmed on the disk."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from demo_records import CPU, record, with_mse
from report_records import write_crops, write_records

from rtsr_bench.errors import UserError
from rtsr_bench.leaderboard import derive_row
from rtsr_bench.report import build
from rtsr_bench.report.crops import read_crops
from rtsr_bench.report.site import compose
from rtsr_bench.report.writing import MANIFEST


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def few():
    return {
        "a.json": record(model="a/x2", gain_db=0.3),
        "b.json": record("<b>", "b/x2", gain_db=0.6, mean_ms=30),
        "c.json": record(model="c/x2", track="classic-x2", looking=True, system=CPU),
    }


def test_the_same_records_give_the_same_bytes(tmp_path):
    names = list(few())
    script = (
        "import sys; from pathlib import Path; from rtsr_bench.report import build;"
        "build(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    built = []
    for seed, order, zone in (("1", names, "UTC"), ("77", names[::-1], "Asia/Tokyo")):
        records = tmp_path / f"records{seed}"
        write_records(records, {name: few()[name] for name in order})
        out = tmp_path / f"out{seed}"
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C" if seed == "1" else "C.UTF-8"}
        root = str(Path(__file__).parents[2])
        environment["PYTHONPATH"] = root
        subprocess.run(
            [sys.executable, "-c", script, str(records), str(out)], check=True, env=environment, cwd=tmp_path
        )
        built.append(content(out))
    assert built[0] == built[1]
    assert len(built[0]) > 30


def test_a_row_and_a_model_page_say_whose_weights_were_measured(tmp_path):
    one = record("Lab X", "x/x2")
    write_records(tmp_path / "in", {"a.json": replace(one, model=replace(one.model, trained_by="<Lab Y>"))})
    build(tmp_path / "in", tmp_path / "out")
    (board,) = (tmp_path / "out" / "boards").glob("*.html")
    (page,) = (tmp_path / "out" / "models").glob("*.html")
    assert "weights: &lt;Lab Y&gt;" in board.read_text(encoding="utf-8")
    assert "Weights trained by</dt><dd><bdi>&lt;Lab Y&gt;" in page.read_text(encoding="utf-8")


def test_a_flat_image_is_named_and_left_out_on_every_page_and_in_every_export():
    one = record(model="a/x2", gain_db=0.5)
    first, *others = one.fidelity.images
    flat = replace(with_mse(first, 1.0, bicubic=0.0), name="flat.png")
    files, problems = compose({"a.json": replace(one, fidelity=replace(one.fidelity, images=(flat, *others)))})
    assert problems == ()
    text = {path: data.decode() for path, data in files.items() if path.endswith((".html", ".csv", ".json", ".md"))}
    (board,) = [page for path, page in text.items() if path.startswith("boards/")]
    (model,) = [page for path, page in text.items() if path.startswith("models/")]
    said = "Bicubic is exact on flat.png, as on a flat image (the model&#39;s PSNR there is 48.13 dB)"
    assert "1 image left out: bicubic exact" in board
    assert said in board
    assert said in model
    assert "excluded from the means" in model
    assert "∞" not in board
    shown = derive_row("a.json", replace(one, fidelity=replace(one.fidelity, images=tuple(others))), None).fidelity
    expected = repr(shown.psnr_db["rgb_b0"])
    tables = [page for path, page in text.items() if path.startswith("exports/") and path.endswith(".csv")]
    assert sum(expected in table for table in tables) >= 2  # the board's and that of all records
    assert not any(
        "inf" in line.split(",") for table in tables for line in table.splitlines() if "flat.png" not in line
    )


def test_the_order_of_records_does_not_matter():
    records = few()
    assert compose(records) == compose(dict(reversed(records.items())))


def test_the_report_loads_no_torch():
    code = "import rtsr_bench.report, sys; assert 'torch' not in sys.modules; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_no_records_make_an_index_that_says_how_to_begin(tmp_path):
    records = tmp_path / "records"
    records.mkdir()
    site = build(records, tmp_path / "out")
    text = site.index.read_text(encoding="utf-8")
    assert "No records yet" in text
    assert "rtsr-bench run" in text
    assert "published/rtsr2023-x2.html" in text


def test_a_missing_folder_of_records_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match="no folder of records"):
        build(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize("inside", [".", "site"])
def test_the_site_is_never_put_among_the_records(tmp_path, inside):
    write_records(tmp_path, {"a.json": record()})
    with pytest.raises(UserError, match="expected a folder outside the records"):
        build(tmp_path, tmp_path / inside)


def test_records_where_the_site_would_write_are_the_users_mistake(tmp_path):
    records = tmp_path / "models"
    write_records(records, {"a.json": record()})
    with pytest.raises(UserError, match="into the records"):
        build(records, tmp_path)
    assert content(tmp_path).keys() == {"models/a.json"}


def test_an_unwritable_folder_is_one_line(tmp_path):
    records = tmp_path / "records"
    write_records(records, {"a.json": record()})
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        build(records, tmp_path / "file" / "out")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_line(tmp_path):
    records, out = tmp_path / "records", tmp_path / "out"
    write_records(records, {"a.json": record()})
    out.mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot write the report"):
        build(records, out)


def test_pages_of_records_that_are_gone_are_removed_and_nothing_else(tmp_path):
    records, out = tmp_path / "records", tmp_path
    write_records(records, few())
    first = build(records, out)
    mine = out / "models" / "notes.txt"
    mine.write_text("mine")
    (records / "b.json").unlink()
    second = build(records, out)
    assert len(second.pages) == len(first.pages) - 2  # its page, and the map of images, which needs two models
    left = {path for path in content(out) if path.endswith(".html")}
    assert left == set(second.pages)
    assert mine.read_text() == "mine"
    assert (records / "a.json").is_file()


def test_a_manifest_from_elsewhere_removes_nothing_outside(tmp_path):
    records, out = tmp_path / "records", tmp_path / "out"
    write_records(records, {"a.json": record()})
    build(records, out)
    outside = tmp_path / "precious.txt"
    outside.write_text("precious")
    (out / "link").symlink_to(tmp_path)
    names = ["../precious.txt", str(outside), "link/precious.txt", "link", 7, "assets/../../precious.txt"]
    (out / MANIFEST).write_text(json.dumps(names))
    build(records, out)
    assert outside.read_text() == "precious"
    assert (out / "link").is_symlink()


@pytest.mark.parametrize("damage", ["", "{", '{"a": 1}', "[" * 100_000])
def test_a_damaged_manifest_does_not_stop_the_build(tmp_path, damage):
    records, out = tmp_path / "records", tmp_path / "out"
    records.mkdir()
    out.mkdir()
    (out / MANIFEST).write_text(damage)
    assert build(records, out).index.is_file()


def test_a_build_that_dies_leaves_whole_files_and_names_them(tmp_path, monkeypatch):
    records, out = tmp_path / "records", tmp_path / "out"
    write_records(records, few())
    real, count = Path.replace, 0

    def dying(self, target):
        nonlocal count
        count += 1
        if count == 25:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        build(records, out)
    monkeypatch.undo()
    left = content(out)
    assert not [path for path in left if path.endswith(".part")]
    assert set(left) - {MANIFEST} <= set(json.loads((out / MANIFEST).read_text()))
    assert "index.html" not in left
    (records / "b.json").unlink()
    site = build(records, out)
    assert {path for path in content(out) if path.endswith(".html")} == set(site.pages)


def test_building_again_touches_nothing(tmp_path):
    records, out = tmp_path / "records", tmp_path / "out"
    write_records(records, {"a.json": record()})
    index = build(records, out).index
    before = index.stat().st_mtime_ns, index.stat().st_ino
    build(records, out)
    assert (index.stat().st_mtime_ns, index.stat().st_ino) == before


def test_names_become_harmless_file_names():
    one = record(model="../../etc/passwd-x2")
    one = replace(one, track="../../up", system=replace(one.system, device_name="../..//\x00 GPU"))
    files, _ = compose({"a.json": one})
    for path in files:
        assert ".." not in path
        assert not path.startswith("/")
        assert all(char.isalnum() or char in "-_./" for char in path)


def test_two_devices_with_one_slug_keep_their_pages():
    one = record(system=replace(record().system, device_name="GPU X"))
    other = record(system=replace(record().system, device_name="gpu-x"))
    files, _ = compose({"a.json": one, "b.json": other})
    assert sum(path.startswith("boards/") for path in files) == 2


def test_control_characters_and_lone_surrogates_are_shown_as_unknown():
    files, _ = compose({"a.json": record("a\x00b\x1b\u202e\udc80c"), "b.json": record(model="b\x07/x2", mean_ms=30)})
    for path, data in files.items():
        if not path.endswith(".png"):
            text = data.decode("utf-8")
            assert not {"\x00", "\x1b", "\x07", "\u202e"} & set(text), path


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {"hr": "../../a.json", "sr": "0-sr.png", "bicubic": "0-bicubic.png"}},
        {"files": {"hr": "0-hr.png", "sr": "0-sr.png"}},
        {"files": []},
        {"top": -1},
        {"top": True},
        {"height": 0},
        {"image": 7},
        {"files": {"hr": "index.json", "sr": "0-sr.png", "bicubic": "0-bicubic.png"}},
    ],
)
def test_crops_that_are_not_as_they_must_be_are_a_problem(tmp_path, changes):
    records = tmp_path / "records"
    write_records(records, {"a.json": record()})
    write_crops(records / "a.crops", **changes)
    site = build(records, tmp_path / "out")
    assert len(site.problems) == 1
    assert "a.crops/" in site.problems[0]
    assert not (tmp_path / "out" / "crops").exists()


def test_crops_behind_a_link_are_not_followed(tmp_path):
    write_crops(tmp_path / "a.crops")
    (tmp_path / "a.crops" / "0-hr.png").rename(tmp_path / "secret.png")
    (tmp_path / "a.crops" / "0-hr.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ValueError, match=r"0-hr\.png"):
        read_crops(tmp_path / "a.crops")


def test_a_png_that_is_none_is_a_problem(tmp_path):
    write_crops(tmp_path / "a.crops")
    (tmp_path / "a.crops" / "0-sr.png").write_bytes(b"<svg onload=alert(1)>")
    with pytest.raises(ValueError, match="is not a PNG file"):
        read_crops(tmp_path / "a.crops")
