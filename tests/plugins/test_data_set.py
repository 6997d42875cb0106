"""A data set is added from outside by one file, and is then found, fetched and verified by its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtsr_bench import plugins
from rtsr_bench.datasets import Dataset, Missing, find_dataset, known_sets
from rtsr_bench.datasets.collect import collect
from rtsr_bench.datasets.recipes import published
from rtsr_bench.errors import UserError

DUMMY = Path(__file__).with_name("toy_set.toml")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def frames(folder: Path, count: int = 2) -> Path:
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 48, 3), dtype=np.uint8)
        for part, image in (("GT", pixels), ("LR2", pixels[::2, ::2])):
            (folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / part / f"{number}.png")
    return folder


def test_one_file_adds_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugins.ENVIRONMENT, str(DUMMY))
    assert "toy" in [recipe.id for recipe in known_sets()]
    missing = find_dataset("toy", scale=2, degradation="files")
    assert isinstance(missing, Missing)
    assert missing.hint == "put ToyFrames/ into a folder given with --data-root"
    frames(tmp_path / "data" / "ToyFrames")
    found = find_dataset("toy", scale=2, degradation="files", roots=[tmp_path / "data"])
    assert isinstance(found, Dataset)
    assert (found.title, len(found.pairs), found.verified) == ("Toy frames", 2, False)
    assert plugins.toml_files("set") == (DUMMY,)


def test_its_files_are_fetched_and_compared_with_their_hashes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = frames(tmp_path / "origin")
    pins = "".join(
        f'"{path.relative_to(origin).as_posix()}" = "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n'
        for path in sorted(origin.rglob("*.png"))
    )
    recipe = tmp_path / "pinned.toml"
    recipe.write_text(f'[set]\nid = "pinned"\ntitle = "Pinned"\nbase_url = "{origin.as_uri()}"\n\n[files]\n{pins}')
    monkeypatch.setenv(plugins.ENVIRONMENT, str(recipe))
    assert collect(published()["pinned"], scales=[2]) == cache / "data" / "pinned"
    found = find_dataset("pinned", scale=2, degradation="files")
    assert isinstance(found, Dataset)
    assert found.verified
    (cache / "data" / "pinned" / "GT" / "0.png").write_bytes((origin / "GT" / "1.png").read_bytes())
    found = find_dataset("pinned", scale=2, degradation="files")
    assert isinstance(found, Dataset)
    assert not found.verified
    assert "1 of 4 files differ from their hash" in found.note


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ('id = "set5"\ntitle = "Mine"', "'set5' is the name of a published data set"),
        ('id = "mine"\ntitle = "open4k"', "'open4k' is the name of a published data set"),
        ('id = "mine"\ntitle = "Mine"\nnames = ["Urban100"]', "'Urban100' is the name of a published data set"),
        ('id = "mine"\ntitle = "Mine"\nrendered = true', "unknown key 'rendered'"),
        ('id = "mine"\ntitle = "Mine"\ncache = "../elsewhere"', "expected a path within the folder of fetched data"),
        ('id = "mine"\ntitle = "Mine"\nnames = "Mine"', "names: expected an array of texts, found the text 'Mine'; "),
        ('id = "mine"', "title: expected a line of text of at most 200 characters, found nothing"),
        ("id = ", "expected TOML, found a mistake"),
    ],
)
def test_a_recipe_that_breaks_the_form_or_takes_a_name_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str, said: str
) -> None:
    (tmp_path / "mine.toml").write_text(f"[set]\n{head}\n")
    monkeypatch.setenv(plugins.ENVIRONMENT, str(tmp_path / "mine.toml"))
    with pytest.raises(UserError, match=said) as caught:
        known_sets()
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
