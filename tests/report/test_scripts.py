"""The logic of the pages' scripts, run by node: what a link means, what is shown, and a comparison's statistics."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from importlib import resources
from typing import Any

import pytest

from rtsr_bench.report.press import STATIC
from rtsr_bench.statistics import mean_interval

SCRIPTS = resources.files("rtsr_bench.report") / "static"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node, to run the scripts of the pages")


def run(script: str, *calls: tuple[str, list[Any]]) -> list[Any]:
    """The results of calls of functions of a script, which exports them where there is no document."""
    assert NODE is not None
    code = (
        f"const script = require({json.dumps(str(SCRIPTS / script))});"
        f"const calls = {json.dumps([list(call) for call in calls])};"
        "console.log(JSON.stringify(calls.map(([name, given]) => script[name](...given))));"
    )
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


STATE = {"view": "overview", "q": "", "bands": [], "sort": "", "picks": []}


def test_the_state_of_a_board_is_a_link_and_back():
    full = {"view": "cost", "q": "a b&c=ü", "bands": ["b3", "b4"], "sort": "fps:descending", "picks": ["a-x2", "b_c"]}
    text, none = run("board.js", ("format", [full]), ("format", [STATE]))
    assert text == "view=cost&q=a%20b%26c%3D%C3%BC&band=b3,b4&sort=fps:descending&pick=a-x2,b_c"
    assert none == ""
    assert run("board.js", ("parse", ["#" + text]), ("parse", [""]), ("parse", ["#group-1"])) == [full, STATE, STATE]


@pytest.mark.parametrize(
    "hash_",
    [
        "#view=%",
        "#view=<b>",
        "#band=b9x,&pick=<script>,../x",
        "#sort=fps:up",
        "#sort=fps",
        "#=a&==&&",
        "#view",
        "#__proto__=1",
    ],
)
def test_links_that_nobody_made_are_the_plain_board(hash_):
    assert run("board.js", ("parse", [hash_])) == [STATE]


def test_at_most_four_models_and_each_once():
    (state,) = run("board.js", ("parse", ["#pick=a,b,a,c,d,e&band=b1,b1"]))
    assert state["picks"] == ["a", "b", "c", "d"]
    assert state["bands"] == ["b1"]


def test_search_is_for_all_words_in_any_case_within_the_bands():
    noah, fast = {**STATE, "q": "NOAH vision"}, {**STATE, "bands": ["b4"]}
    assert run(
        "board.js",
        ("matches", [noah, "noah/x2 Noah TerminalVision", "b1"]),
        ("matches", [noah, "noah/x2", "b1"]),
        ("matches", [fast, "noah/x2", "b4"]),
        ("matches", [fast, "noah/x2", "b3"]),
        ("matches", [STATE, "", None]),
        ("toggled", [["a"], "b"]),
        ("toggled", [["a", "b"], "a"]),
    ) == [True, False, True, False, True, ["a", "b"], ["b"]]


def test_a_comparison_is_named_by_its_link():
    asked = {"board": "open4k-x2;nvidia-h200", "models": ["a-x2", "b-x2", "c"]}
    assert run(
        "comparing.js",
        ("parse", ["#open4k-x2;nvidia-h200;a-x2,b-x2,c"]),
        ("parse", ["#open4k-x2%3Bnvidia-h200"]),
        ("format", [asked]),
        ("parse", ["#../x;y;a"]),
        ("parse", ["#a;b;<i>,x,x"]),
        ("parse", ["#%"]),
    ) == [
        asked,
        {"board": "", "models": []},
        "open4k-x2;nvidia-h200;a-x2,b-x2,c",
        {"board": "", "models": []},
        {"board": "a;b", "models": ["x"]},
        {"board": "", "models": []},
    ]


def test_the_interval_of_a_difference_is_that_of_the_harness():
    dice = random.Random(5)
    for count in (6, 30, 200):
        values = [dice.gauss(0.1, 0.3) for _ in range(count)]
        low, high = mean_interval(values)
        ((here_low, here_high),) = run("comparing.js", ("interval", [values]))
        assert here_low == pytest.approx(low, abs=0.08 * (high - low))  # two draws of 2000 resamples
        assert here_high == pytest.approx(high, abs=0.08 * (high - low))
        assert run("comparing.js", ("interval", [values])) == [[here_low, here_high]]
    assert run("comparing.js", ("interval", [[0.1] * 5]), ("interval", [[0.5] * 9])) == [None, [0.5, 0.5]]


def test_pairs_and_extremes_leave_out_what_one_model_lacks():
    (pairs,) = run("comparing.js", ("paired", [[1, None, 3, 4], [2, 5, None, 3]]))
    assert pairs == [{"place": 0, "value": 1}, {"place": 3, "value": -1}]
    some = [{"place": place, "value": value} for place, value in enumerate([0.5, -2, 0, 3, -1, 1])]
    (found,) = run("comparing.js", ("extremes", [some, 2]))
    assert [one["place"] for one in found["won"]] == [3, 5]
    assert [one["place"] for one in found["lost"]] == [1, 4]


def test_the_best_value_is_marked_only_where_there_is_one():
    assert run(
        "comparing.js",
        ("best", [[3, 1, None, 3], "higher"]),
        ("best", [[3, 1, 2], "lower"]),
        ("best", [[3, 3], "lower"]),
        ("best", [[3, None], "lower"]),
        ("best", [[3, 1], ""]),
        ("signed", [0.0004, 3]),
        ("signed", [-0.51, 1]),
        ("signed", [2, 1]),
    ) == [[0, 3], [1], [], [], [], "0.000", "−0.5", "+2.0"]


def test_crops_are_matched_by_image_and_window():
    def crop(image, top, name):
        files = {part: f"{name}-{part}" for part in ("sr", "hr", "bicubic")}
        return {"image": image, "window": [top, 0, 192, 192], "files": files}

    a = {"crops": [crop("x", 0, "a0"), crop("y", 0, "a1")]}
    b = {"crops": [crop("x", 0, "b0"), crop("x", 64, "b1")]}
    (found,) = run("comparing.js", ("commonCrops", [[a, b]]))
    assert [(one["image"], one["window"][0], one["sr"]) for one in found] == [
        ("x", 0, {"0": "a0-sr", "1": "b0-sr"}), ("y", 0, {"0": "a1-sr"}), ("x", 64, {"1": "b1-sr"}),
    ]  # fmt: skip


def test_scripts_are_classic_and_small():
    for name in STATIC:
        text = (SCRIPTS / name).read_text(encoding="utf-8")
        if name.endswith(".js"):
            assert len(text.encode()) < 17_000, name
            assert not re.search(r"^\s*(import|export)\b|innerHTML|document\.write|localStorage", text, re.MULTILINE), (
                name
            )
            assert subprocess.run([str(NODE), "--check", str(SCRIPTS / name)], check=False).returncode == 0, name
