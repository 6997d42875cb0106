"""Local files: atomic writes, locks, downloads, unpacking, the cache, and strict reading; one implementation each."""
