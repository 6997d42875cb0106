"""Things beside submissions that somebody seems to have submitted: they are refused by name and never passed over."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from rtsr_bench.files.unpack import ARCHIVES
from rtsr_bench.submissions.loose import loose_suffixes
from rtsr_bench.text import ascii_safe

_OTHER_ARCHIVES = (".rar", ".7z", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".gz", ".xz", ".bz2", ".zst")
_CODE = (".py", ".ipynb")
_MOST = 2_000
"""Files of a folder that are looked at."""


def why_refused(path: Path, *, expected: str) -> str | None:
    """Say what is wrong with a file or folder that seems submitted but is no submission; None if it seems not to be.

    `expected` names the files that make a folder a submission.
    """
    if path.is_dir():
        telling = (*loose_suffixes(), *_CODE)
        found = (one for one in islice(path.rglob("*"), _MOST) if one.name.lower().endswith(telling) and one.is_file())
        held = next(found, None)
        if held is None:
            return None
        name = ascii_safe(held.relative_to(path).as_posix())[:80]
        return (
            f"a folder without {expected} that holds {name}; add one of them, or name a file that is a submission by "
            "itself"
        )
    if path.name.lower().endswith(_OTHER_ARCHIVES):
        return f"an archive of a kind that is not read; pack it as one of {', '.join(ARCHIVES)}"
    return None
