"""Stubs for packages that are not installed: imports pass, uses raise with the name."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from loaded_guests import LoadGuest

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.measuring.enhance import forward
from rtsr_bench.measuring.reasons import reason_of
from rtsr_bench.measuring.stubs import StubUsedError

NET = """
class Net(nn.Module):
    def forward(self, x):
        return nn.functional.interpolate(x, scale_factor=2)

def srmodel():
    return Net()
"""
IMPORTS = """
import abc
import functools
from typing import Optional, Union

import torch
from torch import nn

import gone_a
import gone_a.deep.deeper as deeper
from gone_a import nms, InterpolationMode
from gone_b.layers import DropPath, to_2tuple, trunc_normal_
from gone_b.everything import *
from gone_c.utils.registry import ARCH_REGISTRY, Registry
from gone_c.logger import get_root_logger

logger = get_root_logger("net")
MODE = InterpolationMode.BICUBIC
TO_TENSOR = gone_a.transforms.Compose([gone_a.transforms.ToTensor() for _ in range(2)])
MINE = Registry("mine")
DropPath.__repr__ = lambda self: "drop"
Path10 = functools.partial(DropPath, drop_prob=0.1)
Image = Union[DropPath, None]


class Mixed(DropPath, nn.Module, metaclass=abc.ABCMeta):
    mode: Optional[InterpolationMode] = MODE


class Keyed(gone_a.Base, key=1):
    pass


@MINE.register(name="y")
@ARCH_REGISTRY.register()
@ARCH_REGISTRY.register
class Registered(nn.Module):
    def __init__(self, n: deeper.Number[int] = 3, image: "Image" = None):
        super().__init__()


@gone_a.jit(nopython=True)
def fast(x):
    return x

assert isinstance(Registered(), nn.Module), "a registry gives back the class"
assert not isinstance(Registered(), (DropPath, Mixed))
"""


@pytest.fixture(autouse=True)
def _own_import(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    yield
    for name in [one for one in sys.modules if one.startswith("gone_")]:
        del sys.modules[name]


def test_what_real_code_does_with_its_imports_while_it_is_imported_passes(load_guest: LoadGuest) -> None:
    guest = load_guest(IMPORTS + NET, stub_missing=True)
    assert guest.stubs == ("gone_a", "gone_b", "gone_c")
    assert "gone_b is not installed and was replaced by a stub (--stub-missing)" in guest.notes
    assert guest.model(EAGER_FP32)(torch.rand(1, 3, 4, 4)).shape == (1, 3, 8, 8)
    assert not [name for name in sys.modules if name.startswith("gone_")]


USES = {
    "DropPath(0.1)": "gone_b.layers.DropPath was called, but gone_b is not installed",
    "Path10()": "gone_b.layers.DropPath was called",
    "Mixed()": "gone_b.layers.DropPath was needed as a base of Mixed",
    "trunc_normal_(torch.zeros(2), std=.02)": "gone_b.layers.trunc_normal_ was called",
    "gone_a.ops.nms(1, 2)": "gone_a.ops.nms was called",
    "nms[0]": "gone_a.nms was subscripted",
    "TO_TENSOR(1)": r"gone_a.transforms.Compose\(\) was called",
    "logger.info('loaded')": r"gone_c.logger.get_root_logger\(\).info was called",
    "fast(1)": r"gone_a.jit\(\)\(\) was called",
    "1 + MODE": "gone_a.InterpolationMode.BICUBIC was computed with",
    "MODE == 'bicubic'": "gone_a.InterpolationMode.BICUBIC was compared",
    "list(nms)": "gone_a.nms was taken for a collection",
    "not nms": "gone_a.nms was tested for its truth",
    "ARCH_REGISTRY.get('x')": "gone_c.utils.registry.ARCH_REGISTRY.get was called",
}


@pytest.mark.parametrize("use", USES)
def test_the_first_use_raises_with_the_name(load_guest: LoadGuest, use: str) -> None:
    source = f"{IMPORTS}{NET}\ndef used():\n    {use}\n    return Net()\n"
    with pytest.raises(StubUsedError, match=USES[use]) as caught:
        load_guest(source, entry="arch:used", stub_missing=True)
    assert "was replaced by a stub (--stub-missing); install gone_" in reason_of(caught.value)


def test_what_a_package_says_of_itself_is_no_name_of_it(load_guest: LoadGuest) -> None:
    with pytest.raises(
        AttributeError, match="gone_a is not installed and was replaced by a stub, which has no __version__"
    ):
        load_guest(f"import gone_a\nfrom torch import nn\nassert gone_a.__version__ > '1'\n{NET}", stub_missing=True)


GUARDED = """
from importlib.util import find_spec
from torch import nn

had = []
import gone_a                     # plainly first: a stub is there
try:
    import gone_a
    had.append("a")
except ImportError:
    pass
try:
    from gone_b.deep import thing
    had.append("b")
except (ImportError, AttributeError):
    thing = None
try:
    import helper                 # which imports one plainly
    had.append("helper")
except Exception:
    helper = None
try:
    from gone_d import new as one
except ImportError:
    from gone_d.old import one    # the usual fallback is wanted all the same

assert had == [], had
assert find_spec("gone_a") is None and find_spec("gone_e") is None
"""


def test_a_guarded_import_fails_as_ever_wherever_it_stands(load_guest: LoadGuest, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "helper.py").write_text("import gone_c\n")
    assert load_guest(GUARDED + NET, stub_missing=True).stubs == ("gone_a", "gone_d")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import torch.gone", "torch.gone"),
        ("from torch import gone_name", "gone_name"),
        ("from .gone_part import x", "relative import"),
        ("import importlib; importlib.import_module('gone_a')", "gone_a"),
        ("import installed.part", "installed.part"),
    ],
)
def test_no_stub_for_a_part_of_what_is_there(load_guest: LoadGuest, tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "team" / "installed").mkdir(parents=True)
    (tmp_path / "team" / "installed" / "__init__.py").touch()
    with pytest.raises(ImportError, match=name):
        load_guest(f"{line}\nfrom torch import nn\n{NET}", stub_missing=True)
    sys.modules.pop("installed", None)


def test_no_package_is_stubbed_for_the_first_time_once_the_model_is_loaded(load_guest: LoadGuest) -> None:
    source = "import gone_a\nfrom torch import nn\n" + NET.replace("return nn", "import gone_a, gone_b; return nn")
    guest = load_guest(source, stub_missing=True)
    with pytest.raises(ModuleNotFoundError, match="gone_b"):
        forward(guest, torch.rand(1, 3, 4, 4), EAGER_FP32)
    assert guest.stubs == ("gone_a",)


def test_without_the_option_the_reason_offers_it(load_guest: LoadGuest) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        load_guest("import gone_a\n")
    reason = reason_of(caught.value)
    assert reason.startswith("ModuleNotFoundError: No module named 'gone_a'. It is neither in the submission nor")
    assert "--with-requirements" in reason
    assert "--stub-missing" in reason
    assert "--stub-missing" not in reason_of(ModuleNotFoundError("No module named 'torch.x'", name="torch.x"))
