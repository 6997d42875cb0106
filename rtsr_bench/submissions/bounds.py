"""How much may be handed in, whether as a folder or out of an archive: each child gets a copy of all of it."""

MAX_FILES = 10_000
"""Files and folders."""

MAX_BYTES = 4 * 1024**3
