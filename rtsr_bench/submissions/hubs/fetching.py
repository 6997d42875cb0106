"""Bringing an address on a hub to this machine, once for each commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.cache import cache_folder
from rtsr_bench.files.fetch import bring, trouble_writing
from rtsr_bench.files.held import HeldFolder, sweep_held
from rtsr_bench.submissions.hubs import github, huggingface
from rtsr_bench.submissions.hubs.address import Address, Fetched
from rtsr_bench.text import ascii_safe

Tell = Callable[[str], object]

_ANSWER_BYTES = 64 * 1024**2
_WORK = ".asking-"


def fetched(address: Address, *, tell: Tell) -> Fetched:
    """Fetch the files of an address into the cache, unless they are there already, and return their place.

    `tell` gets the commit that an address without one stands for now, and what is fetched.
    UserError, one line, if it is not available or holds what no submission may; HarnessError if the cache cannot be
    written.
    """
    shelf = cache_folder() / "repositories" / address.hub / address.owner
    with trouble_writing(shelf / address.name):
        shelf.mkdir(parents=True, exist_ok=True)
        sweep_held(shelf, _WORK)
        with HeldFolder(shelf, _WORK) as work:

            def ask(url: str) -> bytes:
                return bring(url, work.path / "answer", limit=_ANSWER_BYTES).read_bytes()

            pinned = address
            if not address.is_pinned:
                pinned = address.at(_hub(address).commit_of(address, ask))
                which = f"{address.version} is" if address.version else "the current commit is"
                tell(f"{address}: {which} {pinned.version}; {pinned} names it")
            place = _hub(address).files_of(pinned, shelf / address.name / pinned.version, ask, tell)
    inside = place / pinned.path
    if not inside.exists():
        there = sorted(path.name for path in place.iterdir())[:6]
        raise UserError(
            f"{pinned}: expected a file or folder of that path in the repository, found none; at its top are "
            f"{ascii_safe(', '.join(there))}"
        )
    return Fetched(address=pinned, place=inside)


def _hub(address: Address) -> Any:
    """The module that knows a hub: `commit_of(address, ask)` and `files_of(address, shelf, ask, tell)`."""
    return {"gh": github, "hf": huggingface}[address.hub]
