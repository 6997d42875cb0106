"""The `requirements.txt` of a submission: read as text, compared with what is installed, never installed from here."""

from __future__ import annotations

import codecs
import os
import re
import site
import sysconfig
from importlib import metadata
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.submissions.folder import read_bounded
from rtsr_bench.text import ascii_safe

REQUIREMENTS = "requirements.txt"
MAX_BYTES = 64 * 1024
MAX_LINES = 500

NOT_COMPARED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What `packaging` raises on a stranger's line: its own errors, and Python's for markers and numbers it trips over."""

_DISTRIBUTIONS = {"cv2": "opencv-python", "skimage": "scikit-image", "PIL": "pillow", "yaml": "PyYAML",
                  "sklearn": "scikit-learn", "mamba_ssm": "mamba-ssm"}  # fmt: skip
"""Packages whose module has another name."""


def read_requirements(folder: Path, *, label: str) -> tuple[str, ...]:
    """Return its lines without comments and blank lines, () where there is none; UserError where it is no such list.

    UTF-8, or UTF-16 with a byte order mark (what a Windows shell writes); lines continued with a backslash are joined.
    """
    if not os.path.lexists(folder / REQUIREMENTS):
        return ()
    raw = read_bounded(folder, REQUIREMENTS, limit=MAX_BYTES, label=label)
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(
            f"{label}: {REQUIREMENTS}: expected text in UTF-8, found other bytes; save it as UTF-8"
        ) from None
    lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in re.sub(r"\\\r?\n", " ", text).splitlines()]
    kept = tuple(ascii_safe(line) for line in lines if line)
    if len(kept) > MAX_LINES:
        raise UserError(
            f"{label}: {REQUIREMENTS}: expected at most {MAX_LINES} requirements, found {len(kept)}; "
            "list only what the model imports"
        )
    return kept


def distribution_of(text: str) -> str:
    """Return the name under which pip knows a requirement's line or a module."""
    name = re.split(r"[\s\[<>=!~;@(]", text.strip(), maxsplit=1)[0]
    return _DISTRIBUTIONS.get(name, name)


def canonical_name(text: str) -> str:
    """Return that name as package indexes compare names (PEP 503): lower case, `-` for every run of `-`, `_`, `.`."""
    return re.sub(r"[-_.]+", "-", distribution_of(text)).lower()


def unmet(requirements: tuple[str, ...]) -> tuple[str, ...]:
    """Say of each requirement that is not met here what was asked for and what is installed, a few words each.

    What can't be compared (options, addresses, local paths, markers that compare what can't be) is said to be so;
    markers for other systems are heeded.
    """
    found = ((line, _lack(line)) for line in requirements)
    return tuple(f"{line[:80]} ({lack})" for line, lack in found if lack)


def _unseen(found: metadata.Distribution) -> str:
    """Say where a package is that a model will not see, empty for one that it will.

    Models run isolated (`python -I`): without `PYTHONPATH` and the user's own site.
    """
    place = os.path.realpath(str(found.locate_file("")))
    seen = {*site.getsitepackages(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    unseen = {*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), site.getusersitepackages()}
    if place in map(os.path.realpath, seen) or place not in map(os.path.realpath, unseen):
        return ""
    return f"installed in {ascii_safe(place)[:120]} only, which models do not see: install it into the environment"


def _lack(line: str) -> str:
    """What is wrong with one requirement here, empty where nothing is."""
    # It comes along with scikit-image, and only submissions with requirements want it.
    from packaging.requirements import Requirement

    try:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate():
            return ""
        found = metadata.distribution(wanted.name)
        if not wanted.specifier.contains(found.version, prereleases=True):
            return f"installed: {found.version}"
        return _unseen(found)
    except metadata.PackageNotFoundError:
        return "not installed"
    except NOT_COMPARED:
        return "not compared"
