"""Published results as data: tables of papers, shown for comparison and never ranked with measured rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from rtsr_bench.files.toml import read_toml
from rtsr_bench.report.tables import Column, Table, TableRow
from rtsr_bench.score import ntire23_rtsr


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedRow:
    """One row of a published table, as printed; None if the source has no value."""

    team: str
    score: float | None = None
    psnr_rgb_db: float | None = None
    psnr_y_db: float | None = None
    ssim_rgb: float | None = None
    runtime_ms: float | None = None
    params_m: float | None = None
    macs_g: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A published table: its track, source, device and notes for readers."""

    id: str
    track: str
    title: str
    source: str
    device: str
    baseline_psnr_rgb_db: float
    notes: tuple[str, ...]
    rows: tuple[PublishedRow, ...]

    def recomputed_score(self, row: PublishedRow) -> float | None:
        """Our formula on the printed (rounded) PSNR and runtime; None if one of them is not printed."""
        if row.psnr_rgb_db is None or row.runtime_ms is None:
            return None
        return ntire23_rtsr(row.psnr_rgb_db, self.baseline_psnr_rgb_db, row.runtime_ms)


@cache
def all_published() -> tuple[Published, ...]:
    """Every shipped published table, in the order of the ids."""
    folder = resources.files(__package__) / "published"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(_published(read_toml(file, what="published results")) for file in files)


def published_table(published: Published) -> Table:
    """A published table in our columns, by published score, with our formula's value next to the printed one."""
    columns = (
        Column(key="team", label="Team or method", heading=True, explanation="As printed."),
        Column(key="score", label="Score", better="higher", digits=2, emphasis=True, explanation="As printed."),
        Column(key="recomputed_score", label="recomputed", digits=2,
               explanation="The formula on the printed PSNR and runtime; they are rounded, so they differ a little."),
        Column(key="psnr_rgb_db", label="PSNR RGB", unit="dB", better="higher", digits=2, explanation="Border 0."),
        Column(key="psnr_y_db", label="PSNR Y (NTIRE23)", unit="dB", better="higher", digits=2,
               explanation="Luma with the weights of R and B swapped, border 0."),
        Column(key="ssim_rgb", label="SSIM RGB", better="higher", digits=4, explanation="Border 0."),
        Column(key="runtime_ms", label="Runtime", unit="ms", better="lower", digits=2, explanation="As printed."),
        Column(key="params_m", label="Params", unit="M", better="lower", digits=4, explanation="As printed."),
        Column(key="macs_g", label="MACs", unit="G", better="lower", digits=2,
               explanation="Printed as FLOPs; they are multiply-accumulates of convolutions."),
        Column(key="note", label="Note", explanation="Remarks on the row."),
    )  # fmt: skip
    ordered = sorted(published.rows, key=lambda row: (row.score is None, -(row.score or 0.0), row.team))
    rows = [
        TableRow(
            values={
                "team": row.team,
                "score": row.score,
                "recomputed_score": published.recomputed_score(row),
                "psnr_rgb_db": row.psnr_rgb_db,
                "psnr_y_db": row.psnr_y_db,
                "ssim_rgb": row.ssim_rgb,
                "runtime_ms": row.runtime_ms,
                "params_m": row.params_m,
                "macs_g": row.macs_g,
                "note": row.note or None,
            }
        )
        for row in ordered
    ]
    caption = f"Published, not measured here: {published.title}"
    return Table(id=f"published-{published.id}", caption=caption, columns=columns, rows=tuple(rows), mark_best=False)


def _published(table: dict[str, Any]) -> Published:
    rows = tuple(PublishedRow(**row) for row in table.pop("row"))
    return Published(**{**table, "notes": tuple(table.get("notes", ())), "rows": rows})
