"""Every page of the site: well-formed, whole, escaped, and at home on a disk without a network."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
from demo_records import record

from rtsr_bench.execution import Execution
from rtsr_bench.report.site import compose

VOID = {"meta", "link", "img", "input", "br", "hr", "col"}


class Page(HTMLParser):
    """Collects what the tests ask about and notes every tag that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if len(values) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.tags[tag] += 1
        self.handlers += [name for name in values if name.startswith("on")]
        if "id" in values:
            self.ids[values["id"]] += 1
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag != "a":
            self.loaded += [values[name] for name in ("src", "href", "srcset", "data", "poster") if name in values]
        self.loaded += re.findall(r"url\(([^)]*)\)", values.get("style") or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="session")
def pages(site):
    out, built = site
    return {path: Page((out / path).read_text(encoding="utf-8")) for path in built.pages}


def test_there_is_a_page_for_every_board_and_record(site, pages):
    assert sum(path.startswith("boards/") for path in pages) == 5
    assert sum(path.startswith("models/") for path in pages) == 32  # one of the 33 records is an earlier answer
    assert {"index.html", "how-to-read.html", "published/rtsr2023-x2.html", "published/rtsr2023-x3.html"} <= set(pages)


def test_pages_are_well_formed(pages):
    assert {path: page.faults for path, page in pages.items() if page.faults} == {}


def test_ids_are_unique_on_each_page(pages):
    doubled = {path: [one for one, times in page.ids.items() if times > 1] for path, page in pages.items()}
    assert {path: ids for path, ids in doubled.items() if ids} == {}


def test_every_link_leads_somewhere(site, pages):
    out, _ = site
    broken = []
    for path, page in pages.items():
        for address in (*page.links, *page.loaded):
            parts = urlsplit(address)
            if address == "data:,":
                continue
            assert (parts.scheme, parts.netloc) == ("", ""), (path, address)
            target = PurePosixPath(path).parent / unquote(parts.path) if parts.path else PurePosixPath(path)
            file = (out / target).resolve()
            if not (file.is_file() and out.resolve() in file.parents):
                broken.append((path, address))
            elif parts.fragment and ";" not in parts.fragment:  # that of compare.html names a board and models
                ids = pages[file.relative_to(out.resolve()).as_posix()].ids
                if unquote(parts.fragment) not in ids:
                    broken.append((path, address))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site):
    out, _ = site
    for file in (*out.glob("**/*.html"), *out.glob("assets/*")):
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        loads = re.findall(r"(?:src|srcset|action|poster)=[\"']?(?:https?:)?//|@import|url\([\"']?(?:https?:)?//", text)
        assert loads == [], file
        assert not re.search(r"\bfetch\(|XMLHttpRequest|type=.module|\bimport\(|\beval\(", text), file


def test_all_pages_can_be_reached_from_the_index(pages):
    reached, waiting = set(), ["index.html"]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in pages:
            continue
        reached.add(path)
        for address in pages[path].links:
            parts = urlsplit(address).path
            steps: list[str] = list(PurePosixPath(path).parent.parts)
            for step in PurePosixPath(parts).parts:
                steps = steps[:-1] if step == ".." else [*steps, step]
            waiting.append("/".join(steps))
    assert reached == set(pages)


def test_names_of_strangers_stay_text(site, pages):
    out, _ = site
    scripts = {path: page.tags["script"] for path, page in pages.items()}
    assert max(scripts.values()) == 3  # sort.js, regions.js and that of the page, nobody else's
    assert all(not page.handlers for page in pages.values())
    board = next(path for path in pages if path.startswith("boards/builtin-x2--nvidia"))
    raw = (out / board).read_text(encoding="utf-8")
    assert "<script>alert" not in raw
    assert html.escape("<script>alert(1)</script>") in raw
    shown = "".join(pages[board].text)
    for name in ("<script>alert(1)</script>", '"Quotes" & Co. $x^2$ | _it_ 🚀', "فريق الدقة الفائقة", "超分辨率研究组"):
        assert name in shown


def test_the_long_name_is_cut_in_tables_and_whole_on_its_page(pages):
    whole = "Long " + "Name" * 75
    board = next(path for path in pages if path.startswith("boards/builtin-x2--nvidia"))
    model = next(path for path in pages if "--long-x2--" in path)
    assert whole not in "".join(pages[board].text)
    assert whole in "".join(pages[model].text)


def test_damaged_and_newer_records_are_listed_on_the_index(site, pages):
    _, built = site
    assert len(built.problems) == 2
    shown = " ".join("".join(pages["index.html"].text).split())
    for problem in built.problems:
        assert problem in shown


