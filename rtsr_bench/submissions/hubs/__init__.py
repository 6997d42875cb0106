"""Submissions on GitHub (`gh:ORG/NAME@COMMIT#path`) and Hugging Face (`hf:ORG/NAME@COMMIT#path`), kept in the cache."""

from __future__ import annotations

from rtsr_bench.submissions.hubs.address import Address, Fetched, is_address
from rtsr_bench.submissions.hubs.fetching import fetched

__all__ = ["Address", "Fetched", "fetched", "is_address"]
