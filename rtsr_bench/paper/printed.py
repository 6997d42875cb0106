"""What is printed, as data: one TOML file a table, every value typed as text so that its last digit is known."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from rtsr_bench.files.toml import read_toml
from rtsr_bench.protocol import Size

AS_PRINTED = Size(3840, 3840)
"""The input at which the paper counts operations, at every scale: read off its Table 1, which does not name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A column of printed values: printed numbers times `factor` are plain ones; `exact` where arithmetic decides."""

    key: str
    label: str
    unit: str = ""
    factor: float = 1.0
    exact: bool = False
    explanation: str


QUANTITIES = {
    one.key: one
    for one in (
        Quantity(key="params", label="Params", unit="K", factor=1e3, exact=True, explanation="Parameters as deployed."),
        Quantity(key="running_params", label="Params that run", unit="K", factor=1e3,
                 explanation="Not in the paper: parameters that take part in computing, without a branch left idle."),
        Quantity(key="macs", label="MACs", unit="G", factor=1e9, exact=True,
                 explanation=f"Printed as FLOPs; multiply-accumulates of convolutions at an input of {AS_PRINTED}."),
        Quantity(key="psnr", label="PSNR", unit="dB", explanation="As the table takes it."),
        Quantity(key="ssim", label="SSIM", explanation="As the table takes it."),
        Quantity(key="runtime", label="Runtime", unit="ms", explanation="On an NVIDIA RTX 3090."),
        Quantity(key="score", label="Score", exact=True,
                 explanation="Ours: the track's formula on the printed PSNR and runtime."),
        Quantity(key="frame_macs", label="MACs of a 4K frame", unit="G", factor=1e9,
                 explanation="Not in the paper: at the LR size that makes 3840x2160, where the model is really used."),
    )
}  # fmt: skip
"""Every kind of value in the paper's tables, by key; the ones that are not in the paper are ours beside it."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as printed, such as `.8834` or `35.2`."""

    text: str

    @property
    def value(self) -> float:
        """The number itself, in the unit it is printed in."""
        return float(self.text)

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return len(self.text.partition(".")[2])

    def same(self, other: float) -> bool:
        """Whether a computed value is this one to the last printed digit, rounded either way at a tie."""
        return abs(other - self.value) <= 0.5 * 10.0**-self.digits * (1 + 1e-9)

    def shown(self, other: float) -> str:
        """Another value with as many digits as this one."""
        text = f"{other:.{self.digits}f}"
        return text.removeprefix("0") if self.text.startswith(".") else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a cell differs or cannot be computed: in a few words, and in a sentence."""

    id: str
    short: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CountAsk:
    """A model to build and count: folder of `reference_models`, entry and arguments; `scale` says its 4K frame.

    Without an entry the manifest's model of the scale is meant, and only its parameters are asked for.
    """

    submission: str
    entry: str
    args: dict[str, Any]
    scale: int

    @property
    def key(self) -> str:
        """The name under which its counts are kept."""
        arguments = json.dumps(self.args, sort_keys=True, separators=(",", ":"))
        return f"{self.submission} {self.entry} {arguments}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BicubicAsk:
    """Bicubic's row on a set: `convention` is `canonical` (MATLAB in double precision on Y, from HR) or `paper`.

    `paper`: torch's bicubic, luma with R and B swapped, border 0; with `hr_multiple`, HR is first cropped to a
    multiple of it and LR made again by MATLAB's rule, otherwise LR is the set's own file.
    """

    data_set: str
    scale: int
    convention: str
    hr_multiple: int = 0

    @property
    def key(self) -> str:
        """The name under which its means are kept."""
        return f"{self.data_set} x{self.scale} {self.convention}{f' mod{self.hr_multiple}' if self.hr_multiple else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperRow:
    """A row: printed values by quantity, where ours come from, and by quantity the reasons for what must differ.

    `count` is the model as printed, `running` the same without what it builds and does not run, where that differs;
    `beside` are words to a cell. `reading` names, by quantity, what `count` builds beside what runs, as the print seems
    to: equal then means equal under that reading. `model` is the id under which records hold the row's model;
    `data_set` and `convention` say which of their means the row is compared with (empty: none, the set was never
    released).
    `score_of` is PSNR, baseline and runtime as printed. `must` names quantities that have to be equal although they
    are measured; `reasons["missing"]` is why there may be no record. `within`, in printed units, is how
    far the rounding of printed inputs carries: a larger difference is a mismatch whatever the reason given.
    """

    label: str
    scale: int = 0
    printed: dict[str, Printed]
    count: CountAsk | None = None
    running: CountAsk | None = None
    bicubic: BicubicAsk | None = None
    model: str = ""
    data_set: str = ""
    convention: str = ""
    score_of: tuple[float, float, float] | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    must: tuple[str, ...] = ()
    beside: dict[str, str] = field(default_factory=dict)
    reading: dict[str, str] = field(default_factory=dict)
    within: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperTable:
    """A printed table; `reasons` hold for every row by quantity, where the row has none of its own."""

    id: str
    title: str
    source: str
    quantities: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    notes: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


@cache
def all_tables() -> tuple[PaperTable, ...]:
    """The paper's tables in the order in which it has them."""
    return tuple(_table(_read(f"table-{name}.toml")) for name in ("1", "2a", "2b", "2c", "3b", "4"))


@cache
def all_reasons() -> dict[str, Reason]:
    """Every reason by id."""
    return {name: Reason(id=name, **words) for name, words in _read("reasons.toml").items()}


def _read(name: str) -> dict[str, Any]:
    return read_toml(resources.files(__package__) / "tables" / name, what="a table of the paper")


def _table(raw: dict[str, Any]) -> PaperTable:
    rows = tuple(_row(row) for row in raw.pop("row"))
    return PaperTable(
        **{**raw, "rows": rows, "quantities": tuple(raw["quantities"]), "notes": tuple(raw.get("notes", ()))}
    )


def _row(raw: dict[str, Any]) -> PaperRow:
    raw = dict(raw)
    bicubic, score_of = raw.pop("bicubic", None), raw.pop("score_of", None)
    asks = {key: raw.pop(key, None) for key in ("count", "running")}
    return PaperRow(
        **{
            **raw,
            "printed": {key: Printed(text) for key, text in raw["printed"].items()},
            **{
                key: CountAsk(**{"scale": raw["scale"], "args": {}, **ask}) if ask else None
                for key, ask in asks.items()
            },
            "bicubic": BicubicAsk(**{"scale": raw["scale"], "data_set": raw.get("data_set", ""), **bicubic})
            if bicubic
            else None,
            "score_of": tuple(float(value) for value in score_of) if score_of else None,
            "must": tuple(raw.get("must", ())),
        }
    )
