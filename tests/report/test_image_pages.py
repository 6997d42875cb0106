"""Gains by image and model, and the crops of an image beside each other."""

from __future__ import annotations

import re

import pytest
from demo_records import record
from report_records import write_crops, write_records

from rtsr_bench.report.image_pages import LEVELS, _cell
from rtsr_bench.report.site import build, compose
from rtsr_bench.score import psnr_db


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    models = {"a": record("A", "a/x2", gain_db=0.9), "b": record("B", "b/x2", gain_db=0.4, mean_ms=3.0),
              "c": record("C", "c/x2", gain_db=0.2)}  # fmt: skip
    write_records(folder / "records", {f"{name}.json": one for name, one in models.items()})
    for name, top in (("a", 3), ("b", 3), ("c", 9)):
        write_crops(folder / "records" / f"{name}.crops", image="builtin-001.png", data_set="Built-in set", top=top)
    assert build(folder / "records", folder / "site").problems == ()
    return folder / "site", models


def test_the_map_has_every_image_and_model_with_its_gain(out):
    site, models = out
    (path,) = [path for path in site.glob("images/*.html") if not re.search(r"--\d+\.html$", path.name)]
    page = path.read_text(encoding="utf-8")
    heads = re.findall(r'<span class="tilted"><bdi>([^<]*)</bdi>', page)
    assert sorted(heads) == ["a/x2", "b/x2", "c/x2"]
    lines = re.findall(r'<tr><th scope="row" data-v="([^"]*)">.*?</tr>', page)
    assert lines == [image.name for image in models["a"].fidelity.images]
    first = models[heads[0][0]].fidelity.images[0]
    gain = psnr_db(first.values["mse/rgb_b0"]) - psnr_db(first.baseline["mse/rgb_b0"])
    assert f'data-v="{gain!r}">{gain:+.2f}</td>' in page
    (board,) = site.glob("boards/*.html")
    assert f'href="../images/{path.name}"' in board.read_text(encoding="utf-8")


def test_the_page_of_an_image_has_the_models_with_the_same_window(out):
    site, _ = out
    (path,) = site.glob("images/*--0.html")
    page = path.read_text(encoding="utf-8")
    shown = re.findall(r'<figure data-gain="([^"]*)" data-fps="([^"]*)"><figcaption><a href="[^"]*"><bdi>([^<]*)', page)
    assert sorted(name for _, _, name in shown) == ["a/x2", "b/x2"]  # c has another window
    sources = re.findall(r'<img src="\.\./([^"]*)" width="192" height="384"', page)
    assert len(sources) == 4
    assert all((site / source).is_file() for source in sources)
    assert sources[0].endswith("-hr.png")
    assert sources[1].endswith("-bicubic.png")


def test_shades_are_of_gains_and_losses():
    assert _cell((30.0, 2.0), 2.0)["shade"] == f"gain{LEVELS}"
    assert _cell((30.0, -0.1), 2.0)["shade"] == "loss1"
    assert _cell((30.0, 0.0), 2.0)["shade"] == "gain0"
    assert _cell((30.0, 0.0), 0.0)["shade"] == "gain0"
    assert _cell(None, 2.0) == {"text": "–", "value": "", "shade": ""}


def test_a_board_with_one_model_has_no_map():
    files, _ = compose({"a.json": record()})
    assert not any(path.startswith("images/") for path in files)
    assert not any(b"By image" in data for path, data in files.items() if path.startswith("boards/"))