def test_failed_and_unranked_rows_say_why_in_words(pages):
    board = next(path for path in pages if path.startswith("boards/builtin-x2--nvidia"))
    shown = "".join(pages[board].text)
    assert "ran out of time while being timed: no answer within 3600 s" in shown
    assert "ran out of memory while enhancing images" in shown
    assert "No gain over bicubic" in shown


def test_an_untrained_model_says_so_and_is_marked_best_in_nothing(site, pages):
    page = next(page for path, page in pages.items() if path.startswith("models/") and "later-x2" in path)
    text = " ".join(page.text)
    assert "Its weights are not trained (<u>architecture only</u>): only runtime, complexity and memory" in text
    assert "Mean runtime" in text
    assert "MACs" in text
    assert "PSNR" not in text
    out, _ = site
    board = next(path for path in pages if path.startswith("boards/builtin-x2--nvidia"))
    rows = re.findall(r"<tr.*?</tr>", (out / board).read_text(encoding="utf-8"), re.DOTALL)
    (row,) = (row for row in rows if "later/x2" in row and "<td" in row)
    assert "untrained: &lt;u&gt;architecture only&lt;/u&gt;" in row
    assert " best" not in row  # though nothing is faster or smaller
    assert any(" best" in other for other in rows)


def test_warnings_stand_beside_the_number_and_in_a_sentence(pages):
    board = next(path for path in pages if path.startswith("boards/builtin-x2--nvidia"))
    shown = "".join(pages[board].text)
    assert "launch-bound" in shown
    assert "The runtime drifted by" in shown


def test_a_look_says_that_it_says_nothing_about_4k(pages):
    board = next(path for path in pages if path.startswith("boards/builtin-x2--amd"))
    shown = " ".join("".join(pages[board].text).split())
    assert "not ranked: input 270x480 instead of 1080x1920" in shown
    assert "apply to an input of 270x480, not of 1080x1920" in shown


def test_bands_are_said_in_text_too(pages):
    board = next(path for path in pages if path.startswith("boards/builtin-x2--nvidia"))
    shown = "".join(pages[board].text)
    for words in ("< 24 FPS", "24–30 FPS", "30–60 FPS", "60–120 FPS", "> 120 FPS"):
        assert words in shown


def test_published_rows_are_marked_and_never_ranked(site, pages):
    out, _ = site
    board = next(path for path in pages if path.startswith("boards/rtsr2023-x2"))
    for path in (board, "published/rtsr2023-x2.html"):
        shown = "".join(pages[path].text)
        assert "Noah TerminalVision" in shown
        assert "published, not measured here" in shown
    raw = (out / board).read_text(encoding="utf-8")
    published = raw[raw.index('id="published-rtsr2023-x2"') :]
    assert ">#<" not in published


def test_a_track_that_is_gone_is_listed(pages):
    board = next(path for path in pages if path.startswith("boards/rtsr2021-x2"))
    assert "is shipped or named with --plugin" in "".join(pages[board].text)


def test_crops_are_copied_and_shown(site, pages):
    out, _ = site
    (model,) = [path for path, page in pages.items() if page.tags["img"] and path.startswith("models/")]
    assert pages[model].tags["img"] == 3
    assert len(list(out.glob("crops/*/*.png"))) == 3


def test_figures_can_be_read_aloud(site, pages):
    out, _ = site
    for path in pages:
        text = (out / path).read_text(encoding="utf-8")
        for svg in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL):
            assert 'role="img"' in svg
            title, words = re.search(r'aria-labelledby="(\S+) (\S+)"', svg).groups()
            assert f'<title id="{title}">' in svg
            assert f'<desc id="{words}">' in svg
            assert "<style" not in svg  # it would hold for the whole page
            assert "<metadata" not in svg
            assert "#0" not in re.sub(r"href=\"[^\"]*\"|url\([^)]*\)", "", svg)  # colours are the page's


def test_pages_name_no_moment_and_no_place(site, records_folder, pages):
    out, built = site
    for path in built.pages:
        text = (out / path).read_text(encoding="utf-8")
        assert str(records_folder) not in text
        assert str(out) not in text


def test_a_model_page_names_the_execution_where_the_record_does() -> None:
    plain = record()
    for execution, shown in ((None, False), (Execution(backend="channels-last"), True)):
        files, _ = compose({"a.json": replace(plain, execution=execution)})
        (page,) = [data.decode() for path, data in files.items() if path.startswith("models/")]
        assert ("<dt>Execution</dt><dd><bdi>channels-last, fp32</bdi></dd>" in page) == shown
