"""Published checkpoints whose Set5 figures the authors' own code was measured on: one line a checkpoint."""

from __future__ import annotations

from typing import NamedTuple


class Parity(NamedTuple):
    """A model with its authors' weights, and the row that it has to reproduce.

    `model` is the folder in reference_models/, `entry` the callable in its arch.py, `args` what the manifest gives it;
    `checkpoint` lies in shared/weights, `golden` names file and row in shared/golden. `mean_db` is the mean PSNR-Y that
    is quoted for these weights, where one is.
    """

    model: str
    entry: str
    args: dict[str, object]
    checkpoint: str
    golden: tuple[str, str]
    data_range: float = 1.0
    mean_db: float | None = None


PARITY = (
    Parity("imdn", "imdn", {"scale": 2}, "imdn_x2.pth", ("imdn_set5.json", "imdn_x2"), mean_db=37.997),
    Parity("imdn", "imdn", {"scale": 3}, "imdn_x3.pth", ("imdn_set5.json", "imdn_x3")),
    Parity("imdn", "imdn", {"scale": 4}, "imdn_x4.pth", ("imdn_set5.json", "imdn_x4")),
    Parity("rfdn", "rfdn", {"scale": 4}, "rfdn_aim_x4.pth", ("zoo_set5.json", "rfdn_x4"), 255.0, mean_db=32.161),
    Parity("carn_m", "carn_m", {"scale": 2}, "carn_m.pth", ("zoo_set5.json", "carn_m_x2"), mean_db=37.682),
    Parity("carn_m", "carn_m", {"scale": 3}, "carn_m.pth", ("zoo_set5.json", "carn_m_x3")),
    Parity("carn_m", "carn_m", {"scale": 4}, "carn_m.pth", ("zoo_set5.json", "carn_m_x4")),
)
