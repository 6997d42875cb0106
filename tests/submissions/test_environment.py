"""What a submission requires: compared with what is installed, and installed apart where that is asked for."""

from __future__ import annotations

import os
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child
from rtsr_bench.submissions import Submission, discover, load_request, shelf, unmet, with_packages
from rtsr_bench.submissions.packages import wanted
from rtsr_bench.wire import Loaded

NAME = "enlarger_of_nobody"
ARCH = f"""
import torch
from {NAME} import FACTOR

def srmodel():
    return torch.nn.Upsample(scale_factor=FACTOR)
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, and pip told to look nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    add_wheel(folder, NAME, "1.5", "torch", {f"{NAME}.py": "FACTOR = 3\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def add_wheel(index: Path, name: str, version: str, requires: str, files: dict[str, str]) -> None:
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(index / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        about += f"Requires-Dist: {requires}\n" if requires else ""
        wheel.writestr(f"{info}/METADATA", about)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def submitted_images(tmp_path: Path, requirements: str, name: str = "team") -> Submission:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "arch.py").write_text(ARCH)
    (folder / "requirements.txt").write_text(requirements)
    (submission,) = discover(folder)
    return submission


@pytest.mark.parametrize("by", ["PYTHONPATH", "the user's own site", "the environment"])
def test_what_is_installed_where_models_do_not_see_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    place = tmp_path / "elsewhere"
    info = place / f"{NAME}-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.5\n")
    monkeypatch.syspath_prepend(place)
    if by == "PYTHONPATH":
        monkeypatch.setenv("PYTHONPATH", f"/nowhere:{place}")
    elif by == "the user's own site":
        monkeypatch.setattr("site.getusersitepackages", lambda: str(place))
    else:
        monkeypatch.setattr("site.getsitepackages", lambda: [str(place)])
        monkeypatch.setenv("PYTHONPATH", str(place))
    said = f"{NAME} (installed in {place}"[:120]
    found = unmet((NAME,))
    assert [line[: len(said)] for line in found] == ([] if by == "the environment" else [said])
    assert all("models do not see: install it into the environment" in line for line in found)


def test_what_is_not_met_is_named_with_what_is_there() -> None:
    torch = metadata.version("torch")
    found = unmet(("torch", "numpy>=1", "torch==0.1", f"{NAME}==2", "-e .", 'tomli; python_version < "3"'))
    assert found == (f"torch==0.1 (installed: {torch})", f"{NAME}==2 (not installed)", "-e . (not compared)")


@pytest.mark.parametrize(
    "line",
    [
        'foo; os_name ~= "x"',
        'foo; python_version ~= "a"',
        'foo; "a" in "b"',
        "foo; extras == 'x'",
        f"numpy<{'9' * 5000}",
        f'numpy; python_version < "{"9" * 5000}"',
        f"foo; {'(' * 900}os_name == 'a'{')' * 900}",
        "numpy===x y",
    ],
)
def test_incomparable_requirement_is_reported_and_the_next_is_compared(line: str) -> None:
    first, second = unmet((line, f"{NAME}==2"))
    assert first == f"{line[:80]} (not compared)"
    assert second == f"{NAME}==2 (not installed)"


def test_an_environment_is_made_once_and_the_child_finds_the_package(index: Path, tmp_path: Path) -> None:
    submission = submitted_images(tmp_path, f"{NAME}>=1\ntorch\n")
    equipped = with_packages(submission)
    assert equipped.packages is not None
    assert (equipped.packages / f"{NAME}.py").is_file()
    assert not (equipped.packages / "torch").exists(), "torch was installed a second time"
    assert NAME not in sys.modules
    (index / f"{NAME}-1.5-py3-none-any.whl").unlink()  # the second time it comes from the cache
    assert with_packages(submission) == equipped
    request = load_request(equipped.models[0], equipped, None)
    with Child(device="cpu") as child:
        loaded = child.ask(request, limit_s=60)
        assert loaded == Loaded(scale=3)
    with Child(device="cpu") as child:
        plain = load_request(submission.models[0], submission, None)
        refused = child.ask(plain, limit_s=60)
        assert isinstance(refused, Failure)
        assert NAME in refused.message


def test_nothing_is_made_where_nothing_lacks(index: Path, tmp_path: Path, cache: Path) -> None:
    submission = submitted_images(tmp_path, "torch\n")
    assert with_packages(submission) is submission
    assert not (cache / "environments").exists()


def test_unavailable_packages_are_one_line_and_leave_nothing(index: Path, tmp_path: Path, cache: Path) -> None:
    submission = submitted_images(tmp_path, f"{NAME}==9\n")
    asked = f"{NAME.replace('_', '-')}==9"
    with pytest.raises(UserError, match=rf"that pip can install as wheels, found: .*{asked}.*; check") as caught:
        with_packages(submission)
    assert "\n" not in str(caught.value)
    assert list((cache / "environments").iterdir()) == []


def test_what_has_no_wheel_is_left_out_where_a_stub_may_stand_in_its_place(index: Path, tmp_path: Path) -> None:
    submission, said = submitted_images(tmp_path, f"{NAME}>=1,<9\nwithout_a_wheel >2,<=3\n"), list[str]()
    with pytest.raises(UserError, match=r"No matching distribution found for without-a-wheel"):
        with_packages(submission)
    equipped = with_packages(submission, tell=said.append, partly=True)
    assert equipped.packages is not None
    assert (equipped.packages / f"{NAME}.py").is_file()
    assert f"{submission.id}: without-a-wheel<=3,>2 has no wheel in pip's index and is left out" in said
    needed = submitted_images(tmp_path, "without_a_wheel>2,<=3\n", "other")
    with pytest.raises(UserError, match=r"that pip can install as wheels"):
        with_packages(needed, partly=True)


@pytest.mark.parametrize(
    "line", ["-e .", "--index-url https://example.org", "x @ https://example.org/x.whl", "./x.whl"]
)
def test_only_names_with_versions_reach_pip(line: str, index: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected names of packages with versions"):
        with_packages(submitted_images(tmp_path, f"{line}\n{NAME}\n"))


TORCH = metadata.version("torch")


def test_torch_stays_the_one_that_is_installed_and_those_who_want_the_same_share(index: Path, tmp_path: Path) -> None:
    add_wheel(index, "torch", "99.0", "", {"torch/__init__.py": "another torch"})
    add_wheel(index, "torchvision", "9.1", "torch==99.0", {"torchvision/__init__.py": ""})
    add_wheel(index, "torchvision", "9.0", f"torch=={TORCH.partition('+')[0]}", {"torchvision/__init__.py": ""})
    add_wheel(index, "torchaudio", "9.0", "", {"torchaudio/_C.so": "\x7fELF libtorch_cuda.so \x00", "beside.py": ""})
    told: list[str] = []
    lines = f"torch==1.13\ntorchvision==0.14.1\ntorchaudio\n{NAME} < 2,>=1 \nnumpy<1.20\n"
    first = with_packages(submitted_images(tmp_path, lines), tell=told.append)
    assert first.packages is not None
    installed = {one.name: one.version for one in metadata.distributions(path=[str(first.packages)])}
    cuda = any(Path(str(metadata.distribution("torch").locate_file("torch/lib"))).glob("*torch_cuda*"))
    assert installed == {NAME: "1.5", "torchvision": "9.0"} | ({"torchaudio": "9.0"} if cuda else {})
    said = "\n".join(told)
    assert f"torch==1.13: not installed; models run with torch {TORCH}, as the harness does" in said
    assert f"torchvision==0.14.1: taken as torchvision, in the version that fits torch {TORCH}" in said
    assert "pip: Installing collected packages" in said
    assert "its packages take 0." in said
    assert " MB in " in said
    assert cuda or "torchaudio 9.0 is built for CUDA and the torch that is installed is not" in said
    again: list[str] = []
    other = submitted_images(tmp_path, f"{NAME.upper()}>=1,<2\ntorchaudio\ntorchvision\ntorchvision>=0.1\n", "other")
    assert with_packages(other, tell=again.append).packages == first.packages
    assert not [line for line in again if "pip: " in line or " MB" in line]
    assert cuda or any("torchaudio 9.0 is built for CUDA" in line for line in again), "it is said each time"


def test_package_that_requires_another_torch_is_named(index: Path, tmp_path: Path, cache: Path) -> None:
    add_wheel(index, "old_friend", "1.0", "torch<1", {"old_friend.py": ""})
    with pytest.raises(UserError, match=r"found: .*old.friend 1\.0 depends on torch<1; .*torch==.*; check"):
        with_packages(submitted_images(tmp_path, "old_friend\n"))
    assert list((cache / "environments").iterdir()) == []


def test_what_every_file_goes_on_without_is_not_fetched_from_an_index(tmp_path: Path) -> None:
    submission = submitted_images(tmp_path, "apex_of_nobody\nmamba-ssm\nboth\nunseen\n")
    (submission.folder / "nets").mkdir()
    (submission.folder / "nets" / "a.py").write_text(
        "try:\n    import apex_of_nobody, mamba_ssm, both\nexcept ImportError:\n    both = None\n"
    )
    (submission.folder / "nets" / "b.py").write_text("from both.inner import x\n")
    (submission.folder / "nets" / "broken.py").write_text("import (")
    found = wanted(submission)
    assert found.lines == ("both", "unseen")
    assert found.notes == tuple(
        f"{name}: not installed; nets/a.py, the only place that imports it, goes on without it"
        for name in ("apex-of-nobody", "mamba-ssm")
    )


def test_requirements_are_compared_in_one_form(tmp_path: Path) -> None:
    submission = submitted_images(
        tmp_path, 'Some.Package[b,A] >=1 , < 2\nsome_package[a,b]<2,>=1\nnone; python_version < "3"\nnumpy\n'
    )
    assert wanted(submission).lines == ("some-package[a,b]<2,>=1",)


@pytest.fixture
def three(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three environments of 1000 bytes, used one after another, that this process holds no longer."""

    def make(place: Path) -> tuple[str, ...]:
        place.mkdir()
        (place / "x").write_bytes(bytes(1000))
        return ("said",)

    for number, name in enumerate(("a", "b", "c")):
        assert shelf.kept(name, make) == shelf.Kept(
            place=cache / "environments" / name, size=1000, notes=("said",), fresh=True
        )
        os.close(shelf._IN_USE.pop(cache / "environments" / name))
        os.utime(cache / "environments" / name / "complete", (number, number))
    return cache / "environments"


def test_environments_keep_to_a_bound_and_those_in_use_stay(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(place: Path) -> tuple[str, ...]:
        place.mkdir()
        (place / "x").write_bytes(bytes(1000))
        return ()

    (three / "died").mkdir()
    assert not shelf.kept("a", make).fresh  # in use from now on, and used last
    monkeypatch.setenv(shelf.BOUND_VARIABLE, "2e-6")
    assert shelf.kept("d", make).fresh
    assert sorted(path.name for path in three.iterdir()) == ["a", "d"]


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_a_bound_is_a_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shelf.BOUND_VARIABLE, text)
    with pytest.raises(UserError, match="expected gigabytes such as 10, found"):
        shelf.bound_bytes()


def test_what_fails_to_be_made_leaves_nothing(cache: Path) -> None:
    def make(place: Path) -> tuple[str, ...]:
        place.mkdir()
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        shelf.kept("a", make)
    assert list((cache / "environments").iterdir()) == []
