"""A file that is a submission by itself: weights that name their architecture, or a graph."""

from __future__ import annotations

import shutil
from pathlib import Path

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.cache import cache_folder
from rtsr_bench.files.hashing import file_sha256
from rtsr_bench.files.writing import replacing
from rtsr_bench.formats import FORMATS
from rtsr_bench.submissions.digest import folder_digest
from rtsr_bench.submissions.manifest import MANIFEST, id_from_name
from rtsr_bench.submissions.submission import CheckpointFile, ModelSpec, Submission
from rtsr_bench.text import ascii_safe

_BESIDE = ("{name}.data", "{name}_data", "{stem}.data")
"""Names that exporters give to the second file of a graph whose weights lie outside of it."""


def loose_suffixes() -> dict[str, str]:
    """Return the formats whose file alone is a submission, by suffix."""
    return {suffix: form.name for form in FORMATS.all().values() for suffix in form.alone}


def loose_suffix(path: Path) -> str | None:
    """Return the suffix that makes a file a submission by itself; None for any other file."""
    return path.suffix if path.suffix.lower() in loose_suffixes() else None


def loose(source: Path, *, label: str) -> Submission:
    """Return a submission of one model that is this file, whose scale is found by running it.

    A copy in the cache, named by its SHA-256, serves as the submission's folder. UserError where the file can't
    be read or its name gives no id; HarnessError where the cache can't be written.
    """
    name = id_from_name(source.stem)
    if name is None:
        raise UserError(
            f"{label}: expected a name that gives an id (a-z, 0-9, _ and -), found none in it; rename it, or put it "
            f"into a folder with a {MANIFEST}"
        )
    beside = [source.with_name(one.format(name=source.name, stem=source.stem)) for one in _BESIDE]
    folder = cache_folder() / "loose" / file_sha256(source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (source, *(one for one in beside if one.is_file())):
            copy = folder / path.name
            if not copy.is_file() or file_sha256(copy) != file_sha256(path):
                with path.open("rb") as file, replacing(copy) as target:
                    shutil.copyfileobj(file, target)
    except OSError as error:
        raise HarnessError(
            f"{label}: cannot be copied to {ascii_safe(str(folder))}: {error.strerror or error}; make room there or "
            "set RTSR_BENCH_CACHE to another folder"
        ) from error
    form = loose_suffixes()[source.suffix.lower()]
    model = ModelSpec(submission=name, scale=None, format=form, checkpoint=CheckpointFile(name=source.name))
    return Submission(
        id=name,
        team=name,
        title=ascii_safe(source.name)[:100],
        folder=folder.absolute(),
        source=source,
        models=(model,),
        digest=folder_digest(folder, label=label),
    )
