"""The `requirements.txt` of a submission: read as text, shown and checked elsewhere, never installed from here."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.submissions.folder import read_bounded
from rtsr_bench.submissions.table import ascii_safe

REQUIREMENTS = "requirements.txt"
MAX_BYTES = 64 * 1024
MAX_LINES = 500


def read_requirements(folder: Path, *, label: str) -> tuple[str, ...]:
    """Return its lines without comments and blank lines, () where there is none; UserError where it is no such list.

    UTF-8, or UTF-16 with a byte order mark (what a Windows shell writes); lines continued with a backslash are joined.
    """
    if not (folder / REQUIREMENTS).exists():
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
