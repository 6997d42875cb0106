"""Submissions by their address on GitHub and Hugging Face, from stand-ins on this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.files import fetch
from rtsr_bench.submissions import discover, survey
from rtsr_bench.submissions.hubs import Address, is_address

COMMIT, OTHER = "1234567890" * 4, "abcdef0123" * 4
MANIFEST = b'[submission]\nteam = "T"\ntitle = "N"\n[[model]]\nscale = 2\n'
FILES = {"README.md": b"hello", "nets/x/arch.py": b"#", "nets/x/submission.toml": MANIFEST, "nets/y/arch.py": b"#",
         "nets/y/submission.toml": MANIFEST, "zoo/net.pth": b"weights"}  # fmt: skip


class Hub:
    """Serves what is put into `answers`, by path and query, and notes what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                if self.path not in hub.answers:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(hub.answers[self.path])))
                self.end_headers()
                self.wfile.write(hub.answers[self.path])

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def hub(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub = Hub()
    monkeypatch.setenv("RTSR_BENCH_GITHUB", f"{hub.url}/github/")
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/hugging")
    yield hub
    hub.close()


def archive(commit: str, files: dict[str, bytes] = FILES) -> bytes:
    """A commit's archive as GitHub makes it: in one folder, the commit in the tar file's global header."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:", format=tarfile.PAX_FORMAT, pax_headers={"comment": commit}) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"nets-{commit}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(made.getvalue())


def refs(**names: str) -> bytes:
    """What git is told of a repository's refs."""

    def line(text: str) -> bytes:
        return f"{len(text) + 4:04x}{text}".encode()

    listed = {"HEAD": COMMIT, "refs/heads/main": COMMIT, **names}
    first, *others = [f"{commit} {name}" for name, commit in listed.items()]
    lines = [line(f"{first}\0multi_ack symref=HEAD:refs/heads/main\n"), *(line(f"{one}\n") for one in others)]
    return line("# service=git-upload-pack\n") + b"0000" + b"".join(lines) + b"0000"


REFS = "/github/org/nets.git/info/refs?service=git-upload-pack"


def on_github(hub: Hub, commit: str = COMMIT, data: bytes | None = None) -> None:
    hub.answers[f"/github/org/nets/archive/{commit}.tar.gz"] = archive(commit) if data is None else data
    hub.answers[REFS] = refs(**{"refs/heads/dev/x": OTHER, "refs/tags/v1": "0" * 40, "refs/tags/v1^{}": OTHER})


def on_hugging_face(hub: Hub, files: dict[str, bytes] = FILES, **changed: object) -> None:
    listed = []
    for name, content in files.items():
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        about: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
        if name.endswith(".pth"):
            about |= {"blobId": "0" * 40, "lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}}
        listed.append(about)
        hub.answers[f"/hugging/org/nets/resolve/{COMMIT}/{name}"] = content
    answer = json.dumps({"id": "org/nets", "sha": COMMIT, "siblings": listed, "private": False} | changed).encode()
    for version in ("", f"/revision/{COMMIT}", "/revision/main", "/revision/dev%2Fx"):
        hub.answers[f"/hugging/api/models/org/nets{version}?blobs=true"] = answer


@pytest.mark.parametrize("which", ["gh", "hf"])
def test_address_is_pinned_printed_and_fetched_once(which: str, hub: Hub, cache: Path) -> None:
    on_github(hub)
    on_hugging_face(hub)
    told: list[str] = []
    found = survey(Path(f"{which}:org/nets#nets/x"), tell=told.append)
    (submission,) = found.submissions
    pinned = f"{which}:org/nets@{COMMIT}#nets/x"
    assert (submission.id, str(submission.source), submission.fetched_from) == ("x", pinned, pinned)
    assert submission.facts.fetched_from == pinned
    assert submission.folder.is_relative_to(cache)
    assert {path.name for path in submission.folder.iterdir()} == {"arch.py", "submission.toml"}
    assert told[0] == f"{which}:org/nets#nets/x: the current commit is {COMMIT}; {pinned} names it"
    assert "fetching" in told[1]
    hub.answers.clear()
    asked = len(hub.asked)
    (again,) = discover(Path(pinned))
    assert again == submission
    assert len(hub.asked) == asked, "a commit that is here needs no network"


@pytest.mark.parametrize("which", ["gh", "hf"])
def test_a_folder_of_submissions_and_a_file_of_a_repository(which: str, hub: Hub) -> None:
    on_github(hub)
    on_hugging_face(hub)
    found = discover(Path(f"{which}:org/nets@main#nets/"), Path(f"{which}:org/nets@{COMMIT}#zoo/net.pth"))
    assert [(one.id, one.fetched_from.partition("#")[2]) for one in found] == [
        ("x", "nets/x"),
        ("y", "nets/y"),
        ("net", "zoo/net.pth"),
    ]
    assert found[2].models[0].format == "spandrel"


def test_a_whole_repository_is_named_after_itself(hub: Hub) -> None:
    files = {"arch.py": b"#", "submission.toml": MANIFEST}
    on_github(hub, data=archive(COMMIT, files))
    on_hugging_face(hub, files)
    for which in ("gh", "hf"):
        (found,) = discover(Path(f"{which}:org/nets@{COMMIT}"))
        assert (found.id, found.fetched_from) == ("nets", f"{which}:org/nets@{COMMIT}")


def test_branches_and_tags_stand_for_their_commits(hub: Hub) -> None:
    on_github(hub, OTHER)
    for version in ("dev/x", "v1"):
        assert discover(Path(f"gh:org/nets@{version}#nets/x"))[0].fetched_from == f"gh:org/nets@{OTHER}#nets/x"


def refused(address: str) -> str:
    with pytest.raises(UserError) as caught:
        discover(Path(address))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_github_does_not_have_is_one_line(hub: Hub, cache: Path) -> None:
    on_github(hub)
    assert "expected a commit (40 hex digits), a branch or a tag of the repository, found 12345" in refused(
        "gh:org/nets@12345"
    )
    assert "its branches are main, dev/x" in refused("gh:org/nets@12345")
    assert "the server answers 404" in refused("gh:org/nobody")
    assert "the server answers 404" in refused(f"gh:org/nets@{OTHER}")
    message = refused(f"gh:org/nets@{COMMIT}#nets/z")
    assert (
        "expected a file or folder of that path in the repository, found none; at its top are README.md, nets"
        in message
    )
    hub.answers[f"/github/org/nets/archive/{OTHER}.tar.gz"] = archive(COMMIT)
    assert f"expected the archive of this commit, found that of {COMMIT}" in refused(f"gh:org/nets@{OTHER}")
    hub.answers[f"/github/org/nets/archive/{OTHER}.tar.gz"] = archive(OTHER)[:-20]
    assert "found a damaged one" in refused(f"gh:org/nets@{OTHER}")
    hub.answers[f"/github/org/nets/archive/{OTHER}.tar.gz"] = archive(OTHER)
    assert discover(Path(f"gh:org/nets@{OTHER}#nets")), "what was damaged is not kept"


def test_what_hugging_face_gives_is_believed_by_its_hash(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ATTEMPTS", 1)
    on_hugging_face(hub)
    hub.answers[f"/hugging/org/nets/resolve/{COMMIT}/zoo/net.pth"] = b"WEIGHTS"
    assert "net.pth: cannot be downloaded" in refused("hf:org/nets#zoo/net.pth")
    hub.answers[f"/hugging/org/nets/resolve/{COMMIT}/nets/x/arch.py"] = b"!"
    assert "arch.py: expected the file that the commit names, found another" in refused("hf:org/nets#nets")
    on_hugging_face(hub)
    assert len(discover(Path("hf:org/nets#nets"))) == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"siblings": [{"rfilename": "../../out", "size": 1}]}, "a path out of the folder"),
        ({"siblings": [{"rfilename": "big.bin", "size": 5 * 2**30}]}, "more than 10,000 files or 4 GiB; name a folder"),
        ({"siblings": []}, "expected files, found none"),
        ({"sha": "main"}, "expected the list of a model repository's files, found another answer"),
        ({"sha": OTHER}, f"expected the files of this commit, found those of {OTHER}"),
    ],
)
def test_what_hugging_face_may_not_answer(changed: dict[str, object], words: str, hub: Hub, cache: Path) -> None:
    on_hugging_face(hub, **changed)
    assert words in refused(f"hf:org/nets@{COMMIT}")
    assert not list(cache.rglob("out"))


@pytest.mark.parametrize(
    "text",
    [
        "gh:org",
        "GH:org/nets",
        "hf:org/nets@",
        "gh:org/nets#../x",
        "gh:../nets",
        "hf:org/nets@a..b",
        "gh:org/nets@-x",
        "hf:a/b/c",
        "gh:",
    ],
)
def test_an_address_has_one_form(text: str) -> None:
    assert is_address(Path(text))
    with pytest.raises(UserError, match="expected gh:ORG/NAME or hf:ORG/NAME, with @COMMIT and #path"):
        Address.of(text)


def test_existing_path_has_priority_over_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hand_in) -> None:
    monkeypatch.chdir(tmp_path)
    hand_in("gh:org", parent=tmp_path)
    assert not is_address(Path("gh:org"))
    assert str(Address.of("gh:a/b@v1.0#c/d")) == "gh:a/b@v1.0#c/d"
    assert not is_address(Path("reference_models"))
