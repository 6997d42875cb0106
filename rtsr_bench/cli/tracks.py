"""`rtsr-bench tracks`: the tracks and their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rtsr_bench.cli.console import say
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from rtsr_bench.tracks import Track


@click.command("tracks", short_help="Show the tracks and their rules.")
@click.argument("track_id", metavar="[TRACK]", required=False)
def tracks_command(track_id: str | None) -> None:
    """List the tracks, or show one with all its rules."""
    from rtsr_bench.tracks import all_tracks, find_track

    if track_id is not None:
        say(_described(find_track(track_id)))
        return
    width = max(map(len, all_tracks()))
    for track in all_tracks().values():
        timed = track.protocol.input
        sets = ", ".join(track.protocol.data_sets)
        say(f"{track.id:<{width}}  x{track.scale}  timed at {timed!s:<9}  {sets}")
    say("\nrtsr-bench tracks TRACK shows one with all its rules; rtsr-bench data list shows which data are available.")


def _described(track: Track) -> str:
    from rtsr_bench.metric import known

    rules = track.protocol
    limits = rules.limits
    lines = {
        "scale": f"x{rules.scale}",
        "data sets": ", ".join(rules.data_sets),
        "degradation": f"{rules.degradation}{_in_words(rules.degradation)}",
        "metrics": ", ".join(one.title for one in known(rules.metrics)),
        "fidelity": "; ".join(c.words for c in track.headline) + "  (leaderboard)",
        "also recorded": "; ".join(c.words for c in rules.conventions if c not in track.headline),
        "timed input": f"{rules.batch} x 3 x {rules.input.height} x {rules.input.width} (N, C, H, W), random numbers",
        "precision": ", ".join(f"{kind}: {precision.value}" for kind, precision in rules.precision.items()),
        "warm-up, repeats": f"{rules.warmup}, {rules.repeats}",
        "limits": f"load {limits.load_s:g} s, image {limits.enhance_s:g} s, timing {limits.runtime_s:g} s, "
        f"counting {limits.complexity_s:g} s",
        "score": f"{track.score.formula} on PSNR {track.score.convention.words}; "
        "bicubic's PSNR is measured on the same images",
        "digest": rules.digest,
        "source": track.source,
    }
    body = "\n".join(f"  {name:<17} {value}" for name, value in lines.items() if value)
    return f"{track.id}: {track.heading}\n{track.summary}\n\n{body}"


def _in_words(degradation: str) -> str:
    """What a degradation does, in brackets; or that it is unknown; empty for LR files, whose text says it."""
    from rtsr_bench.datasets import degradation_words

    try:
        words = degradation_words(degradation)
    except UserError:
        return " (unknown: `run` refuses it unless a plug-in adds it)"
    return f" ({words})" if words else ""
