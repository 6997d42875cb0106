"""From records to ranked rows: one leaderboard per track and kind of device. The same records give the same rows."""

from rtsr_bench.leaderboard.bands import BANDS, Band, band, pareto_front
from rtsr_bench.leaderboard.boards import (
    DeviceKind,
    Group,
    Leaderboard,
    data_digest,
    device_kind,
    how_measured,
    leaderboards,
    started_at,
)
from rtsr_bench.leaderboard.executions import all_executions, same_model
from rtsr_bench.leaderboard.means import FidelityMeans, fidelity_means
from rtsr_bench.leaderboard.rows import Row, best_first, derive_row, scoring_convention

__all__ = [
    "BANDS",
    "Band",
    "DeviceKind",
    "FidelityMeans",
    "Group",
    "Leaderboard",
    "Row",
    "all_executions",
    "band",
    "best_first",
    "data_digest",
    "derive_row",
    "device_kind",
    "fidelity_means",
    "how_measured",
    "leaderboards",
    "pareto_front",
    "same_model",
    "scoring_convention",
    "started_at",
]
