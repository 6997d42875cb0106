"""Which names an archive's members may have: inside the folder, portable, and each one only once."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from rtsr_bench.files.table import shown
from rtsr_bench.text import one_line

MAX_NAME = 240
MAX_PART = 120
MAX_DEPTH = 16


class Refused(Exception):  # noqa: N818 - it says what the archive is; the unpacker makes it the user's one line
    """The archive holds what a submission may not hold; the text completes "found ..."."""


def safe_name(raw: str) -> PurePosixPath | None:
    """Return a member's relative path, None for the archive's own root; Refused for a name that may not be written."""
    name = raw.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or (len(name) > 1 and name[1] == ":" and name[0].isalpha()):
        raise Refused(f"the absolute path {shown(raw)}")
    if ".." in parts:
        raise Refused(f"a path out of the folder, {shown(raw)}")
    if not one_line(name):
        raise Refused(f"control characters in the name {shown(raw)}")
    if len(name.encode()) > MAX_NAME or any(len(part.encode()) > MAX_PART for part in parts) or len(parts) > MAX_DEPTH:
        raise Refused(f"a name that is too long or too deep, {shown(raw)}")
    return PurePosixPath(*parts) if parts else None


class Taken:
    """The names of an archive so far: no file twice, none that differs only in case or in how an accent is written."""

    def __init__(self) -> None:
        self._spelling: dict[str, str] = {}
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, path: PurePosixPath, *, is_file: bool) -> None:
        """Take a name with its folders; Refused where it clashes with an earlier one."""
        for depth in range(1, len(path.parts) + 1):
            whole = depth == len(path.parts)
            spelled = "/".join(path.parts[:depth])
            key = unicodedata.normalize("NFC", spelled).casefold()
            earlier = self._spelling.setdefault(key, spelled)
            if earlier != spelled:
                raise Refused(f"names that differ only in case, {shown(earlier)} and {shown(spelled)}")
            if key in self._files:
                raise Refused(f"the name {shown(spelled)} twice")
            if not (whole and is_file):
                self._folders.add(key)
            elif key in self._folders:
                raise Refused(f"the name {shown(spelled)} as a file and as a folder")
            else:
                self._files.add(key)
