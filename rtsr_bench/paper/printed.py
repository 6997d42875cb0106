"""The printed tables as data: one TOML file per table, with values as text to preserve their digits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from rtsr_bench.files.toml import read_toml
from rtsr_bench.protocol import Size

AS_PRINTED = Size(3840, 3840)
"""The input at which the paper counts operations, at every scale; derived from its Table 1, which does not name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A column of printed values; `factor` converts them to plain units, `exact` means that arithmetic decides."""

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
                 explanation="Not in the paper: parameters that take part in computing, without an unused branch."),
        Quantity(key="macs", label="MACs", unit="G", factor=1e9, exact=True,
                 explanation=f"Printed as FLOPs; multiply-accumulates of convolutions at an input of {AS_PRINTED}."),
        Quantity(key="psnr", label="PSNR", unit="dB", explanation="As defined by the table."),
        Quantity(key="ssim", label="SSIM", explanation="As defined by the table."),
        Quantity(key="runtime", label="Runtime", unit="ms", explanation="On an NVIDIA RTX 3090."),
        Quantity(key="score", label="Score", exact=True,
                 explanation="Ours: the track's formula on the printed PSNR and runtime."),
        Quantity(key="frame_macs", label="MACs of a 4K frame", unit="G", factor=1e9,
                 explanation="Not in the paper: at the LR size of a 3840x2160 frame, where the model is used."),
    )
}  # fmt: skip
"""Every kind of value in the paper's tables, by key, and ours that are not in the paper."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as printed, such as `.8834` or `35.2`."""

    text: str

    @property
    def value(self) -> float:
        """The number in its printed unit."""
        return float(self.text)

    @property
    def digits(self) -> int:
        """Digits after the decimal point."""
        return len(self.text.partition(".")[2])

    def same(self, other: float) -> bool:
        """Whether a computed value equals this one to the last printed digit, rounded either way at a tie."""
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
    """A model to build and count: folder of `reference_models`, entry and arguments; `scale` determines its 4K frame.

    Without an entry it is the manifest's model of the scale, and only its parameters are counted.
    """

    submission: str
    entry: str
    args: dict[str, Any]
    scale: int

    @property
    def key(self) -> str:
        """The name under which its counts are stored."""
        arguments = json.dumps(self.args, sort_keys=True, separators=(",", ":"))
        return f"{self.submission} {self.entry} {arguments}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BicubicAsk:
    """Bicubic's row on a set: `convention` is `canonical` (MATLAB in double precision on Y, from HR) or `paper`.

    `paper`: torch's bicubic, luma with R and B swapped, border 0; with `hr_multiple`, HR is first cropped to a
    multiple of it and LR is made by MATLAB's rule, otherwise LR is the set's own file.
    """

    data_set: str
    scale: int
    convention: str
    hr_multiple: int = 0

    @property
    def key(self) -> str:
        """The name under which its means are stored."""
        return f"{self.data_set} x{self.scale} {self.convention}{f' mod{self.hr_multiple}' if self.hr_multiple else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperRow:
    """A row: printed values by quantity, the source of ours, and the reasons for expected differences by quantity.

    `count` is the model as printed, `running` the same without unused parts, if that differs; `beside` are texts for
    cells. `reading` names, by quantity, what `count` builds in addition to what runs, as the printed value suggests:
    equal then means equal under that reading. `model` is the id of the row's model in records; `data_set` and
    `convention` select the mean to compare with (empty: none, the set was never released). `score_of` is PSNR, baseline
    and runtime as printed. `must` names quantities that must be equal although they are measured; `reasons["missing"]`
    is why there may be no record. `within`, in printed units, is the effect of rounding printed inputs: a larger
    difference is a mismatch, whatever the reason.
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
    """A printed table; `reasons` by quantity apply to every row that does not have its own."""

    id: str
    title: str
    source: str
    quantities: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    notes: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


@cache
def all_tables() -> tuple[PaperTable, ...]:
    """The paper's tables in their order."""
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
