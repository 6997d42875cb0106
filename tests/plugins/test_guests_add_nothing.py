"""A submission that brings plug-ins along adds nothing: not to the harness, not to the process that it runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtsr_bench.backends import BACKENDS
from rtsr_bench.errors import UserError
from rtsr_bench.formats import FORMATS
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child
from rtsr_bench.submissions import discover
from rtsr_bench.wire import LoadModel

PLUGIN = """
from rtsr_bench.backends import BACKENDS, Backend
from rtsr_bench.formats import FORMATS, Format
FORMATS.add(Format(name="mine", title="Mine", load=lambda request, device, notes: None))
BACKENDS.add(Backend(name="mine", title="Mine", prepare=lambda model, execution, device: model))
"""
GUEST = """
import os
os.environ["RTSR_BENCH_PLUGINS"] = os.path.abspath("mine.py")
from rtsr_bench import plugins
from rtsr_bench.backends import BACKENDS
from rtsr_bench.formats import FORMATS
plugins.load()
said = [*BACKENDS.all(), *FORMATS.all(), *BACKENDS.sources()]
try:
    import mine
except Exception as error:
    said.append(str(error))
def srmodel():
    raise ValueError(", ".join(map(str, said)))
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A submission with a plug-in in it, one in the packages that it requires, and an entry point that names it."""
    folder, packages = tmp_path / "team", tmp_path / "packages"
    about = packages / "theirs-1.0.dist-info"
    for place in (folder, about):
        place.mkdir(parents=True)
    (folder / "arch.py").write_text(GUEST)
    (folder / "mine.py").write_text(PLUGIN)
    (packages / "theirs.py").write_text(PLUGIN.replace("mine", "theirs"))
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[rtsr_bench.plugins]\ntheirs = theirs\n")
    return folder


def test_what_a_submission_brings_along_is_not_added(team: Path) -> None:
    packages = team.with_name("packages")
    request = LoadModel(format="python", folder=team, entry="arch:srmodel", scale=2, packages=packages)
    with Child(device="cpu") as child:
        failure = child.ask(request, limit_s=60)
    assert isinstance(failure, Failure)
    shipped = ", ".join([*BACKENDS.all(), *FORMATS.all()])
    assert failure.message == (
        f"ValueError: {shipped}, format 'mine': nothing can be registered in a process that runs a guest's code"
    )
    assert "mine" not in {**BACKENDS.all(), **FORMATS.all()}


def test_discovering_a_submission_adds_nothing(team: Path) -> None:
    (team / "submission.toml").write_text(
        '[submission]\nteam = "t"\ntitle = "t"\n[[model]]\nscale = 2\nformat = "mine"\n'
    )
    with pytest.raises(UserError, match=r'format: expected "ntire-esr" or "onnx" or .*, found the text .mine'):
        discover(team)
    assert (BACKENDS.sources(), FORMATS.sources()) == ((), ())
