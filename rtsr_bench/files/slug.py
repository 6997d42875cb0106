"""Safe names for files, URLs and ids, derived from arbitrary text."""

from __future__ import annotations

import re
import unicodedata


def slug(text: str, *, most: int = 60, dashes: bool = False, empty: str = "unnamed") -> str:
    """A name of at most `most` characters from `a-z`, `0-9`, `-` and `_`; `empty` if nothing is left.

    Accents are removed, and every run of other characters becomes one dash. With `dashes`, for ids, the dashes and
    underscores of the text are kept.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    kept, ends = ("a-z0-9_-", "-") if dashes else ("a-z0-9_", "-_")
    return re.sub(f"[^{kept}]+", "-", plain).strip(ends)[:most].strip(ends) or empty
