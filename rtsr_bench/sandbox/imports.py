"""What the child's interpreter would import from outside of its environment: packages installed as editable, mostly.

Such an installation is a line in a `.pth` file, an egg-link or a finder that leads to a folder of sources. The child is
started isolated (`python -I`): `PYTHONPATH` and the user's own site never count, at any level.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

_LOOK = """
import importlib.machinery as machinery, importlib.metadata as metadata, importlib.util as util, json, sys
named = set()
for one in metadata.distributions():
    try:
        if json.loads(one.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable"):
            named |= {*(one.read_text("top_level.txt") or "").split(), one.name.replace("-", "_")}
    except (OSError, ValueError, AttributeError, TypeError):
        pass
for finder in sys.meta_path:
    module = sys.modules.get(getattr(finder, "__module__", None) or "")
    for known in (getattr(module, "MAPPING", None), getattr(finder, "_redirections", None)):
        named |= {str(name) for name in known} if isinstance(known, dict) else set()
places = []
for name in sorted(named):
    try:
        spec = util.find_spec(name) if name.isidentifier() else None
    except (ImportError, AttributeError, ValueError, OSError):
        continue
    if spec is not None:
        places += spec.submodule_search_locations or ([spec.origin] if spec.origin else [])
endings = list(machinery.all_suffixes())
path = [one for one in sys.path if one]
print(json.dumps({"path": path, "places": [str(one) for one in places], "endings": endings}))
"""
"""Asks the interpreter itself; finding a top-level module runs none of its code."""

_LIMIT_S = 60.0
_MOST = 1000
_INSTALLED = ("site-packages", "dist-packages")
_METADATA = (".dist-info", ".egg-info")


def outside(executable: str, readable: Sequence[Path]) -> tuple[Path, ...]:
    """Return files and folders to import from that lie in none of the `readable` folders, each where it is looked for.

    Of a folder on the path only its packages, modules and their metadata, so that what else lies beside sources stays
    out of reach; nothing of a folder that holds this package's sources. Of another environment's folder of packages
    everything but this package, because wheels keep libraries beside their packages. Empty where the interpreter does
    not answer.
    """
    try:
        done = subprocess.run(
            [executable, "-I", "-B", "-c", _LOOK],
            capture_output=True,
            timeout=_LIMIT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        said = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return ()
    roots = [folder.resolve() for folder in readable]
    found = [Path(place) for place in said["places"]]
    for entry in map(Path, said["path"]):
        if _within(entry, roots):
            continue
        found += [entry] if entry.is_file() else _importable(entry, tuple(said["endings"]))
    kept = [path for path in dict.fromkeys(found) if path.is_absolute() and path.exists() and not _within(path, roots)]
    return tuple(path for path in kept if path.name != _OWN)


_OWN = __name__.partition(".")[0]


def _within(path: Path, roots: Sequence[Path]) -> bool:
    real = path.resolve()
    return any(real.is_relative_to(root) for root in roots)


def _importable(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    installed = folder.name in _INSTALLED
    if (folder / _OWN).is_dir() and not installed:  # a checkout of this project, with records, submissions and tests
        return []
    try:
        entries = sorted(folder.iterdir())[:_MOST]
    except OSError:
        return []
    if installed:
        return entries
    return [
        entry
        for entry in entries
        if entry.name.endswith((*endings, *_METADATA)) or any((entry / f"__init__{end}").is_file() for end in endings)
    ]
