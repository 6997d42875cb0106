"""Results of `realtime` on the pages of a model."""

from __future__ import annotations

from dataclasses import replace

from demo_records import CPU, GPU, record
from realtime_results import a_result
from report_records import write_records

from rtsr_bench.execution import Execution
from rtsr_bench.record import Failure, FailureKind, Stage, Throughput
from rtsr_bench.record.realtime import Frames
from rtsr_bench.report import build
from rtsr_bench.report.figures import latency_figure
from rtsr_bench.report.figures.latency import MOST_POINTS
from rtsr_bench.report.site import compose
from rtsr_bench.store.realtime import encode_realtime


def of(one, **changes):
    """A result of a record's model."""
    return a_result(submission=one.submission, model=one.model, **changes)


def page_of(files):
    (page,) = [data.decode() for path, data in files.items() if path.startswith("models/")]
    return page


def test_a_page_shows_table_figure_and_readings():
    one = record(model="a/x2", system=CPU)
    files, problems = compose({"a.json": one}, realtime={"r.json": of(one)})
    page = page_of(files)
    assert problems == ()
    assert '<h2 id="realtime">Real time</h2>' in page
    for words in ("eager, fp32", "135x240", "60.0", "50.00", "2 of 4", "20.50", "33.3", "51.2", "1536 frames",
                  "69.0", "2400", "2026-11-30", "4 frames at 60 FPS, 1 dropped, 1 later than 33.33 ms (2 periods)",
                  "6 frames were compared"):  # fmt: skip
        assert words in page, words
    assert "Latency of 4 frames at 60 FPS; deadline 33.33 ms, 1 late. Marks below: 1 dropped frames." in page
    assert "The device over time" in page
    assert any(path.endswith("--realtime.csv") for path in files)
    # The order of sections.
    assert page.index('id="runtime"') < page.index('id="realtime"') < page.index('id="fidelity"')


def test_without_results_nothing_changes():
    one = record(model="a/x2")
    assert compose({"a.json": one}) == compose({"a.json": one}, realtime={})
    files, _ = compose({"a.json": one})
    assert not any(b"ealtime" in data or b"eal time" in data for path, data in files.items() if path.endswith(".html"))
    assert not any(b"transfers" in data for path, data in files.items() if not path.startswith("assets/"))


def test_of_equal_questions_the_latest_result_counts_and_those_of_the_device_come_first():
    one = record(model="a/x2", system=CPU)
    results = {
        "old.json": of(one, started="2026-11-29T18:00:00+00:00"),
        "new.json": of(one, started="2026-11-30T18:00:00+00:00"),
        "compiled.json": of(one, execution=Execution(backend="compile"), started="2026-11-28T18:00:00+00:00"),
        "card.json": of(one, system=GPU, started="2026-12-01T18:00:00+00:00"),
    }
    files, _ = compose({"a.json": one}, realtime=results)
    (table,) = [data.decode() for path, data in files.items() if path.endswith("--realtime.csv")]
    assert [line.rsplit(",", 1)[1] for line in table.splitlines()[1:]] == ["new.json", "compiled.json", "card.json"]
    assert compose({"a.json": one}, realtime=dict(reversed(results.items()))) == (files, ())


def test_a_failure_and_other_weights_are_said():
    one = record(model="a/x2")
    failure = Failure(stage=Stage.RUNTIME, kind=FailureKind.EXCEPTION, message="<script>no</script>")
    other = replace(one.model, checkpoint_sha256="f" * 64)
    results = {
        "failed.json": of(one, run=None, search=None, throughput=None, moments=(), model_ms=(), failure=failure),
        "other.json": replace(of(one, fps=30.0), model=other),
    }
    page = page_of(compose({"a.json": one}, realtime=results)[0])
    assert "failed: &lt;script&gt;no&lt;/script&gt;" in page
    assert "other files or weights than this record" in page
    assert "machine was busy" not in page
    busy = of(one, foreign_load=0.5)
    assert "machine was busy" in page_of(compose({"a.json": one}, realtime={"r": busy})[0])
    few = of(one, search=replace(of(one).search, best=replace(of(one).search.best, frames=120, missed=0)))
    assert "120 frames, 1000 needed for 99.9 %" in page_of(compose({"a.json": one}, realtime={"r": few})[0])
    none = of(one, search=replace(of(one).search, best=None))
    assert "No frame rate was held: 2 were tried." in page_of(compose({"a.json": one}, realtime={"r": none})[0])


def test_a_result_without_a_record_is_a_problem():
    one = record(model="a/x2")
    _, problems = compose({"a.json": one}, realtime={"r.json": a_result()})
    assert problems == (
        "r.json: team_x/x2 has no record, so there is no page to show it on; `rtsr-bench run` makes one",
    )


def test_results_lie_beside_the_records_and_broken_ones_are_problems(tmp_path):
    one = record(model="a/x2")
    write_records(tmp_path / "reports" / "records", {"a.json": one})
    (tmp_path / "reports" / "realtime").mkdir()
    (tmp_path / "reports" / "realtime" / "r.json").write_bytes(encode_realtime(of(one)))
    (tmp_path / "reports" / "realtime" / "broken.json").write_text("{")
    site = build(tmp_path / "reports" / "records", tmp_path / "reports")
    assert len(site.problems) == 1
    assert site.problems[0].startswith("realtime/broken.json is damaged")
    (page,) = (tmp_path / "reports" / "models").glob("*.html")
    assert 'id="realtime"' in page.read_text(encoding="utf-8")
    assert (tmp_path / "reports" / "realtime" / "r.json").is_file()


def test_a_figure_of_many_frames_has_few_points_and_keeps_the_slowest():
    latency_ms = [10.0] * 100_000
    latency_ms[50_000], latency_ms[70_000] = 90.0, None
    svg = str(latency_figure(Frames(fps=60.0, latency_ms=tuple(latency_ms), wall_s=1.0), 33.0, "n", title="T"))
    assert svg == str(latency_figure(Frames(fps=60.0, latency_ms=tuple(latency_ms), wall_s=1.0), 33.0, "n", title="T"))
    assert "each point the slowest of 67 frames" in svg
    assert len(svg) < 100 * MOST_POINTS
    assert str(latency_figure(Frames(fps=60.0, latency_ms=(None,), wall_s=1.0), 33.0, "n", title="T"))


def test_fps_with_transfers_is_a_column_where_a_row_has_it():
    one = record(model="a/x2")
    plain, _ = compose({"a.json": one, "b.json": record(model="b/x2")})
    assert not any(b"fps_transfers" in data for data in plain.values())
    files, _ = compose(
        {"a.json": replace(one, transfers=Throughput(frames=150, wall_s=2.0)), "b.json": record(model="b/x2")}
    )
    (board,) = [data.decode() for path, data in files.items() if path.startswith("boards/")]
    assert "FPS with transfers" in board
    assert "75.0" in board
    assert b"fps_transfers" in files["exports/long/all-records.csv"]
    assert b"FPS with transfers" in files["how-to-read.html"]
