from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.unpack import UnpackLimits
from rtsr_bench.submissions import ModelSpec, digest, discover, load_request, survey

OFFICIAL = {
    "arch.py": b"raise SystemExit('a guest was imported')\n",
    "checkpoint.pth": b"",
    "utils/modules.py": b"# here you can add additional modules\n",
    "utils/config.yaml": b"",
    "results/0.png": b"pixels",
    "requirements.txt": b"einops==0.8.0  # rearrange\n\n# comment\ntimm \\\n  >=1.0\n",
}


def pack_zip(path: Path, files: dict[str, bytes], *, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in sorted({name.rpartition("/")[0] for name in files if "/" in name}):
            archive.writestr(f"{inside}{folder}/", b"")
        for name, content in files.items():
            archive.writestr(f"{inside}{name}", content)
    return path


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def refusal(*paths: Path) -> str:
    with pytest.raises(UserError) as caught:
        discover(*paths)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert " expected " in message
    assert " found" in message
    return message


def test_the_ntire_2023_layout_needs_no_manifest(tmp_path: Path) -> None:
    (submission,) = discover(lay_out(tmp_path / "submission_Test 7", OFFICIAL))
    assert submission.id == submission.team == submission.title == "submission_test-7"
    (model,) = submission.models
    assert model == ModelSpec(submission="submission_test-7", scale=None, format="python", entry="arch:srmodel")
    assert model.id == "submission_test-7/x?"
    # srmodel() loads its own checkpoint.pth: the harness must not load it a second time.
    assert model.checkpoint is None
    assert load_request(model, submission, None).entry == "arch:srmodel"
    assert submission.requirements == ("einops==0.8.0", "timm    >=1.0")


def test_the_scale_is_filled_in_once_it_is_found(tmp_path: Path) -> None:
    (submission,) = discover(lay_out(tmp_path / "team_x", OFFICIAL))
    model = submission.models[0]
    with pytest.raises(HarnessError, match="before its scale was found"):
        model.facts()
    assert model.with_scale(3).facts("abc").id == "team_x/x3"
    assert model.with_scale(3).facts("abc").checkpoint_sha256 == "abc"
    with pytest.raises(HarnessError, match="scale 2 was found"):
        model.with_scale(3).with_scale(2)
    with pytest.raises(HarnessError, match="scale 5 was found"):
        model.with_scale(5)


@pytest.mark.parametrize("inside", ["", "submission_test/"])
def test_the_official_zip(inside: str, tmp_path: Path) -> None:
    archive = pack_zip(tmp_path / "team_x.zip", OFFICIAL, inside=inside)
    (submission,) = discover(archive)
    assert submission.id == "team_x"
    assert submission.source == archive
    assert sorted(path.name for path in submission.folder.iterdir()) == sorted({n.split("/")[0] for n in OFFICIAL})
    (as_folder,) = discover(lay_out(tmp_path / "team_x", OFFICIAL))
    assert submission.digest == as_folder.digest


@pytest.mark.parametrize(("suffix", "mode"), [(".tar", "w"), (".tar.gz", "w:gz"), (".TGZ", "w:gz")])
@pytest.mark.parametrize("inside", [".", "team_y"])
def test_a_tar(suffix: str, mode: str, inside: str, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "folder" / "team_x", OFFICIAL)
    with tarfile.open(tmp_path / f"team_x{suffix}", mode) as archive:
        archive.add(folder, arcname=inside)
    (submission,) = discover(tmp_path / f"team_x{suffix}")
    assert submission.id == "team_x"
    assert submission.digest == discover(folder)[0].digest


def test_what_a_macintosh_adds_is_left_out(tmp_path: Path) -> None:
    more = {f"__MACOSX/{name}": b"fork" for name in OFFICIAL} | {"x/.DS_Store": b"finder"}
    files = {f"x/{name}": content for name, content in OFFICIAL.items()}
    (submission,) = discover(pack_zip(tmp_path / "team_x.zip", files | more))
    assert submission.digest == discover(lay_out(tmp_path / "team_x", OFFICIAL))[0].digest


def test_nothing_of_a_guest_is_imported(tmp_path: Path, hand_in) -> None:
    pack_zip(tmp_path / "zipped.zip", OFFICIAL)
    hand_in("with_manifest")
    code = (
        "import sys, pathlib; from rtsr_bench.submissions import discover;"
        f"print(len(discover(pathlib.Path({str(tmp_path)!r}))));"
        "print([m for m in ('torch', 'numpy', 'arch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:1] == ["2"]
    assert "'torch'" not in done.stdout
    assert "'arch'" not in done.stdout


def test_a_folder_of_many(tmp_path: Path, hand_in) -> None:
    many = tmp_path / "many"
    hand_in("b", parent=many)
    lay_out(many / "a", OFFICIAL)
    pack_zip(many / "c.zip", OFFICIAL)
    lay_out(many, {"notes.txt": b"", ".hidden/arch.py": b"", "__pycache__/arch.py": b"", "data/image.png": b""})
    found = survey(many)
    assert [submission.id for submission in found.submissions] == ["a", "b", "c"]
    assert [submission.source for submission in found.submissions] == [many / "a", many / "b", many / "c.zip"]
    assert {note.source.name: note.message.partition(": ")[2] for note in found.skipped} == {
        "notes.txt": "neither a folder nor an archive (.zip, .tar, .tar.gz, .tgz), left out",
        "data": "a folder without submission.toml or arch.py, left out",
    }
    assert found.refused == ()
    assert discover(many) == found.submissions


def test_what_seems_submitted_is_refused_and_not_passed_over(tmp_path: Path, hand_in) -> None:
    many = tmp_path / "many"
    hand_in("good", parent=many)
    files = {"team.rar": b"", "team.tar.xz": b"", "code/net.py": b"", "zoo/deep/net.PTH": b"", "notes.md": b""}
    lay_out(many, files)
    found = survey(many)
    assert [submission.id for submission in found.submissions] == ["good"]
    assert {note.source.name: note.message.partition(": ")[2].partition(";")[0] for note in found.refused} == {
        "team.rar": "an archive of a kind that is not read",
        "team.tar.xz": "an archive of a kind that is not read",
        "code": "a folder without submission.toml or arch.py that holds net.py",
        "zoo": "a folder without submission.toml or arch.py that holds deep/net.PTH",
    }
    assert [note.source.name for note in found.skipped] == ["notes.md"]


def test_one_invalid_submission_does_not_stop_the_others(tmp_path: Path, hand_in) -> None:
    many = tmp_path / "many"
    hand_in("good", parent=many)
    hand_in("bad", "no toml", parent=many)
    (many / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    found = survey(many)
    assert [submission.id for submission in found.submissions] == ["good"]
    assert [note.source.name for note in found.refused] == ["bad", "broken.zip"]
    assert refusal(many) == found.refused[0].message


def test_id_claimed_twice_is_refused(tmp_path: Path, hand_in) -> None:
    many = tmp_path / "many"
    hand_in("team x", parent=many)
    hand_in("Team-X", parent=many)
    hand_in("other", parent=many)
    found = survey(many)
    assert [submission.id for submission in found.submissions] == ["other"]
    assert len(found.refused) == 2
    message = refusal(many)
    assert "'team-x'" in message
    assert str(many / "team x") in message
    assert str(many / "Team-X") in message


CLAIM = '[submission]\nteam = "T"\ntitle = "N"\nid = "{}"\n[[model]]\nscale = 2\n'


@pytest.mark.parametrize("first", ["honest", "a-squatter"])
def test_id_belongs_to_the_folder_of_that_name(first: str, tmp_path: Path, hand_in) -> None:
    second = {"honest": "squatter", "a-squatter": "honest"}[first]
    for name in (first, second):
        hand_in(f"many/{name}", CLAIM.format("honest"))
    found = survey(tmp_path / "many")
    assert [submission.source.name for submission in found.submissions] == ["honest"]
    (note,) = found.refused
    assert "squatter: expected an id of its own, found 'honest', which is the name of " in note.message
    assert note.message.count(str(tmp_path / "many" / "honest")) == 1


def test_id_belongs_to_the_archive_of_that_name(tmp_path: Path, hand_in) -> None:
    hand_in("many/squatter", CLAIM.format("team-x"))
    pack_zip(tmp_path / "many" / "Team X.ZIP", OFFICIAL)
    hand_in("many/other-squatter", CLAIM.format("team-x"))
    found = survey(tmp_path / "many")
    assert [submission.source.name for submission in found.submissions] == ["Team X.ZIP"]
    assert len(found.refused) == 2


def test_two_folders_of_the_same_name_are_refused(tmp_path: Path, hand_in) -> None:
    hand_in("many/honest")
    pack_zip(tmp_path / "many" / "honest.zip", OFFICIAL)
    hand_in("many/squatter", CLAIM.format("honest"))
    hand_in("elsewhere/other")
    hand_in("there/other")
    found = survey(tmp_path / "many", tmp_path / "elsewhere", tmp_path / "there")
    assert found.submissions == ()
    assert len(found.refused) == 5


def test_reference_model_keeps_its_id(tmp_path: Path, hand_in) -> None:
    hand_in("reference_models/rt4ksr")
    hand_in("many/squatter", CLAIM.format("rt4ksr"))
    hand_in("many/rt4ksr")
    found = survey(tmp_path / "many", tmp_path / "reference_models")
    assert [(one.id, one.origin) for one in found.submissions] == [("rt4ksr", "reference")]
    assert {note.source.name for note in found.refused} == {"squatter", "rt4ksr"}


def test_path_without_a_submission_among_several_is_refused(tmp_path: Path, hand_in) -> None:
    many = tmp_path / "many"
    lay_out(many, {"notes/read.me": b"", "README": b"", "__pycache__/x.pyc": b""})
    (many / "empty").mkdir()
    paths = [*sorted(many.iterdir()), hand_in("good"), tmp_path / "mistyped", tmp_path / ("x" * 300)]
    found = survey(*paths)
    assert [submission.id for submission in found.submissions] == ["good"]
    told = {note.source.name[:9]: note.message for note in found.refused}
    assert list(told) == ["README", "empty", "notes", "mistyped", "x" * 9]
    for name, words in {
        "README": "found another kind of file",
        "empty": "found an empty folder",
        "notes": "found only read.me",
        "mistyped": "found nothing there",
        "x" * 9: "found: File name too long",
    }.items():
        assert words in told[name]
        assert "\n" not in told[name]
    with pytest.raises(UserError, match="found an empty folder"):
        survey(many / "empty")


def test_unreadable_submission_is_one_line(tmp_path: Path, hand_in, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in("many/closed")
    hand_in("many/open")
    real = Path.exists

    def exists(path: Path) -> bool:
        if path.parent.name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "exists", exists)
    found = survey(tmp_path / "many")
    assert [submission.id for submission in found.submissions] == ["open"]
    assert "closed: expected a folder or archive that can be read, found: Permission" in found.refused[0].message


def test_the_same_folder_named_twice_is_one(tmp_path: Path, hand_in) -> None:
    folder = hand_in("many/a")
    assert [submission.id for submission in discover(tmp_path / "many", folder)] == ["a"]


def test_reference_models_are_known_by_where_they_lie(tmp_path: Path, hand_in, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = hand_in("reference_models/bicubic")
    assert discover(folder)[0].origin == "reference"
    assert discover(tmp_path / "reference_models")[0].origin == "reference"
    monkeypatch.chdir(folder.parent)
    assert discover(Path("bicubic"))[0].origin == "reference"
    inside = {"reference_models/arch.py": b"", "arch.py": b""}
    assert discover(pack_zip(tmp_path / "guest.zip", inside))[0].origin == "guest"


def test_a_missing_path(tmp_path: Path) -> None:
    message = refusal(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in message
    assert "found nothing there" in message


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "found an empty folder" in refusal(tmp_path / "empty")


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    lay_out(tmp_path / "x", {f"{letter}.txt": b"" for letter in "abcdef"})
    message = refusal(tmp_path / "x")
    assert "found only a.txt, b.txt, c.txt, d.txt and 2 more" in message
    assert "rtsr-bench new" in message


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes(b"weights")
    assert "found another kind of file" in refusal(tmp_path / "weights.npz")


def test_a_zip_without_a_model(tmp_path: Path) -> None:
    message = refusal(pack_zip(tmp_path / "x.zip", {"model.py": b"", "a/b.py": b""}))
    assert "expected submission.toml or arch.py at the top" in message
    assert "found only a, model.py" in message


def test_an_architecture_that_is_packed_too_deep_is_named(tmp_path: Path) -> None:
    files = {"sub/team/arch.py": b"", "sub/team/checkpoint.pth": b"", "read.me": b""}
    message = refusal(pack_zip(tmp_path / "team.zip", files))
    assert "found only read.me, sub, and deeper inside sub/team/arch.py; pack one submission an archive" in message
    assert "and deeper inside sub/team/arch.py" in refusal(lay_out(tmp_path / "folder", files))


def test_a_zip_of_two_submissions(tmp_path: Path) -> None:
    message = refusal(pack_zip(tmp_path / "x.zip", {"a/arch.py": b"", "b/arch.py": b""}))
    assert "one submission an archive" in message


def test_a_name_with_control_characters_does_not_reach_the_terminal(tmp_path: Path) -> None:
    lay_out(tmp_path / "x", {"\x1b[31mred\n": b""})
    assert r"\x1b[31mred\n" in refusal(tmp_path / "x")


def test_requirements_in_utf_16(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "x", {"arch.py": b"", "requirements.txt": "timm\r\nkornia\r\n".encode("utf-16")})
    assert discover(folder)[0].requirements == ("timm", "kornia")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"timm\n" * 501, "expected at most 500 requirements, found 501"),
        (b"#" * 70_000, "expected at most 65,536 bytes"),
        (b"\xff\x00timm", "expected text in UTF-8"),
    ],
)
def test_requirements_that_are_none(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(lay_out(tmp_path / "x", {"arch.py": b"", "requirements.txt": content}))


class TestDigest:
    def digest(self, folder: Path) -> str:
        (submission,) = discover(folder)
        assert len(submission.digest) == 16
        assert int(submission.digest, 16) >= 0
        return submission.digest

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return lay_out(tmp_path / "team_x", OFFICIAL)

    @pytest.mark.parametrize(
        "change",
        [
            {"arch.py": b"another"},
            {"checkpoint.pth": b"another"},
            {"utils/new.py": b""},
            {"requirements.txt": b"other"},
            {"results/hidden.py": b"code"},
            {".env": b"hidden"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_sees_what_the_team_wrote(self, change: dict[str, bytes], folder: Path) -> None:
        before = self.digest(folder)
        lay_out(folder, change)
        assert self.digest(folder) != before

    @pytest.mark.parametrize(
        "change",
        ["results/1.PNG", "__pycache__/arch.pyc", "utils/__pycache__/x", ".git/HEAD", "old.pyc", ".DS_Store"],
    )
    def test_does_not_see_what_others_made(self, change: str, folder: Path) -> None:
        before = self.digest(folder)
        lay_out(folder, {change: b"made"})
        assert self.digest(folder) == before

    def test_does_not_depend_on_place_and_date(self, folder: Path, tmp_path: Path) -> None:
        shutil.copytree(folder, tmp_path / "elsewhere" / "other_name")
        os.utime(folder / "arch.py", (0, 0))
        assert self.digest(folder) == self.digest(tmp_path / "elsewhere" / "other_name")

    def test_names_and_contents_cannot_be_exchanged(self, tmp_path: Path) -> None:
        one = lay_out(tmp_path / "one", {"arch.py": b"", "a": b"x", "b": b"y"})
        other = lay_out(tmp_path / "other", {"arch.py": b"", "a": b"y", "b": b"x"})
        assert self.digest(one) != self.digest(other)

    def test_a_link_out_of_the_folder_is_refused(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").mkdir()
        (tmp_path / "secret" / "key").write_text("key")
        (folder / "utils" / "key").symlink_to(tmp_path / "secret" / "key")
        assert "utils/key: expected files of the submission only" in refusal(folder)
        (folder / "utils" / "key").unlink()
        (folder / "utils" / "all").symlink_to(tmp_path / "secret", target_is_directory=True)
        assert "utils/all: expected files of the submission only" in refusal(folder)

    def test_a_link_within_the_folder_is_followed(self, folder: Path) -> None:
        (folder / "weights.pth").symlink_to("checkpoint.pth")
        before = self.digest(folder)
        (folder / "checkpoint.pth").write_bytes(b"another")
        assert self.digest(folder) != before

    def test_a_pipe_does_not_block(self, folder: Path) -> None:
        os.mkfifo(folder / "utils" / "pipe")
        assert "utils/pipe: expected files and folders only" in refusal(folder)

    def test_a_dangling_link(self, folder: Path) -> None:
        (folder / "gone").symlink_to("nowhere")
        assert "gone: expected a readable file" in refusal(folder)

    def test_a_circle_of_links(self, folder: Path) -> None:
        (folder / "utils" / "round").symlink_to("../utils", target_is_directory=True)
        (folder / "a").symlink_to("b")
        (folder / "b").symlink_to("a")
        assert "expected a readable file, found: Too many levels" in refusal(folder)

    def test_too_many_files(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rtsr_bench.submissions.digest.MAX_FILES", 3)
        assert "at most 3 files" in refusal(folder)

    def test_empty_folders_count_as_well(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rtsr_bench.submissions.digest.MAX_FILES", 20)
        for number in range(20):
            (folder / f"{number}").mkdir()
        assert "at most 20 files and folders" in refusal(folder)

    def test_what_is_far_too_large_is_refused_unread(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("it was read"))
        with (folder / "huge.bin").open("wb") as file:
            file.truncate(7 * 1024**3)  # sparse: it takes no room
        assert "and 4 GiB, found more; keep data sets" in refusal(folder)

    def test_folders_and_archives_have_the_same_bounds(self) -> None:
        assert (UnpackLimits().members, UnpackLimits().unpacked_bytes) == (digest.MAX_FILES, digest.MAX_BYTES)

    def test_a_file_that_goes_away_meanwhile(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(digest, "_files", lambda *_: [("gone", folder / "gone")])
        assert "gone: expected a readable file, found: No such file" in refusal(folder)
