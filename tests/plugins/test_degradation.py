"""A degradation is added from outside by one file, and is then named like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtsr_bench import plugins
from rtsr_bench.errors import UserError
from rtsr_bench.images.degrade import degrade, parse_degradation

DUMMY = Path(__file__).with_name("levels.py")


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugins.ENVIRONMENT, str(DUMMY))


@pytest.mark.usefixtures("added")
def test_one_file_adds_a_degradation() -> None:
    hr = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    lr = degrade(hr, 2, "pillow-bicubic+levels4")
    assert lr.shape == (12, 16, 3)
    assert set(np.unique(lr)) == {0, 85, 170, 255}
    assert parse_degradation("pillow-bicubic+levels4+jpeg90").sentence == (
        "Pillow bicubic, antialiased, then 4 levels a channel, then JPEG quality 90 4:2:0"
    )
    assert plugins.python_files() == (DUMMY,)


@pytest.mark.usefixtures("added")
def test_its_form_stands_in_the_message_for_a_name_that_is_none() -> None:
    with pytest.raises(UserError, match=r"\+levelsN \(N 2\.\.199\)") as caught:
        parse_degradation("pillow-bicubic+levels1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("returned", "found"),
    [("image[::2]", r"found uint8 \(6, 16, 3\)"), ("image / 2", "found float64"), ("None", "found NoneType")],
)
def test_one_that_gives_no_lr_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, returned: str, found: str
) -> None:
    name = f"broken{len(found)}"
    (tmp_path / "broken.py").write_text(
        "from rtsr_bench.images.degradations import DEGRADATIONS, Effect\n"
        f"DEGRADATIONS.add(Effect(name={name!r}, settings='', form='x', words=str,\n"
        f"                        alter=lambda image, settings, seed: {returned}))\n"
    )
    monkeypatch.setenv(plugins.ENVIRONMENT, str(tmp_path / "broken.py"))
    with pytest.raises(UserError, match=found) as caught:
        degrade(np.zeros((24, 32, 3), np.uint8), 2, f"pillow-bicubic+{name}")
    assert "correct its plug-in" in str(caught.value)
    assert "\n" not in str(caught.value)
