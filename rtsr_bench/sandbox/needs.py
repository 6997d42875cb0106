"""What a system must have so that a guest's code can be run on it; the rest of the package does without."""

from __future__ import annotations

import importlib
import os
import platform

from rtsr_bench.errors import UserError

_MODULES = ("fcntl", "resource")
_CALLS = ("fork", "setsid", "killpg", "pwrite", "preadv")


def why_not() -> str:
    """Say in one line why no guest can be run on this system; empty where one can."""
    lacking = [name for name in _MODULES if not _imports(name)]
    lacking += [f"os.{name}" for name in _CALLS if not hasattr(os, name)]
    if not lacking:
        return ""
    return (
        f"models cannot be run on this system ({platform.system()}): expected {', '.join(lacking)}, as on Linux, found "
        "none; run this command on Linux, and `report`, `tracks` and `data` anywhere"
    )


def require_system() -> None:
    """Raise UserError where no guest can be run on this system."""
    if said := why_not():
        raise UserError(said)


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True
