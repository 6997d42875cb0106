"""The page of a comparison, and its JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from rtsr_bench.comparison import (
    Comparison,
    Gate,
    ImageValues,
    MetricComparison,
    RuntimeComparison,
    Session,
    Side,
    Verdict,
    encode,
)
from rtsr_bench.report.comparison_page import render

SIDE = Side(
    source="teams/x", submission="x", model="x/s-x2", team="<script>alert(1)</script>", digest="d", checkpoint_sha256=""
)
SESSIONS = tuple(
    Session(a_ms=(10.0, 10.1), b_ms=(10.5 + 0.01 * at, 10.6), calls=90, began_s=9.0 * at, foreign_load=0.012)
    for at in range(6)
)
MADE = Comparison(
    harness="0.1.0",
    started="2026-11-02T10:00:00+00:00",
    command="rtsr-bench compare teams/x teams/<b>",
    a=SIDE,
    b=replace(SIDE, source="teams/<b>", model="<b>/s-x2"),
    track="classic-x2",
    protocol_digest="0123",
    execution="eager fp32",
    input="120x216",
    system={"cpu_model": "A CPU", "torch_threads": "2"},
    data=("Set14, 2 images, abc",),
    runtime=RuntimeComparison(
        verdict=Verdict.SLOWER, reason="The interval lies above the noise floor.", a_ms=10.0, b_ms=10.5, ratio=0.049,
        interval=(0.045, 0.053), floor=0.011, sessions=SESSIONS, ended="40 sessions at most",
    ),
    metrics=(
        MetricComparison(
            verdict=Verdict.WORSE, reason="The interval does not contain 0.", metric="psnr", title="PSNR", unit="dB",
            digits=3, better="higher", convention="rgb_b0", images=2, a=30.0, b=29.98, difference=-0.02,
            interval=(-0.03, -0.01), p_value=0.001, exact=True,
        ),
    ),
    images=(
        ImageValues(name="a<i>.png", data_set="Set14", values={"psnr/rgb_b0": (30.0, 29.98)}),
        ImageValues(name="flat.png", data_set="Set14", values={"psnr/rgb_b0": (None, 29.98)}),
    ),
    gates=(Gate(option="--fail-if-slower 3%", passed=False, words="failed: the limit is 3 %"),),
    notes=("A note.",),
)  # fmt: skip


def test_the_page_shows_verdicts_first_and_names_of_strangers_as_text() -> None:
    page = render(MADE).decode()
    assert page == render(MADE).decode()
    assert page.index("slower") < page.index('id="runtime"')
    assert page.index("worse") < page.index('id="runtime"')
    assert "<script" not in page
    assert "&lt;b&gt;/s-x2" in page
    assert "a&lt;i&gt;.png" in page
    assert "5.02 % more time" in page
    assert "−0.0200 dB" in page
    assert "--fail-if-slower 3%" in page


def test_the_page_needs_no_other_file() -> None:
    page = render(MADE).decode()
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page)
    assert "<style>" in page
    assert page.count("<svg") == 1


def test_a_comparison_of_fidelity_or_of_records_alone_has_no_plot() -> None:
    assert MADE.runtime is not None
    only = render(replace(MADE, runtime=None)).decode()
    assert "<svg" not in only
    assert 'id="fidelity"' in only
    stored = render(replace(MADE, runtime=replace(MADE.runtime, sessions=()), metrics=(), images=())).decode()
    assert "<svg" not in stored
    assert 'id="fidelity"' not in stored


def test_the_json_declares_its_schema_and_holds_what_the_interval_is_over() -> None:
    raw = json.loads(encode(MADE))
    assert raw["schema"] == 1
    assert raw["runtime"]["verdict"] == "slower"
    assert [one["ratio"] for one in raw["runtime"]["sessions"]] == [one.ratio for one in SESSIONS]
    assert raw["images"][1]["values"]["psnr/rgb_b0"] == [None, 29.98]
