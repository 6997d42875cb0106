"""Running a model once to find the scale that no manifest gives."""

from __future__ import annotations

from collections.abc import Callable

from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.record import Failure
from rtsr_bench.submissions import ModelSpec, Submission, load_request, resolve_checkpoint


def find_scale(
    bench: Bench,
    submission: Submission,
    model: ModelSpec,
    *,
    limit_s: float,
    waiting: Callable[[str], None] = lambda _: None,
    more: bool = False,
) -> int | Failure:
    """Load a model in a child and run it once: its scale, or how it failed; `limit_s` seconds at most.

    With `more` a child is started for the next one that is needed on this bench.
    """
    with bench.lock.shared(waiting), bench.settled(), bench.start_child() as child:
        bench.start_ahead(untimed=more)
        checkpoint = resolve_checkpoint(model, submission)
        request = load_request(
            model, submission, checkpoint, allow_pickle=bench.allow_pickle, stub_missing=bench.stub_missing
        )
        loaded = child.ask(request, limit_s=limit_s)
        return loaded if isinstance(loaded, Failure) else loaded.scale
