"""The data of the page that compares models: what a board's script holds."""

from __future__ import annotations

import json
import re

import pytest
from demo_records import CPU, record
from report_records import CROPPED

from rtsr_bench.report.site import compose
from rtsr_bench.score import psnr_db
from rtsr_bench.store import decode


def data_of(script: bytes) -> dict:
    text = script.decode("ascii")
    assert text.startswith("rtsrCompare({")
    return json.loads(text.removeprefix("rtsrCompare(").removesuffix(");\n"))


@pytest.fixture(scope="module")
def scripts(site):
    out, _ = site
    return {path.stem: data_of(path.read_bytes()) for path in out.glob("data/compare/*.js")}


def test_every_board_has_its_data_and_is_offered(site, scripts):
    out, built = site
    boards = {path.stem for path in out.glob("boards/*.html")}
    assert set(scripts) == boards
    page = (out / "compare.html").read_text(encoding="utf-8")
    offered = re.findall(r'<option value="([^"]+)"', page)
    assert {name.replace(";", "--", 1) for name in offered} == boards
    for name in boards:
        board = (out / f"boards/{name}.html").read_text(encoding="utf-8")
        assert f'data-board="{name.replace("--", ";", 1)}"' in board
        keys = {model["key"] for group in scripts[name]["groups"] for model in group["models"]}
        assert keys == set(re.findall(r'<tr id="m-([a-z0-9_-]+)"', board))
    assert "compare.html" in built.pages


def test_a_model_has_its_numbers_as_on_the_board_and_psnr_by_image(site, scripts, records_folder):
    (data,) = (one for name, one in scripts.items() if name.startswith("builtin-x2--nvidia"))
    group = data["groups"][0]
    model = next(one for one in group["models"] if one["key"] == "rt4ksr-s-x2")
    labels = [column["label"] for column in group["columns"]]
    assert re.fullmatch(r"\d+ \(\d+(–\d+)?\)", model["texts"][labels.index("#")])
    assert len(model["texts"]) == len(model["values"]) == len(labels)
    assert model["values"][labels.index("FPS")] == pytest.approx(1000 / model["runtime"])
    (kept,) = (
        one
        for one in (decode(path.read_bytes()) for path in sorted(records_folder.glob("0*.json")))
        if one.model.id == "rt4ksr/s-x2" and one.track == "builtin-x2" and one.system.device_kind == "cuda"
    )
    expected = [psnr_db(image.values["mse/rgb_b0"]) for image in kept.fidelity.images]
    assert model["psnr"] == pytest.approx(expected, abs=1e-4)
    assert [name for _, name in group["images"]] == [image.name for image in kept.fidelity.images]
    assert (site[0] / model["address"]).is_file()


def test_failed_models_have_no_values(scripts):
    (data,) = (one for name, one in scripts.items() if name.startswith("builtin-x2--nvidia"))
    model = next(one for one in data["groups"][0]["models"] if one["key"] == "swin_fans-x2")
    assert set(model["psnr"]) == {None}
    assert model["runtime"] is None
    assert set(model["values"]) == {None}


def test_crops_are_files_of_the_site(site, scripts):
    out, _ = site
    models = [model for data in scripts.values() for group in data["groups"] for model in group["models"]]
    crops = [crop for model in models for crop in model["crops"]]
    assert len(crops) == 1, CROPPED
    assert crops[0]["window"] == [3, 4, 192, 96]
    assert all((out / file).is_file() for file in crops[0]["files"].values())
    assert set(crops[0]["files"]) == {"hr", "sr", "bicubic"}


def test_names_of_strangers_are_data():
    files, _ = compose({"a.json": record("</script><b>\u2028\x00", "x/x2", system=CPU), "b.json": record()})
    for path, data in files.items():
        if path.startswith("data/compare/"):
            assert data.isascii()
            data_of(data)


def test_a_site_without_records_has_the_page():
    page = compose({})[0]["compare.html"].decode()
    assert "no records to compare" in page
    assert "comparing.js" not in page
