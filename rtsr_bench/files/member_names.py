"""Rules for the names of archive members: inside the folder, portable, and unique."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from rtsr_bench.files.table import shown
from rtsr_bench.text import one_line

MAX_NAME = 240
MAX_PART = 120
MAX_DEPTH = 16


class Refused(Exception):  # noqa: N818 - it describes the archive; the unpacker turns it into a message
    """The archive holds something that is not allowed; the text completes "found ..."."""


def safe_name(raw: str) -> PurePosixPath | None:
    """Return a member's relative path, None for the archive's root; Refused for a name that is not allowed."""
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
    """The names of an archive so far: no duplicates, and none that differ only in case or Unicode form."""

    def __init__(self) -> None:
        self._spelling: dict[str, str] = {}
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, path: PurePosixPath, *, is_file: bool) -> None:
        """Add a name with its folders; Refused if it conflicts with an earlier one."""
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
