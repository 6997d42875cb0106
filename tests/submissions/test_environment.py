"""What a submission requires: compared with what is installed, and installed apart where that is asked for."""

from __future__ import annotations

import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child, Loaded
from rtsr_bench.submissions import Submission, discover, load_request, unmet, with_packages
from rtsr_bench.wire import Op

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
    info = f"{NAME}-1.5.dist-info"
    with zipfile.ZipFile(folder / f"{NAME}-1.5-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{NAME}.py", "FACTOR = 3\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.5\nRequires-Dist: torch\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def submitted_images(tmp_path: Path, requirements: str) -> Submission:
    folder = tmp_path / "team"
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
def test_a_line_that_cannot_be_compared_is_said_to_be_so_and_the_next_one_is(line: str) -> None:
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
        loaded = child.ask(Op.LOAD, Loaded, {**request, "scale": None}, limit_s=60)
        assert loaded == Loaded(scale=3)
    with Child(device="cpu") as child:
        plain = load_request(submission.models[0], submission, None)
        refused = child.ask(Op.LOAD, Loaded, {**plain, "scale": None}, limit_s=60)
        assert isinstance(refused, Failure)
        assert NAME in refused.message


def test_nothing_is_made_where_nothing_lacks(index: Path, tmp_path: Path, cache: Path) -> None:
    submission = submitted_images(tmp_path, "torch\n")
    assert with_packages(submission) is submission
    assert not (cache / "environments").exists()


def test_what_cannot_be_had_is_one_line_and_leaves_nothing(index: Path, tmp_path: Path, cache: Path) -> None:
    submission = submitted_images(tmp_path, f"{NAME}==9\n")
    with pytest.raises(UserError, match=rf"that pip can install as wheels, found: .*{NAME}==9.*; look at") as caught:
        with_packages(submission)
    assert "\n" not in str(caught.value)
    assert list((cache / "environments").iterdir()) == []


@pytest.mark.parametrize(
    "line", ["-e .", "--index-url https://example.org", "x @ https://example.org/x.whl", "./x.whl"]
)
def test_only_names_with_versions_reach_pip(line: str, index: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected names of packages with versions"):
        with_packages(submitted_images(tmp_path, f"{line}\n{NAME}\n"))
