"""Submissions to look at, and a cache of the test's own to unpack them in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SMALLEST = """
[submission]
team = "Team X"
title = "XNet"

[[model]]
scale = 2
"""

FORBIDDEN = "raise SystemExit('a guest was imported')\n"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache that archives are unpacked in."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[..., Path]:
    """Write a submission whose code must never run: `hand_in("team_x", manifest)`; None for no manifest."""

    def write(name: str = "team_x", manifest: str | bytes | None = SMALLEST, *, parent: Path = tmp_path) -> Path:
        folder = parent / name
        folder.mkdir(parents=True)
        (folder / "arch.py").write_text(FORBIDDEN)
        if isinstance(manifest, str):
            manifest = manifest.encode()
        if manifest is not None:
            (folder / "submission.toml").write_bytes(manifest)
        return folder

    return write
