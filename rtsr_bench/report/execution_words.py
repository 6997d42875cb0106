"""How a model was run, in words and facts for its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtsr_bench.division import Division, is_plain_eager
from rtsr_bench.leaderboard import fidelity_means
from rtsr_bench.record import Fidelity
from rtsr_bench.report.text import number, shorten

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row
    from rtsr_bench.record import Record

WORDS_LENGTH = 60


def execution_facts(row: Row) -> list[dict[str, Any]]:
    """Execution, loss and set-up as facts of a page; only the set-up, if there was one, outside the open division."""
    facts: list[dict[str, Any]] = []
    if row.division is Division.OPEN and row.execution is not None:
        backend, _, rest = row.execution.words.partition(", ")
        facts.append(_fact("Execution", shorten(backend, WORDS_LENGTH), shorten(rest, WORDS_LENGTH)))
    if row.division is Division.OPEN and row.loss_db is not None:
        facts.append(_fact("Loss", f"{number(row.loss_db, 3, signed=True)} dB", "against eager fp32"))
    if row.record.setup is not None:
        facts.append(_fact("Set-up", f"{number(row.record.setup.seconds, 1)} s", _setup_size(row.record)))
    return facts


def setup_words(record: Record) -> str:
    """The set-up of a record with all its numbers; empty if its execution needs none."""
    if record.setup is None:
        return ""
    return ", ".join(filter(None, (f"{number(record.setup.seconds, 2)} s", _setup_size(record))))


def fidelity_words(row: Row) -> str:
    """The execution that fidelity was measured under, and PSNR under eager fp32 beside it."""
    if not isinstance(row.record.fidelity, Fidelity):
        return ""
    precision = row.record.fidelity.precision.value
    if row.execution is None or (row.division is not Division.OPEN and is_plain_eager(row.record)):
        return " ".join(filter(None, (f"In {precision}, the timed precision.", _fp32_words(row))))
    said = f"Under the timed execution: {shorten(row.execution.words, WORDS_LENGTH)}."
    full = row.fidelity.psnr_db.get(row.scored_under) if row.fidelity else None
    if full is None or row.loss_db is None:
        return said
    return (
        f"{said} Under eager fp32 the PSNR is {number(full + row.loss_db, 3)} dB"
        f" ({number(row.loss_db, 4, signed=True)} dB compared with the timed execution)."
    )


def _setup_size(record: Record) -> str:
    """Size of the graph and rise of memory, as far as they are known."""
    setup = record.setup
    if setup is None:
        return ""
    said = [f"graph {_mib(setup.graph_bytes)}"] if setup.graph_bytes else []
    said += [f"peak memory {_mib(setup.peak_bytes)}"] if setup.peak_bytes is not None else []
    return ", ".join(said)


def _mib(size: int) -> str:
    return f"{number(size / 2**20, 1)} MiB"


def _fact(label: str, value: str, small: str) -> dict[str, Any]:
    return {"label": label, "value": value, "small": small, "band": None}


def _fp32_words(row: Row) -> str:
    """PSNR in fp32 compared with the timed precision, under the score's convention."""
    full = row.record.fidelity_fp32
    if not isinstance(full, Fidelity) or row.fidelity is None or not full.images:
        return ""
    there, here = fidelity_means(full.images).psnr_db.get(row.scored_under), row.fidelity.psnr_db.get(row.scored_under)
    if there is None or here is None:
        return ""
    return (
        f"In fp32 the PSNR is {number(there, 3)} dB ({number(there - here, 4, signed=True)} dB compared with the timed"
        " precision)."
    )
