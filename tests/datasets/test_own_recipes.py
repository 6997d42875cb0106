"""A recipe of one's own with addresses and archives: fetched, verified, unpacked safely, without code."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_images import PairFolder

from rtsr_bench.datasets import Dataset, find_dataset, own_sets
from rtsr_bench.datasets.catalog import find_recipe
from rtsr_bench.datasets.collect import collect
from rtsr_bench.errors import HarnessError, UserError


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(folder: Path) -> Result:
    from rtsr_bench.cli.data import data_group

    return CliRunner().invoke(data_group, ["fetch", "frames", "--data-root", str(folder)])


def recipe(folder: Path, head: str = "", tail: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = f'[set]\nid = "frames"\ntitle = "Game frames"\nlicense = "CC-BY-4.0"\nscales = [2]\n{head}\n{tail}'
    (folder / "dataset.toml").write_text(text)
    return folder


def files(origin: Path) -> str:
    lines = [f'"{file.relative_to(origin).as_posix()}" = "{sha(file)}"' for file in sorted(origin.rglob("*.png"))]
    return "[files]\n" + "\n".join(lines) + "\n"


def archive_table(archive: Path, **more: str) -> str:
    lines = [f'url = "{archive.as_uri()}"', f'sha256 = "{sha(archive)}"', *(f'{k} = "{v}"' for k, v in more.items())]
    return "[[archive]]\n" + "\n".join(lines) + "\n"


def pack(origin: Path, archive: Path, *, top: str = "") -> Path:
    found = sorted(file for file in origin.rglob("*") if file.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as opened:
            for file in found:
                opened.write(file, f"{top}{file.relative_to(origin).as_posix()}")
    else:
        with tarfile.open(archive, "w:gz") as opened:
            for file in found:
                opened.add(file, f"{top}{file.relative_to(origin).as_posix()}")
    return archive


@pytest.fixture
def origin(tmp_path: Path, pair_folder: PairFolder) -> Path:
    """The pairs as the lab keeps them."""
    return pair_folder(tmp_path / "origin")


def available(folder: Path) -> Dataset:
    found = find_dataset("frames", scale=2, degradation="files", roots=[folder])
    assert isinstance(found, Dataset), found
    return found


def test_a_lab_s_files_are_fetched_by_their_addresses(tmp_path: Path, origin: Path) -> None:
    folder = recipe(tmp_path / "mine", f'base_url = "{origin.as_uri()}"', files(origin))
    result = fetch(folder)
    assert result.exit_code == 0, result.exception
    assert "licence  CC-BY-4.0" in result.output
    assert "complete and verified" in result.output
    assert available(folder).verified


def test_hashes_may_stand_in_a_list_beside_the_recipe(tmp_path: Path, origin: Path) -> None:
    folder = recipe(tmp_path / "mine", f'base_url = "{origin.as_uri()}"\nindex = "frames.files"')
    found = sorted(origin.rglob("*.png"))
    lines = [f"{sha(file)} {file.stat().st_size} {file.relative_to(origin).as_posix()}" for file in found]
    (folder / "frames.files").write_text("\n".join(lines))
    collect(own_sets([folder])[0])
    assert available(folder).verified


@pytest.mark.parametrize("name", ["frames.zip", "frames.tar.gz"])
@pytest.mark.parametrize("top", ["", "release-1/frames/"])
def test_a_lab_s_archive_is_fetched_and_unpacked(tmp_path: Path, origin: Path, name: str, top: str) -> None:
    archive = pack(origin, tmp_path / name, top=top)
    more = {"inside": top.rstrip("/")} if top else {}
    folder = recipe(tmp_path / "mine", tail=files(origin) + archive_table(archive, **more))
    assert fetch(folder).exit_code == 0
    found = available(folder)
    assert found.verified
    assert len(found.pairs) == 2
    archive.unlink()
    assert fetch(folder).exit_code == 0, "what is there is not fetched again"
    left = sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".png")
    assert len(left) == 2
    assert "dataset.toml" in left
    assert any(one.endswith(f"-{name}.json") for one in left)


def test_an_archive_without_hashes_of_its_files_is_not_called_verified(tmp_path: Path, origin: Path) -> None:
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=archive_table(archive))
    result = fetch(folder)
    assert f"Game frames: 2 image pairs at x2 in {folder}; no hashes to compare with" in result.output
    assert available(folder).note == "no hashes to compare with"


def test_a_file_of_an_archive_that_was_lost_comes_back(tmp_path: Path, origin: Path) -> None:
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=files(origin) + archive_table(archive))
    assert fetch(folder).exit_code == 0
    (folder / "LR2" / "a.png").unlink()
    (folder / "GT" / "b.png").write_bytes(b"damaged")
    assert fetch(folder).exit_code == 0
    assert available(folder).verified


def refused(folder: Path) -> str:
    before = sorted(path.relative_to(folder) for path in folder.rglob("*.png"))
    with pytest.raises(UserError) as caught:
        collect(own_sets([folder])[0])
    assert "\n" not in str(caught.value)
    assert sorted(path.relative_to(folder) for path in folder.rglob("*.png")) == before
    assert [path.name for path in folder.rglob(".unpacking*")] == []
    return str(caught.value)


def test_files_that_make_no_image_pairs_are_not_called_a_set(tmp_path: Path, origin: Path) -> None:
    archive = pack(origin, tmp_path / "frames.zip", top="release-1/")
    folder = recipe(tmp_path / "mine", tail=archive_table(archive))
    for _ in range(2):
        result = fetch(folder)
        assert isinstance(result.exception, UserError)
        assert "fetched, but no x2 image pairs" in str(result.exception)
        assert "inside" in str(result.exception)
    recipe(folder, tail=archive_table(archive, inside="release-1"))
    assert fetch(folder).exit_code == 0


def test_hr_alone_is_a_set_to_make_lr_from(tmp_path: Path, origin: Path) -> None:
    shutil.rmtree(origin / "LR2")
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=archive_table(archive))
    assert "2 HR images at x2" in fetch(folder).output


def test_what_a_killed_process_had_unpacked_is_swept(tmp_path: Path, origin: Path) -> None:
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=archive_table(archive))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rtsr_bench.datasets.archives.shutil.rmtree", lambda *_, **__: None)  # as if it never came to it
        collect(own_sets([folder])[0])
    assert list(folder.rglob(".unpacking*"))
    (folder / "GT" / "a.png").unlink()
    collect(own_sets([folder])[0])
    assert available(folder).pairs
    assert list(folder.rglob(".unpacking*")) == []


@pytest.mark.parametrize(
    ("in_the_way", "said"),
    [
        ("GT", "GT: expected a folder of the set, found a file"),
        ("LR2/b.png/x", "LR2/b.png: expected a file of the set"),
    ],
)
def test_what_is_in_the_way_is_named_before_anything_is_moved(
    tmp_path: Path, origin: Path, in_the_way: str, said: str
) -> None:
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=archive_table(archive))
    (folder / in_the_way).parent.mkdir(parents=True, exist_ok=True)
    (folder / in_the_way).write_text("mine")
    assert said in refused(folder)
    assert (folder / in_the_way).read_text() == "mine"


def test_an_archive_with_another_file_than_pinned_is_refused_whole(tmp_path: Path, origin: Path) -> None:
    pinned = files(origin)
    (origin / "GT" / "a.png").write_bytes(b"another picture")
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=pinned + archive_table(archive))
    assert "-frames.zip: expected SHA-256" in refused(folder)


def test_an_archive_with_another_hash_is_refused(tmp_path: Path, origin: Path) -> None:
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=archive_table(archive))
    archive.write_bytes(archive.read_bytes() + b"x")
    assert "expected SHA-256" in refused(folder)


def test_an_archive_without_the_folder_named_is_refused(tmp_path: Path, origin: Path) -> None:
    archive = pack(origin, tmp_path / "frames.zip")
    for inside in ("elsewhere", "../..", "/tmp"):
        folder = recipe(tmp_path / "mine", tail=archive_table(archive, inside=inside))
        assert "expected a folder" in refused(folder)


def test_a_path_that_leads_outside_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "frames.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("../../escaped.png", b"x")
    assert "frames.zip" in refused(recipe(tmp_path / "deep" / "mine", tail=archive_table(archive)))
    assert list(tmp_path.rglob("escaped.png")) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "frames.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        link = tarfile.TarInfo("GT/a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    assert "a link" in refused(recipe(tmp_path / "mine", tail=archive_table(archive)))


def test_an_archive_that_unpacks_out_of_all_proportion_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "frames.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        info = tarfile.TarInfo("GT/a.png")
        info.size = 40 * 2**20
        opened.addfile(info, io.BytesIO(bytes(info.size)))
    assert "times its own size" in refused(recipe(tmp_path / "mine", tail=archive_table(archive)))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "frames.zip"
    archive.write_bytes(b"no archive at all")
    assert "damaged" in refused(recipe(tmp_path / "mine", tail=archive_table(archive)))


def test_a_full_disk_while_unpacking_is_the_harness_s_trouble(
    tmp_path: Path, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(origin, tmp_path / "frames.zip")
    folder = recipe(tmp_path / "mine", tail=archive_table(archive))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("rtsr_bench.datasets.archives.unpack", full)
        with pytest.raises(HarnessError, match="No space left on device"):
            collect(own_sets([folder])[0])
    assert list(folder.rglob("*.png")) == []
    collect(own_sets([folder])[0])
    assert len(available(folder).pairs) == 2


@pytest.mark.parametrize(
    ("head", "tail", "said"),
    [
        ('base_url = "https://example.org"', '[files]\n"../../a.png" = "{sha}"', "within the set's folder"),
        ('base_url = "https://example.org"', '[files]\n"/a.png" = "{sha}"', "within the set's folder"),
        ("", '[[archive]]\nurl = "https://example.org/a.zip"', "sha256: expected a SHA-256 of 64 "),
        ("", '[[archive]]\nurl = "https://example.org/a.zip"\nsha256 = "1"', "expected a SHA-256"),
        ("", '[[archive]]\nurl = "u"\nsha256 = "{sha}"\nsize = 3', "unknown key 'size'"),
        ('index = "nowhere.files"', "", "nowhere.files"),
    ],
)
def test_a_source_that_breaks_the_form_is_refused_in_one_line(tmp_path: Path, head: str, tail: str, said: str) -> None:
    folder = recipe(tmp_path / "mine", head, tail.replace("{sha}", "a" * 64))
    with pytest.raises(UserError) as caught:
        own_sets([folder])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_set_without_a_source_says_what_to_add(tmp_path: Path, pair_folder: PairFolder) -> None:
    folder = recipe(pair_folder(tmp_path / "mine"))
    with pytest.raises(UserError, match=r"base_url or \[\[archive\]\]"):
        collect(own_sets([folder])[0])


def test_a_set_is_not_called_whole_while_files_are_missing(tmp_path: Path, origin: Path) -> None:
    listed = files(origin)
    archive = pack(origin, tmp_path / "frames.zip", top="")
    more = listed + '"GT/nowhere.png" = "' + "0" * 64 + '"\n'
    folder = recipe(tmp_path / "mine", tail=more + archive_table(archive))
    done = fetch(folder)
    assert done.exit_code != 0
    assert "GT/nowhere.png" in str(done.exception)


@pytest.mark.parametrize("line", ["inside = 5", 'bytes = "x"', "url = 5"])
def test_a_wrong_type_in_an_archives_table_is_one_line(tmp_path: Path, origin: Path, line: str) -> None:
    archive = pack(origin, tmp_path / "frames.zip", top="")
    table = archive_table(archive)
    key = line.split(" ", maxsplit=1)[0]
    kept = "\n".join(one for one in table.splitlines() if not one.startswith(f"{key} "))
    folder = recipe(tmp_path / "mine", tail=files(origin) + kept + f"\n{line}\n")
    with pytest.raises(UserError, match=rf"\[\[archive\]\] 1 {key}: expected"):
        own_sets([folder])


@pytest.mark.parametrize(
    ("head", "tail", "said"),
    [
        ("license = 3", "", "license: expected a text"),
        ('summary = ["a"]', "", "summary: expected a text"),
        ("scales = [2.0]", "", "scales: expected an array of whole numbers from 2 to 4"),
        ("hr_size = [0, 3840]", "", "hr_size: expected an array of 2 whole numbers of at least 1"),
        ("hr_size = [2160]", "", "hr_size: expected an array of 2 whole numbers of at least 1"),
        ('base_url = "example.org/x"', "", "base_url: expected a URL"),
        ("", '[archive]\nurl = "https://example.org/a.zip"', "with double brackets"),
    ],
)
def test_a_value_of_another_kind_is_one_line(tmp_path: Path, head: str, tail: str, said: str) -> None:
    tmp_path.joinpath("dataset.toml").write_text(f'[set]\nid = "frames"\ntitle = "Frames"\n{head}\n{tail}\n')
    with pytest.raises(UserError, match=said) as caught:
        own_sets([tmp_path])
    assert "\n" not in str(caught.value)


def test_malformed_index_line_is_reported_with_its_number(tmp_path: Path) -> None:
    tmp_path.joinpath("dataset.toml").write_text('[set]\nid = "frames"\ntitle = "F"\nindex = "frames.files"\n')
    tmp_path.joinpath("frames.files").write_text(f"{'0' * 64} 12 GT/a.png\nnonsense\n")
    with pytest.raises(UserError, match=r"frames\.files, line 2: expected SHA-256, bytes and path, found 'nonsense'"):
        own_sets([tmp_path])


def test_missing_recipe_keys_are_shown_as_unknown(tmp_path: Path, origin: Path) -> None:
    folder = recipe(tmp_path / "lab", f'base_url = "{origin.as_uri()}/"', files(origin))
    output = fetch(folder).output
    assert "size unknown" in output
    assert "source   not stated" in output


@pytest.mark.parametrize("name", ["Dataset.toml", "dataset.toml.txt", "DATASET.TOML"])
def test_a_recipe_under_nearly_the_right_name_is_refused_by_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text('[set]\nid = "mine"\ntitle = "Mine"\n')
    with pytest.raises(UserError, match=f"called dataset.toml, exactly so, found {name}"):
        find_recipe("mine", [folder])


@pytest.mark.parametrize("name", ["datasets.json", "dataset.yaml", "dataset.txt", "database.toml"])
def test_other_files_of_a_root_are_no_recipes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert own_sets([tmp_path]) == ()
