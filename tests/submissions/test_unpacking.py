from __future__ import annotations

import gzip
import hashlib
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.held import HeldFolder
from rtsr_bench.files.unpack import UnpackLimits, unpack
from rtsr_bench.submissions import discover
from rtsr_bench.submissions.unpacked import unpacked

SMALL = UnpackLimits(packed_bytes=1_000_000, unpacked_bytes=400_000, members=20, ratio=50, ratio_from=100_000)


def make_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, members: Iterable[tuple[str, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def make_odd_tar(path: Path, kind: bytes, target: str = "/etc/passwd") -> Path:
    info = tarfile.TarInfo("odd")
    info.type = kind
    info.linkname = target
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("arch.py"))
        archive.addfile(info)
    return path


Make = Callable[[Path, Iterable[tuple[str, bytes]]], Path]
BOTH = pytest.mark.parametrize(("make", "suffix"), [(make_zip, ".zip"), (make_tar, ".tar")], ids=["zip", "tar"])


def refusal(archive: Path, folder: Path, limits: UnpackLimits | None = None) -> str:
    """What is said about an archive; nothing of it may be outside the folder it should have gone to."""
    before = {path for path in folder.parent.rglob("*") if folder not in path.parents}
    folder.mkdir()
    with pytest.raises(UserError) as caught:
        unpack(archive, folder, label="submission", limits=limits)
    assert {path for path in folder.parent.rglob("*") if folder not in path.parents} - {folder} == before
    message = str(caught.value)
    assert message.startswith("submission: expected ")
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    return message


BAD_NAMES = {
    "../evil.py": "a path out of the folder",
    "a/../../evil.py": "a path out of the folder",
    "..\\evil.py": "a path out of the folder",
    "/tmp/evil.py": "the absolute path",
    "C:\\evil.py": "the absolute path",
    "\\\\host\\evil.py": "the absolute path",
    "a\nb.py": "control characters",
    "a\x1b[31m.py": "control characters",
    "a\u202eyp.py": "control characters",
    "x" * 130: "too long or too deep",
    "d/" * 17 + "x": "too long or too deep",
    "long/" * 50 + "x": "too long or too deep",
}


@BOTH
@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name(make: Make, suffix: str, name: str, tmp_path: Path) -> None:
    archive = make(tmp_path / f"x{suffix}", [("arch.py", b""), (name, b"evil")])
    assert BAD_NAMES[name] in refusal(archive, tmp_path / "out")


@BOTH
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["arch.py", "Arch.py"], "differ only in case, 'arch.py' and 'Arch.py'"),
        (["utils/a.py", "UTILS/b.py"], "differ only in case, 'utils' and 'UTILS'"),
        (["caf\u00e9.py", "cafe\u0301.py"], "differ only in case"),
        (["a/b.py", "a/b.py"], "the name 'a/b.py' twice"),
        (["a", "a/b.py"], "the name 'a' twice"),
        (["a/b.py", "a"], "the name 'a' as a file and as a folder"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_clash(make: Make, suffix: str, names: list[str], words: str, tmp_path: Path) -> None:
    archive = make(tmp_path / f"x{suffix}", [(name, b"") for name in names])
    assert words in refusal(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_link_or_device_in_a_zip(kind: int, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("odd")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("arch.py", b"")
        archive.writestr(info, b"/etc/passwd")
    assert "a link or device, 'odd'" in refusal(tmp_path / "x.zip", tmp_path / "out")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "arch.py"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_link_or_device_in_a_tar(kind: bytes, target: str, tmp_path: Path) -> None:
    archive = make_odd_tar(tmp_path / "x.tar", kind, target)
    assert "a link, device or sparse file, 'odd'" in refusal(archive, tmp_path / "out")


@BOTH
def test_too_many_files(make: Make, suffix: str, tmp_path: Path) -> None:
    archive = make(tmp_path / f"x{suffix}", [(f"{number}.py", b"") for number in range(21)])
    assert "more than 20 files and folders" in refusal(archive, tmp_path / "out", SMALL)


@BOTH
def test_too_many_bytes(make: Make, suffix: str, tmp_path: Path) -> None:
    noise = hashlib.shake_128(b"").digest(250_000)
    archive = make(tmp_path / f"x{suffix}", [("a", noise), ("b", noise)])
    assert "more than 400,000 bytes when unpacked" in refusal(archive, tmp_path / "out", SMALL)
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) <= 400_000


@BOTH
def test_an_archive_that_is_too_big_itself(make: Make, suffix: str, tmp_path: Path) -> None:
    archive = make(tmp_path / f"x{suffix}", [("a", hashlib.shake_128(b"").digest(1_100_000))])
    assert "more than 1,000,000" in refusal(archive, tmp_path / "out", SMALL)


def test_a_zip_bomb(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.zip", [("arch.py", b""), ("bomb", bytes(300_000))])
    assert archive.stat().st_size < 1000
    message = refusal(archive, tmp_path / "out", SMALL)
    assert "more than 100,000 bytes when unpacked, more than 50 times its own size" in message


def test_a_gzip_bomb(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "x.tar.gz", [("bomb", bytes(300_000))], "w:gz")
    assert "times its own size" in refusal(archive, tmp_path / "out", SMALL)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.zip", [("bomb", bytes(300_000))])
    raw = archive.read_bytes().replace(struct.pack("<L", 300_000), struct.pack("<L", 10))
    archive.write_bytes(raw)
    message = refusal(archive, tmp_path / "out", SMALL)
    assert "damaged" in message or "times its own size" in message


def test_members_that_share_their_bytes(tmp_path: Path) -> None:
    """The bomb that needs no nesting: every entry of the directory points to the same compressed bytes."""
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writing:
        writing.writestr("a", bytes(60_000))
        for name in "bcdefgh":
            copy = zipfile.ZipInfo(name)
            first = writing.filelist[0]
            copy.header_offset, copy.CRC, copy.compress_type = first.header_offset, first.CRC, first.compress_type
            copy.file_size, copy.compress_size = first.file_size, first.compress_size
            writing.filelist.append(copy)
        writing._didModify = True
    message = refusal(archive, tmp_path / "out", SMALL)
    assert "damaged" in message or "times its own size" in message


def test_a_tar_header_that_announces_gigabytes(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 6 * 1024**3
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    assert "declares an impossible size" in refusal(tmp_path / "x.tar", tmp_path / "out")


def test_a_tar_member_that_announces_more_than_there_is(tmp_path: Path) -> None:
    info = tarfile.TarInfo("arch.py")
    info.size = 5_000_000
    (tmp_path / "x.tar").write_bytes(info.tobuf() + b"few bytes")
    assert "damaged" in refusal(tmp_path / "x.tar", tmp_path / "out")


def test_a_sparse_file(tmp_path: Path) -> None:
    info = tarfile.TarInfo("huge")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**15)}
    content = b"1\n0\n1\n".ljust(512, b"\0") + b"x".ljust(512, b"\0")
    info.size = len(content)
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    assert "sparse" in refusal(tmp_path / "x.tar", tmp_path / "out")


def test_a_directory_of_millions(tmp_path: Path) -> None:
    raw = bytearray(make_zip(tmp_path / "x.zip", [("arch.py", b"")]).read_bytes())
    raw[-10:-6] = struct.pack("<L", 1_000_000_000)
    (tmp_path / "x.zip").write_bytes(raw)
    assert "a directory of members that is too large" in refusal(tmp_path / "x.zip", tmp_path / "out")


def test_a_zip_behind_a_password(tmp_path: Path) -> None:
    raw = bytearray(make_zip(tmp_path / "x.zip", [("arch.py", b"")]).read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x.zip").write_bytes(raw)
    assert "with a password" in refusal(tmp_path / "x.zip", tmp_path / "out")


def test_a_method_with_gigabytes_of_dictionary(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("arch.py", b"")
    assert "a method other than deflate" in refusal(tmp_path / "x.zip", tmp_path / "out")


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
@pytest.mark.parametrize(
    "content", [b"", b"not an archive at all " * 100, gzip.compress(b"nothing " * 200, mtime=0)[:-9]]
)
def test_other_files_under_an_archives_name(suffix: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"x{suffix}").write_bytes(content)
    assert "damaged" in refusal(tmp_path / f"x{suffix}", tmp_path / "out")


@BOTH
def test_a_truncated_archive(make: Make, suffix: str, tmp_path: Path) -> None:
    archive = make(tmp_path / f"x{suffix}", [("arch.py", bytes(5000)), ("b.py", hashlib.shake_128(b"").digest(9000))])
    archive.write_bytes(archive.read_bytes()[:8000])
    assert "damaged" in refusal(archive, tmp_path / "out")


def test_a_damaged_byte_is_seen(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.zip", [("checkpoint.pth", hashlib.shake_128(b"").digest(9000))])
    raw = bytearray(archive.read_bytes())
    raw[5000] ^= 1
    archive.write_bytes(raw)
    assert "damaged" in refusal(archive, tmp_path / "out")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("seeds")
    members = [("arch.py", b"code " * 50), ("utils/a.py", b"more")]
    return {
        ".zip": make_zip(folder / "x.zip", members).read_bytes(),
        ".tar": make_tar(folder / "x.tar", members).read_bytes()[:3072],
        ".tar.gz": make_tar(folder / "x.tar.gz", members, "w:gz").read_bytes(),
    }


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from([".zip", ".tar", ".tar.gz"]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_any_damage_is_one_line_or_harmless(
    suffix: str, changes: list[tuple[int, int]], seeds: dict[str, bytes], tmp_path: Path
) -> None:
    raw = bytearray(seeds[suffix])
    for place, value in changes:
        raw[place % len(raw)] = value
    number = len(list(tmp_path.iterdir()))
    archive = tmp_path / f"{number}{suffix}"
    archive.write_bytes(raw)
    folder = tmp_path / f"{number}-out"
    folder.mkdir()
    try:
        unpack(archive, folder, label="submission", limits=SMALL)
    except UserError as error:
        assert str(error).isprintable()  # noqa: PT017 - unpacked or refused are both right; this is the form of the one


class TestCache:
    @pytest.fixture
    def archive(self, tmp_path: Path) -> Path:
        return make_zip(tmp_path / "team_x.zip", [("arch.py", b"code"), ("utils/a.py", b"more")])

    def test_an_archive_is_unpacked_once(self, archive: Path) -> None:
        folder = unpacked(archive, label="x")
        born = (folder / "arch.py").stat().st_mtime_ns
        assert unpacked(archive, label="x") == folder
        assert (folder / "arch.py").stat().st_mtime_ns == born

    def test_equal_archives_share_a_copy_and_different_ones_do_not(self, archive: Path, tmp_path: Path) -> None:
        twin = tmp_path / "twin.zip"
        twin.write_bytes(archive.read_bytes())
        other = make_zip(tmp_path / "other.zip", [("arch.py", b"other")])
        assert unpacked(twin, label="x") == unpacked(archive, label="x")
        assert unpacked(other, label="x") != unpacked(archive, label="x")
        assert [submission.id for submission in discover(archive, twin)] == ["team_x", "twin"]

    @pytest.mark.parametrize("damage", ["changed", "missing", "added", "linked", "no index", "bad index"])
    def test_a_damaged_copy_is_made_again(self, damage: str, archive: Path, cache: Path) -> None:
        folder = unpacked(archive, label="x")
        match damage:
            case "changed":
                (folder / "arch.py").write_bytes(b"evil")
            case "missing":
                (folder / "utils" / "a.py").unlink()
            case "added":
                (folder / "utils" / "torch.py").write_bytes(b"evil")
            case "linked":
                (folder / "arch.py").unlink()
                (folder / "arch.py").symlink_to("utils/a.py")
            case "no index":
                (folder.parent / "index.json").unlink()
            case "bad index":
                (folder.parent / "index.json").write_text("{")
        assert unpacked(archive, label="x") == folder
        assert (folder / "arch.py").read_bytes() == b"code"
        assert not (folder / "arch.py").is_symlink()
        assert sorted(path.name for path in folder.rglob("*")) == ["a.py", "arch.py", "utils"]
        assert len(list((cache / "submissions").iterdir())) == 1

    def test_an_interrupted_unpacking_is_never_taken_for_whole(
        self, archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("rtsr_bench.submissions.unpacked._contents", killed)
            with pytest.raises(KeyboardInterrupt):
                unpacked(archive, label="x")
        assert list((cache / "submissions").iterdir()) == []
        assert (unpacked(archive, label="x") / "arch.py").read_bytes() == b"code"

    def test_a_refused_archive_leaves_nothing_behind(self, tmp_path: Path, cache: Path) -> None:
        archive = make_zip(tmp_path / "x.zip", [("arch.py", b""), ("../evil", b"")])
        with pytest.raises(UserError):
            unpacked(archive, label="x")
        assert list((cache / "submissions").iterdir()) == []
        assert not (cache / "evil").exists()

    def test_what_a_killed_process_left_is_swept_and_a_living_one_keeps_its_own(
        self, archive: Path, cache: Path
    ) -> None:
        shelf = cache / "submissions"
        shelf.mkdir(parents=True)
        killed, living = HeldFolder(shelf, ".unpacking-"), HeldFolder(shelf, ".unpacking-")
        killed.lock.close()  # as the kernel does when a process ends
        with living:
            unpacked(archive, label="x")
            assert not killed.path.exists()
            assert living.path.exists()

    def test_several_at_once(self, archive: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            folders = set(pool.map(lambda _: unpacked(archive, label="x"), range(16)))
        assert len(folders) == 1
        assert (folders.pop() / "arch.py").read_bytes() == b"code"

    def test_files_come_out_readable_and_without_rights_of_their_own(self, tmp_path: Path) -> None:
        info = tarfile.TarInfo("arch.py")
        info.mode = 0o4000
        with tarfile.open(tmp_path / "x.tar", "w") as writing:
            writing.addfile(info)
        folder = unpacked(tmp_path / "x.tar", label="x")
        assert stat.S_IMODE((folder / "arch.py").stat().st_mode) == 0o644

    def test_a_cache_that_cannot_be_written(
        self, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path / "file"))
        with pytest.raises(HarnessError, match="RTSR_BENCH_CACHE"):
            unpacked(archive, label="x")
