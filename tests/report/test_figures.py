"""Figures: the same twice, harmless whatever the names, and labels that keep out of each other's way."""

from __future__ import annotations

import random
from xml.etree import ElementTree as ET

import pytest

from rtsr_bench.report.figures import Point, samples_figure, scatter_figure
from rtsr_bench.report.figures.labels import Box, place_labels, text_width
from rtsr_bench.report.text import number, shorten
from rtsr_bench.statistics import summarise
from rtsr_bench.text import replaced

NAMES = ["<script>x</script>", "$x^2$ $", 'a" onload="b', "🚀", "فريق", "a & b", "]]>"]


def points(count=7):
    dice = random.Random(3)
    return [
        Point(
            name=NAMES[index % len(NAMES)],
            runtime_ms=10 ** dice.uniform(0, 2),
            value=30 + dice.random(),
            key=f"model-{index}",
        )
        for index in range(count)
    ]


def draw(**changes):
    return str(scatter_figure(points(), "f", title="T", label="PSNR, dB", digits=3, **changes))


def test_a_figure_is_the_same_twice():
    assert draw(baseline_db=29.5) == draw(baseline_db=29.5)


def test_a_figure_is_xml_and_names_stay_text():
    root = ET.fromstring(draw(baseline_db=29.5))
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert "script" not in tags
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on")]
    written = "".join(root.itertext())
    assert "<script>x</script>" in written
    assert "$x^2$ $" in written


def test_every_point_names_its_row_and_nothing_in_a_figure_takes_the_focus():
    root = ET.fromstring(draw())
    keys = [element.attrib["data-key"] for element in root.iter() if "data-key" in element.attrib]
    assert sorted(keys) == sorted(f"model-{index}" for index in range(len(NAMES)))
    assert not [element for element in root.iter() if element.tag.endswith("}a") or "tabindex" in element.attrib]


@pytest.mark.parametrize("values", [(30.0,), (30.0, 30.0), (30.0, 30.000001), (1.0, 3000.0)])
def test_values_of_every_extent_are_drawn_within_the_figure(values):
    some = [Point(name="a", runtime_ms=10.0 ** (9 * place), value=value) for place, value in enumerate(values)]
    root = ET.fromstring(str(scatter_figure(some, "f", title="T", label="PSNR, dB", digits=3, baseline_db=0.0)))
    circles = [element for element in root.iter() if element.tag.endswith("}circle")]
    assert len(circles) == len(values)
    assert all(60 < float(one.attrib["cx"]) < 890 and 20 < float(one.attrib["cy"]) < 390 for one in circles)
    assert len([element for element in root.iter() if element.get("class") == "grid"]) in range(2, 9)


def test_a_faster_model_is_further_left_and_a_better_one_higher():
    slow, fast = Point(name="s", runtime_ms=20.0, value=31.0), Point(name="f", runtime_ms=2.0, value=30.0)
    root = ET.fromstring(str(scatter_figure([slow, fast], "f", title="T", label="PSNR, dB", digits=3)))
    (one, other) = [element.attrib for element in root.iter() if element.tag.endswith("}circle")]
    assert float(one["cx"]) > float(other["cx"])
    assert float(one["cy"]) < float(other["cy"])
    assert [element.get("class") for element in root.iter() if element.tag.endswith("}g")] == ["point best"] * 2


def test_contours_are_drawn_with_a_baseline_only():
    assert len(draw(baseline_db=29.5)) > len(draw())


@pytest.mark.parametrize("samples", [(5.0,), (5.0,) * 20, (1.0, 1000.0), tuple(5 + i / 1000 for i in range(244))])
def test_samples_of_every_kind_can_be_drawn(samples):
    from dataclasses import replace

    from demo_records import record

    runtime = replace(record().runtime, samples_ms=samples)
    ET.fromstring(str(samples_figure(samples, summarise(runtime), "s", title="T")))


def test_labels_meet_neither_each_other_nor_the_points():
    dice = random.Random(1)
    spots = [(dice.uniform(40, 600), dice.uniform(40, 380)) for _ in range(40)]
    texts = [f"model {index}" for index in range(40)]
    area = Box(20, 20, 620, 400)
    boxes = []
    for (x, y), text, place in zip(spots, texts, place_labels(spots, texts, area, 10), strict=True):
        if place is None:
            continue
        width = text_width(text, 10)
        left = x + place.dx - {"left": 0.0, "right": width, "center": width / 2}[place.align]
        box = Box(left, y + place.dy - 1, left + width, y + place.dy + 10)
        assert not any(box.meets(other) for other in boxes)
        assert area.left <= box.left
        assert box.right <= area.right
        boxes.append(box)
    assert len(boxes) > 25


def test_where_there_is_no_room_there_is_no_label():
    places = place_labels([(100.0, 100.0)] * 20, ["a long name"] * 20, Box(0, 0, 200, 200), 10)
    assert None in places
    assert places[0] is not None


def test_numbers_are_written_one_way():
    assert number(1234567.891, 1) == "1\u202f234\u202f567.9"
    assert number(-0.5, 2, signed=True) == "−0.50"
    assert (number(-0.0004, 3), number(-0.0004, 3, signed=True)) == ("0.000", "+0.000")
    assert number(None, 2) == "–"
    assert number(float("inf"), 2) == "∞"


def test_text_is_cleaned_and_cut():
    assert replaced("a\u202eb\x00") == "a\ufffdb\ufffd"
    assert shorten("x" * 100, 10) == "x" * 9 + "…"
