"""What is submitted: manifests, layouts and archives, read without importing or running any of it."""

from rtsr_bench.submissions.checkpoint import checkpoint_sha256, load_request, resolve_checkpoint, weights_available
from rtsr_bench.submissions.claims import Note
from rtsr_bench.submissions.discovery import Survey, discover, survey
from rtsr_bench.submissions.environment import with_packages
from rtsr_bench.submissions.requirements import unmet
from rtsr_bench.submissions.skeleton import create_skeleton
from rtsr_bench.submissions.submission import CheckpointFile, CheckpointRecipe, CheckpointRef, ModelSpec, Submission

__all__ = [
    "CheckpointFile",
    "CheckpointRecipe",
    "CheckpointRef",
    "ModelSpec",
    "Note",
    "Submission",
    "Survey",
    "checkpoint_sha256",
    "create_skeleton",
    "discover",
    "load_request",
    "resolve_checkpoint",
    "survey",
    "unmet",
    "weights_available",
    "with_packages",
]
