"""From what a manifest says about weights to a file on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

from msgspec.structs import replace

from rtsr_bench.errors import UserError
from rtsr_bench.execution import EAGER_FP32, Execution
from rtsr_bench.formats import FORMATS
from rtsr_bench.submissions.submission import CheckpointFile, CheckpointRecipe, ModelSpec, Submission
from rtsr_bench.wire import LoadModel

FETCH_S = 600.0
"""Seconds that weights may take to come; what came by then is kept, and the next run goes on with it."""


def resolve_checkpoint(spec: ModelSpec, submission: Submission) -> Path | None:
    """Return the absolute path of a model's weights, None where the manifest names none.

    A recipe is taken from the cache, a mirror folder or its address, and believed only with its SHA-256;
    UserError if it is not available.
    """
    match spec.checkpoint:
        case None:
            return None
        case CheckpointFile(name=name):
            return (submission.folder / name).absolute()
        case CheckpointRecipe(url=url, sha256=sha256, name=name):
            # Fetching brings an HTTP client along; most submissions carry their weights with them.
            from rtsr_bench.files.fetch import Recipe, obtain

            return obtain(Recipe(url=url, sha256=sha256, name=name), within_s=FETCH_S).absolute()


def weights_available(spec: ModelSpec) -> bool:
    """Whether the weights of a model need no download, judged by file names: no file is read."""
    if not isinstance(spec.checkpoint, CheckpointRecipe):
        return True
    from rtsr_bench.files.cache import MIRROR_VARIABLE, cache_folder, folders_of
    from rtsr_bench.files.fetch import Recipe

    recipe = Recipe(url=spec.checkpoint.url, sha256=spec.checkpoint.sha256, name=spec.checkpoint.name)
    if (cache_folder() / "files" / recipe.sha256 / recipe.file_name).is_file():
        return True
    try:
        return any((folder / recipe.file_name).is_file() for folder in folders_of(MIRROR_VARIABLE))
    except UserError:  # a folder that is none: said when the weights are asked for
        return False


def checkpoint_sha256(spec: ModelSpec, submission: Submission) -> str:
    """Return the SHA-256 of a model's weights without fetching them, empty if the manifest names none.

    UserError if they cannot be read.
    """
    match spec.checkpoint:
        case None:
            return ""
        case CheckpointFile(name=name):
            try:
                with (submission.folder / name).open("rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise UserError(
                    f"{spec.id}: expected readable weights at {name}, found: {error.strerror}; restore the file"
                ) from None
        case CheckpointRecipe(sha256=sha256):
            return sha256


def load_request(
    spec: ModelSpec,
    submission: Submission,
    checkpoint: Path | None,
    *,
    allow_pickle: bool = False,
    stub_missing: bool = False,
    execution: Execution = EAGER_FP32,
) -> LoadModel:
    """Return what the child needs to load a model: folder, entry, arguments, weights, range.

    With `allow_pickle` it may read weights that are more than data: only for a child in a sandbox. With
    `stub_missing` packages that are not installed are replaced with stubs. `execution` is the one that the model
    will be run under.
    """
    return replace(
        FORMATS.find(spec.format).request(spec, submission.folder, checkpoint),
        packages=submission.packages,
        allow_pickle=allow_pickle,
        stub_missing=stub_missing,
        execution=execution,
    )
