"""Packages installed as editable: found where the interpreter would find them, bound by themselves, nothing beside."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from rtsr_bench.sandbox import bubblewrap
from rtsr_bench.sandbox.imports import outside

FINDER = """
import sys
from importlib.util import spec_from_file_location
MAPPING = {mapping!r}
class _EditableFinder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in MAPPING:
            return spec_from_file_location(name, MAPPING[name] + "/__init__.py")
def install():
    sys.meta_path.append(_EditableFinder)
"""
"""In the form that setuptools writes for a project in more than one folder."""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without anything in it."""
    place = tmp_path_factory.mktemp("env") / "env"
    venv.create(place, with_pip=False, symlinks=True)
    return place


@pytest.fixture
def site_packages(env: Path) -> Path:
    """Its folder of packages, emptied."""
    (folder,) = env.glob("lib/python3*/site-packages")
    for left in folder.iterdir():
        left.unlink()
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A project of someone: a package, a module, metadata, and what is nobody's business."""
    place = tmp_path / "project" / "src"
    for name in ("dep/__init__.py", "single.py", "dep.egg-info/PKG-INFO", "images/hr.png", "notes.txt", ".env"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("")
    return place


def look(env: Path) -> tuple[Path, ...]:
    return outside(str(env / "bin" / "python"), [env, *map(Path, (sys.base_prefix, sys.prefix, "/usr"))])


def test_a_plain_environment_imports_nothing_from_outside(env: Path, site_packages: Path) -> None:
    assert list(site_packages.iterdir()) == []
    assert look(env) == ()


@pytest.mark.parametrize("name", ["__editable__.dep-1.2.pth", "easy-install.pth", "_dep.pth"])
def test_of_a_folder_on_the_path_only_what_can_be_imported_is_named(
    env: Path, site_packages: Path, sources: Path, name: str
) -> None:
    (site_packages / name).write_text(f"{sources}\n")
    assert look(env) == (sources / "dep", sources / "dep.egg-info", sources / "single.py")


def test_a_finder_is_asked_for_its_packages(env: Path, site_packages: Path, sources: Path) -> None:
    (site_packages / "__editable___dep_finder.py").write_text(FINDER.format(mapping={"dep": str(sources / "dep")}))
    (site_packages / "__editable__.dep.pth").write_text(
        "import __editable___dep_finder; __editable___dep_finder.install()"
    )
    assert look(env) == (sources / "dep",)


def test_of_a_checkout_of_this_project_nothing_is_named(env: Path, site_packages: Path, sources: Path) -> None:
    (sources / "rtsr_bench").mkdir()
    (sources / "rtsr_bench" / "__init__.py").write_text("")
    (site_packages / "x.pth").write_text(f"{sources}\n")
    assert look(env) == ()


def test_of_another_environment_everything_but_this_package_is_named(
    env: Path, site_packages: Path, tmp_path: Path
) -> None:
    outer = tmp_path / "outer" / "site-packages"
    for name in ("numpy", "numpy.libs", "nvidia", "rtsr_bench"):
        (outer / name).mkdir(parents=True)
    (site_packages / "outer.pth").write_text(f"{outer}\n")
    assert look(env) == (outer / "numpy", outer / "numpy.libs", outer / "nvidia")


def test_what_isolated_python_does_not_see_is_not_named(
    env: Path, site_packages: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del site_packages
    monkeypatch.setenv("PYTHONPATH", str(sources))
    monkeypatch.chdir(sources)
    assert look(env) == ()


def test_an_interpreter_that_does_not_answer_has_nothing_outside(tmp_path: Path) -> None:
    assert outside(str(tmp_path / "python"), []) == ()
    assert outside("/bin/false", []) == ()


def test_sandbox_binds_packages_read_only(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_outside", lambda: (sources / "dep",))
    shell = bubblewrap.Shell(executable="bwrap", room=tmp_path, scratch_bytes=1, gpu=False)
    words = shell.command(environment={}, seccomp_fd=None)
    at = words.index(str(sources / "dep"))
    assert words[at - 1 : at + 2] == ["--ro-bind-try", str(sources / "dep"), str(sources / "dep")]
    assert at > words.index("--tmpfs"), "sources may lie below /tmp, and are put on top"
    found = bubblewrap.executables()
    if not found:
        pytest.skip("needs bubblewrap")
    shell = bubblewrap.Shell(executable=found[0], room=tmp_path, scratch_bytes=1 << 20, gpu=False)
    program = (
        f"import os, sys; sys.path.append({str(sources)!r}); import dep; print(sorted(os.listdir({str(sources)!r})))"
    )
    command = [*shell.command(environment={}, seccomp_fd=None), sys.executable, "-I", "-B", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "creating new namespace" in done.stderr.lower() or "permission" in done.stderr.lower():
        pytest.skip("needs bubblewrap to work here")
    assert done.stdout.strip() == "['dep']", done.stderr
