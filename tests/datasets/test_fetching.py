"""Files by recipe: whole and with the right hash, or not there."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rtsr_bench.datasets.collect import collect, files_of
from rtsr_bench.datasets.recipes import SetRecipe
from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.fetch import ATTEMPTS, Recipe, obtain, place
from rtsr_bench.files.locks import locked

CONTENT = bytes(range(256)) * 4096  # 1 MiB: several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def recipe(url: str, **more: object) -> Recipe:
    return Recipe(**({"url": url, "sha256": SHA256} | more))  # type: ignore[arg-type]  # a test's shorthand


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A file as its publisher keeps it."""
    file = tmp_path / "publisher" / "deep" / "weights.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return file


def litter(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


class Server:
    """A server on this machine that can be told to misbehave."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.ranges = True
        self.length = True  # says how long an answer is
        self.drips_s = 0.0  # seconds between one byte and the next
        self.stalls: list[int] = []  # the next answers break off after so many bytes
        self.refusals: list[int] = []  # the next answers are these status codes
        self.asked: list[str | None] = []  # the Range header of every request
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                server.asked.append(asked)
                if server.refusals:
                    self.send_error(server.refusals.pop(0))
                    return
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
                if start >= len(server.content):
                    self.send_error(416)
                    return
                body = server.content[start:]
                self.send_response(206 if start else 200)
                if server.length:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # who asked may have had enough
                    for byte in body if server.drips_s else b"":
                        self.wfile.write(bytes((byte,)))
                        time.sleep(server.drips_s)
                    self.wfile.write(body[: server.stalls.pop(0)] if server.stalls else body)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/some/where/weights.pth"

    def close(self) -> None:
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()


@pytest.fixture
def server(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.close()


def test_a_file_address_is_served_and_kept(published: Path, cache: Path) -> None:
    first = obtain(recipe(published.as_uri()))
    assert first.name == "weights.pth"
    assert first.is_relative_to(cache)
    published.unlink()
    assert obtain(recipe(published.as_uri())) == first
    assert first.read_bytes() == CONTENT
    assert litter(cache) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(published: Path) -> None:
    first = obtain(recipe(published.as_uri()))
    first.write_bytes(CONTENT[:-1])
    assert obtain(recipe(published.as_uri())).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["../../escape.pth", "/etc/escape.pth", "..", ".hidden", "a\x00b", "a\nb", ""])
def test_a_name_leads_nowhere_else(published: Path, cache: Path, name: str) -> None:
    path = obtain(recipe(published.as_uri(), name=name))
    assert path.parent == cache / "files" / SHA256
    assert not path.name.startswith(".")
    assert "\n" not in path.name


def test_a_file_with_another_hash_is_refused_and_not_kept(published: Path, cache: Path) -> None:
    with pytest.raises(UserError, match=r"weights\.pth: cannot be downloaded.*expected SHA-256.*RTSR_BENCH_MIRROR"):
        obtain(recipe(published.as_uri(), sha256="0" * 64))
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file") as caught:
        obtain(recipe((tmp_path / "nothing.pth").as_uri()))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://example.org/a.pth", "a.pth", "javascript:alert(1)"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(UserError, match="https, http or file"):
        obtain(recipe(url))


def test_a_recipe_without_a_proper_hash_is_refused(published: Path) -> None:
    with pytest.raises(UserError, match="expected a SHA-256"):
        obtain(recipe(published.as_uri(), sha256="123"))


def test_a_file_longer_than_its_recipe_says_is_not_taken(published: Path, cache: Path) -> None:
    with pytest.raises(UserError, match="expected at most 1000 bytes"):
        obtain(recipe(published.as_uri(), bytes=1000))
    assert litter(cache) == []


# Mirror folders.


@pytest.mark.parametrize("place_in_mirror", ["weights.pth", "deep/weights.pth", "renamed.pth"])
def test_a_mirror_serves_by_name_by_the_tail_of_the_address_or_by_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place_in_mirror: str
) -> None:
    file = tmp_path / "mirror" / place_in_mirror
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("RTSR_BENCH_MIRROR", os.pathsep.join((str(tmp_path / "empty"), str(tmp_path / "mirror"))))
    assert obtain(recipe("https://nowhere.invalid/very/deep/weights.pth")).read_bytes() == CONTENT


def test_a_mirror_is_believed_by_hash_only(tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "weights.pth").write_bytes(b"another file of this name")
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(tmp_path / "mirror"))
    assert obtain(recipe(published.as_uri())).read_bytes() == CONTENT


def test_a_mirrors_file_with_another_hash_is_named_where_nothing_else_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "weights.pth").write_bytes(CONTENT[:-1])
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(UserError, match=r"No such file.*mirror/weights\.pth has another hash"):
        obtain(recipe((tmp_path / "nowhere" / "weights.pth").as_uri()))


def test_a_mirror_that_is_no_folder_is_the_users_mistake(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="RTSR_BENCH_MIRROR"):
        obtain(recipe(published.as_uri()))


# Downloads.


def test_download_reports_progress(server: Server) -> None:
    told: list[tuple[int, int | None]] = []
    assert obtain(recipe(server.url), progress=lambda *at: told.append(at)).read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_a_download_that_breaks_off_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.stalls = [400_000, 300_000]
    waited: list[float] = []
    target = place(recipe(server.url), tmp_path / "data" / "weights.pth", pause=waited.append)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-", "bytes=700000-"]
    assert waited == [1.0, 1.0]
    assert litter(tmp_path / "data") == []


def test_a_download_given_up_is_continued_the_next_time(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "data" / "weights.pth"
    server.stalls = [400_000] + [0] * ATTEMPTS
    waited: list[float] = []
    with pytest.raises(UserError, match="interrupted after 400000 of 1048576 bytes; the partial file is kept"):
        place(recipe(server.url), target, pause=waited.append)
    assert waited == [1.0, 1.0, 2.0, 4.0]
    assert not target.exists()
    assert litter(target.parent) == [".weights.pth.part"]
    assert place(recipe(server.url), target).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=400000-"


def test_a_server_that_always_breaks_off_is_asked_as_long_as_it_brings_more(server: Server, tmp_path: Path) -> None:
    server.stalls = [100_000] * 10
    assert place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None).read_bytes() == CONTENT
    assert len(server.asked) == 11 > 2 * ATTEMPTS


def test_a_server_that_begins_at_the_front_and_never_comes_further_is_given_up(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.stalls = [400_000] * 50
    with pytest.raises(UserError, match="interrupted after 400000 of 1048576 bytes"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None)
    assert len(server.asked) == 1 + ATTEMPTS


def test_a_server_that_breaks_off_and_serves_another_file_is_given_up(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[::-1]
    server.stalls = [500_000, len(CONTENT)] * 50
    with pytest.raises(UserError, match="expected SHA-256"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None)
    assert len(server.asked) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_break_is_seen_though_the_server_never_said_the_length(server: Server, tmp_path: Path) -> None:
    server.length = False
    server.stalls = [400_000]
    known = recipe(server.url, bytes=len(CONTENT))
    assert place(known, tmp_path / "weights.pth", pause=lambda _: None).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-"]


def test_interrupted_download_of_unknown_length_is_resumed(server: Server, tmp_path: Path) -> None:
    server.length = False
    server.stalls = [1000]
    assert place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None).read_bytes() == CONTENT
    assert server.asked == [None, None]


def test_another_file_of_a_length_that_the_server_says_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(UserError, match="expected SHA-256"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None)
    assert server.asked == [None]


def test_a_server_that_drips_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.content, server.drips_s = CONTENT[:200], 0.02
    monkeypatch.setattr("rtsr_bench.files.transfer.SLOWEST_S", 0.1)
    with pytest.raises(UserError, match=r"only \d+ bytes arrived in 0 s; the partial file is kept for the next fetch"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None)
    assert len(server.asked) == 4


def test_what_is_not_here_in_time_is_left_and_gone_on_with_later(server: Server, tmp_path: Path) -> None:
    server.content, server.drips_s = CONTENT[:200], 0.02
    with pytest.raises(UserError, match="bytes arrived in time"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None, within_s=0.3)
    server.content, server.drips_s = CONTENT, 0.0
    assert place(recipe(server.url), tmp_path / "weights.pth").read_bytes() == CONTENT
    assert len(server.asked) == 2
    assert server.asked[1] is not None


def test_a_fetch_that_is_being_ended_is_not_gone_on_with(server: Server, tmp_path: Path) -> None:
    server.stalls = [100_000] * 10
    with pytest.raises(UserError, match="interrupted after 100000"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: True)
    assert len(server.asked) == 1


def test_a_server_without_ranges_sends_the_whole_file_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.stalls = [400_000]
    assert place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None).read_bytes() == CONTENT


def test_a_wrong_beginning_is_thrown_away_and_fetched_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".weights.pth.part").write_bytes(b"\xff" * 1000)
    assert place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-", None]


def test_a_beginning_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".weights.pth.part").write_bytes(CONTENT + b"more")
    assert place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None).read_bytes() == CONTENT


def test_a_whole_download_that_lacks_only_its_name_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / ".weights.pth.part").write_bytes(CONTENT)
    assert place(recipe("https://nowhere.invalid/weights.pth"), tmp_path / "weights.pth").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.refusals = [503, 429]
    assert place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None).read_bytes() == CONTENT


def test_a_file_the_server_does_not_have_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.refusals = [404] * 9
    with pytest.raises(UserError, match="404"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None)
    assert len(server.asked) == 1


def test_another_file_at_the_address_is_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    server.content = b"<html>please log in</html>"
    with pytest.raises(UserError, match="expected SHA-256"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=lambda _: None)
    assert len(server.asked) == 1
    assert list(tmp_path.glob("*weights*")) == []


def test_missing_network_is_one_line(server: Server, tmp_path: Path) -> None:
    server.close()
    waited: list[float] = []
    with pytest.raises(UserError, match=r"no connection.*RTSR_BENCH_MIRROR"):
        place(recipe(server.url), tmp_path / "weights.pth", pause=waited.append)
    assert len(waited) == ATTEMPTS - 1


# Trouble on this machine.


def test_a_place_that_cannot_be_written_is_the_harness_s_trouble(published: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HarnessError, match="cannot be written"):
        place(recipe(published.as_uri()), tmp_path / "file" / "weights.pth")


def test_a_full_disk_leaves_nothing_behind(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(url: str, part: Path, **_: object) -> None:
        part.write_bytes(CONTENT[:1000])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rtsr_bench.files.fetch.download", full)
    with pytest.raises(HarnessError, match="No space left on device"):
        place(recipe(published.as_uri()), tmp_path / "data" / "weights.pth")
    assert list((tmp_path / "data").iterdir()) == []


def _fetch(url: str, target: Path, start: multiprocessing.synchronize.Barrier) -> None:
    start.wait()
    for _ in range(20):
        assert place(Recipe(url=url, sha256=SHA256), target).read_bytes() == CONTENT


def test_processes_that_want_the_same_file_do_not_trip_over_each_other(published: Path, tmp_path: Path) -> None:
    target = tmp_path / "data" / "weights.pth"
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    workers = [context.Process(target=_fetch, args=(published.as_uri(), target, start)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [path.name for path in target.parent.iterdir()] == ["weights.pth"]


def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    inside: list[int] = []
    most: list[int] = []

    def hold() -> None:
        for _ in range(200):
            with locked(target):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 800
    assert max(most) == 1
    assert list(tmp_path.iterdir()) == []


# Whole sets.


def test_a_set_is_fetched_whole_and_found_again_without_being_named(toy: SetRecipe, cache: Path) -> None:
    from rtsr_bench.datasets import Dataset, find_dataset

    told: list[tuple[int, int]] = []
    folder = collect(toy, progress=lambda *at: told.append(at))
    assert folder == cache / "data" / "SelfExSR" / "data" / "Toy3"
    assert told[-1] == (12, 12)
    assert litter(cache) == []
    for scale in (2, 3, 4):
        found = find_dataset("toy3", scale=scale, degradation="files", roots=[])
        assert isinstance(found, Dataset)
        assert found.verified


def test_only_what_a_scale_needs_is_fetched(toy: SetRecipe, tmp_path: Path) -> None:
    assert {path.split("/")[0] for path in files_of(toy, [3])} == {"image_SRF_2"}
    folder = collect(toy, scales=[4], root=tmp_path / "here")
    assert {path.parent.name for path in folder.rglob("*.png")} == {"image_SRF_4"}
    with pytest.raises(UserError, match="expected a scale of 2, 3, 4, found 8"):
        collect(toy, scales=[8])


def test_what_was_fetched_before_trouble_stays(toy: SetRecipe, tmp_path: Path) -> None:
    lost = tmp_path / "origin" / "image_SRF_4" / "img_003_SRF_4_LR.png"
    kept = lost.read_bytes()
    lost.unlink()
    with pytest.raises(UserError, match=r"img_003_SRF_4_LR\.png: cannot be downloaded"):
        collect(toy)
    lost.write_bytes(kept)
    for file in (tmp_path / "origin" / "image_SRF_2").iterdir():
        file.unlink()
    assert len(list(collect(toy).rglob("*.png"))) == 12


def test_a_set_that_was_never_published_cannot_be_fetched() -> None:
    from rtsr_bench.datasets.catalog import find_recipe

    with pytest.raises(UserError, match="only its holders"):
        collect(find_recipe("rtsr2023"))


@pytest.mark.shared
def test_the_real_set5_comes_from_a_mirror_of_its_source(
    shared: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rtsr_bench.datasets.catalog import find_recipe

    monkeypatch.setenv("RTSR_BENCH_MIRROR", str(shared / "data" / "SelfExSR"))
    assert len(list(collect(find_recipe("set5")).rglob("*.png"))) == 30
    assert litter(cache) == []
