"""The form of an address on a hub, and what one stands for on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from rtsr_bench.errors import UserError
from rtsr_bench.text import ascii_safe, one_line

HUBS = {"gh": "GitHub", "hf": "Hugging Face"}

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_FORM = re.compile(rf"(?P<hub>gh|hf):(?P<owner>{_PART})/(?P<name>{_PART})(@(?P<version>[^@#]+))?(#(?P<path>.+))?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,120}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A repository on a hub (`gh` or `hf`), a version of it, and a folder or file in it.

    `version` is a commit's 40 hex digits, or the name of a branch or tag; empty for the current commit. `path` is
    relative, with forward slashes; empty for the whole repository.
    """

    hub: str
    owner: str
    name: str
    version: str = ""
    path: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """Read an address; UserError where it has not the form."""
        match = _FORM.fullmatch(text)
        parts = match.groupdict("") if match else {}
        path = parts.get("path", "").strip("/")
        bad = match is None or ".." in path.split("/") or not one_line(path) or "\\" in path
        bad = bad or bool(parts["version"] and (not _VERSION.fullmatch(parts["version"]) or ".." in parts["version"]))
        if bad:
            raise UserError(
                f"{ascii_safe(text)}: expected gh:ORG/NAME or hf:ORG/NAME, with @COMMIT and #path where they are "
                "wanted, found another form; correct it"
            )
        return cls(**{**parts, "path": path})

    @property
    def is_pinned(self) -> bool:
        """Whether it names a commit, which always is the same files."""
        return bool(_COMMIT.fullmatch(self.version))

    @property
    def last(self) -> str:
        """The name of what it stands for: that of the folder or file, or else the repository's."""
        return self.path.rpartition("/")[2] or self.name

    def at(self, commit: str) -> Self:
        """Return the address of a commit."""
        return replace(self, version=commit)

    def below(self, relative: str) -> Self:
        """Return the address of something in the folder that this one stands for."""
        return replace(self, path="/".join(filter(None, (self.path, relative))))

    def __str__(self) -> str:
        version = f"@{self.version}" if self.version else ""
        return f"{self.hub}:{self.owner}/{self.name}{version}{f'#{self.path}' if self.path else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """Where the files of an address lie on this machine; `address` names the commit."""

    address: Address
    place: Path

    def address_of(self, path: Path) -> Address:
        """Return the address of a file or folder in it, itself included."""
        return self.address.below("" if path == self.place else path.relative_to(self.place).as_posix())


def is_address(path: Path) -> bool:
    """Whether a path that the user named is an address on a hub; an existing path of that name has priority."""
    return str(path).partition(":")[0].lower() in HUBS and ":" in str(path) and not path.exists()
