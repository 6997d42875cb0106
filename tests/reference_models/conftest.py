"""The shipped models, one at a time, and RT4KSR's own module."""

from __future__ import annotations

from types import ModuleType

import pytest
from shipped import CASES, ROOT, Case, load_arch


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="session")
def rt4ksr() -> ModuleType:
    return load_arch(ROOT / "reference_models" / "rt4ksr")
