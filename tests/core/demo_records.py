"""Records made up for tests and for looking at pages: fixtures with plausible numbers, measured by nobody."""

from __future__ import annotations

import random
from dataclasses import replace
from hashlib import sha256
from typing import Any

from rtsr_bench.execution import EAGER_FP32, Option
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import (
    Complexity,
    Count,
    DataUse,
    Failure,
    FailureKind,
    Fidelity,
    ImageFidelity,
    Memory,
    ModelFacts,
    Record,
    Runtime,
    Setup,
    Stage,
    SubmissionFacts,
    System,
    Telemetry,
)
from rtsr_bench.tracks import find_track, quick

GPU = System(
    device_kind="cuda",
    device_name="NVIDIA GeForce RTX 3090",
    device_index=0,
    cpu_model="AMD Ryzen 9 5950X",
    cpu_cores=16,
    torch_threads=16,
    memory_bytes=64 << 30,
    os="Linux 6.1",
    python="3.11.9",
    torch="2.13.0+cu126",
    facts={"driver": "560.35", "cudnn": "9.5.1", "tf32": "off", "compute capability": "8.6"},
    packages={"numpy": "2.4.6"},
)
CPU = replace(
    GPU,
    device_kind="cpu",
    device_name="AMD Ryzen 9 5950X",
    device_index=None,
    torch_threads=8,
    torch="2.13.0+cpu",
    facts={"governor": "performance"},
)
IMAGES = {"div2k-lsdir-valid": 4, "builtin": 6, "set5": 5, "set14": 6, "bsd100": 4, "urban100": 4, "rtsr2023": 4} | {
    "open4k": 4,
    "open4k-clean": 4,
}
"""How many images a set has here; fewer than in truth, these are fixtures."""
TITLES = {
    "div2k-lsdir-valid": "DIV2K_LSDIR valid",
    "builtin": "Built-in set",
    "open4k": "Open4K",
    "open4k-clean": "Open4K clean",
    "set5": "Set5",
    "set14": "Set14",
    "bsd100": "BSD100",
    "urban100": "Urban100",
    "rtsr2023": "NTIRE 2023 RTSR test set",
}
"""Records name data sets by their titles, protocols by their ids."""


def digest(*words: object) -> str:
    """A digest that depends on the words alone."""
    return sha256("|".join(map(str, words)).encode("utf-8", "surrogatepass")).hexdigest()


def fidelity(protocol: Protocol, gain_db: float, precision: Precision, seed: str, sets: tuple[str, ...]) -> Fidelity:
    """Images whose mean gain over bicubic is exactly `gain_db` in every convention."""
    images = []
    for data_set in sets:
        count = IMAGES[data_set] if protocol.images is None else min(protocol.images, IMAGES[data_set])
        for index in range(count):
            dice = random.Random(f"{data_set}{index}")
            base = 30 + 6 * dice.random()
            own = random.Random(f"{seed}{data_set}{index}")
            wobble = 0.3 * (own.random() - 0.5) if count > 1 else 0.0
            # pairs of images wobble in opposite ways, so that the mean stays what was asked for
            if index % 2:
                wobble = -0.3 * (random.Random(f"{seed}{data_set}{index - 1}").random() - 0.5)
            elif index == count - 1:
                wobble = 0.0
            values, baseline = {}, {}
            for convention in protocol.conventions:
                psnr = base + (0 if convention.colour == "rgb" else 2.6) + 0.02 * convention.border
                baseline[f"mse/{convention.key}"] = 255.0**2 / 10 ** (psnr / 10)
                values[f"mse/{convention.key}"] = 255.0**2 / 10 ** ((psnr + gain_db + wobble) / 10)
                values[f"ssim/{convention.key}"] = min(0.999, 0.86 + 0.02 * gain_db + 0.05 * dice.random())
            images.append(
                ImageFidelity(
                    name=f"{data_set}-{index + 1:03}.png",
                    data_set=TITLES[data_set],
                    size=Size(2160, 3840) if data_set in ("builtin", "rtsr2023") else Size(512, 512),
                    values=values,
                    baseline=baseline,
                )
            )
    return Fidelity(precision=precision, images=tuple(images), wall_s=12.5)


def with_mse(image: ImageFidelity, mse: float | None = None, *, bicubic: float | None = None) -> ImageFidelity:
    """The same image with this MSE, and this MSE of bicubic, under every convention; what is not named stays."""

    def changed(values: dict[str, float], new: float | None) -> dict[str, float]:
        return {key: new if new is not None and key.startswith("mse/") else old for key, old in values.items()}

    return replace(image, values=changed(image.values, mse), baseline=changed(image.baseline, bicubic))


def runtime(protocol: Protocol, mean_ms: float, timed_in: Precision, seed: str, **changes: Any) -> Runtime:
    """Samples around a mean: a log-normal body, a few stragglers."""
    spread, slope = changes.pop("spread", 0.01), changes.pop("slope", 0.0)
    dice = random.Random(seed)
    samples = []
    for index in range(protocol.repeats):
        sample = dice.lognormvariate(0, spread) * (1 + slope * index / protocol.repeats)
        samples.append(mean_ms * (sample + (0.08 * dice.random() if dice.random() < 0.03 else 0)))
    total = sum(samples) / 1000
    plain = Runtime(
        samples_ms=tuple(samples),
        input=protocol.input,
        batch=protocol.batch,
        precision=timed_in,
        warmup=protocol.warmup,
        wall_s=total * (1 + protocol.warmup / protocol.repeats),
        parent_wall_s=total + 0.05,
        host_ms=tuple(0.4 + 0.05 * dice.random() for _ in samples),
        telemetry=(
            Telemetry(when="before", sm_clock_mhz=1695, memory_clock_mhz=9751, temperature_c=48, power_w=112.4),
            Telemetry(when="after", sm_clock_mhz=1680, memory_clock_mhz=9751, temperature_c=66, power_w=318.9),
        ),
    )
    return replace(plain, **changes)


def record(
    team: str = "Team X",
    model: str = "team_x/s-x2",
    *,
    track: str = "builtin-x2",
    gain_db: float = 0.5,
    mean_ms: float = 7.0,
    params: int = 44_521,
    gmacs: float = 24.19,
    system: System = GPU,
    looking: bool = False,
    timing: dict[str, Any] | None = None,
    **changes: Any,
) -> Record:
    """One record; `looking` measures under `--quick`, `timing` changes the runtime, `changes` any field."""
    protocol = find_track(track).protocol
    if looking:
        protocol = quick(protocol)
    precision = protocol.precision[system.device_kind]
    sets = tuple(changes.pop("sets", protocol.data_sets))
    measured = fidelity(protocol, gain_db, precision, model, sets)
    macs = int(gmacs * 1e9)
    submission = model.partition("/")[0]
    count = Count(input=protocol.input, macs=macs, flops=2 * macs, activations=macs // 300, convs=9)
    small = Count(input=Size(256, 256), macs=macs // 32, flops=macs // 16, activations=macs // 9600, convs=9)
    plain = Record(
        track=track,
        track_digest=digest(track)[:16],
        protocol=protocol,
        overrides=("--quick",) if looking else (),
        submission=SubmissionFacts(
            id=submission, team=team, title=f"{team} {model}", digest=digest(team, model), license="Apache-2.0"
        ),
        model=ModelFacts(id=model, scale=protocol.scale, checkpoint="checkpoint.pth", checkpoint_sha256=digest(model)),
        system=system,
        data=tuple(
            DataUse(
                id=name,
                name=TITLES[name],
                digest=digest(name, protocol.images)[:16],
                images=sum(image.data_set == TITLES[name] for image in measured.images),
                verified=True,
            )
            for name in sets
        ),
        started="2026-11-02T10:00:00+00:00",
        wall_s=95.0,
        harness="0.1.0",
        command=f"rtsr-bench run submissions/{submission} --track {track} --device {system.device_kind}",
        fidelity=measured,
        fidelity_fp32=replace(measured, precision=Precision.FP32) if precision is not Precision.FP32 else None,
        runtime=runtime(protocol, mean_ms, precision, model, **(timing or {})),
        complexity=Complexity(params=params, counts=(count, small)),
        memory=Memory(kind="cuda-allocator" if system.device_kind == "cuda" else "rss", peak_bytes=412 << 20,
                      baseline_bytes=12 << 20),
    )  # fmt: skip
    return replace(plain, **changes)


def under(
    one: Record,
    backend: str = "compile",
    *,
    precision: Precision | None = None,
    mean_ms: float = 4.0,
    loss_db: float = 0.0,
    setup: Setup | None = Setup(seconds=21.5, graph_bytes=3 << 20, peak_bytes=90 << 20),  # noqa: B008 - frozen
    options: dict[str, Option] | None = None,
    **changes: Any,
) -> Record:
    """The same model under another execution, which loses this much against eager fp32."""
    kind = one.system.device_kind
    timed_in = precision or one.protocol.precision[kind]
    rules = {"backend": backend, "options": options or {}, "precision": {**one.protocol.precision, kind: timed_in}}
    protocol = replace(one.protocol, **rules)
    assert isinstance(one.fidelity, Fidelity)
    worse = tuple(
        replace(
            image,
            values={
                key: value * 10 ** (loss_db / 10) if key.startswith("mse/") else value
                for key, value in image.values.items()
            },
        )
        for image in one.fidelity.images
    )
    execution = protocol.execution(kind)
    plain = replace(
        one,
        protocol=protocol,
        execution=execution,
        overrides=(f"--execution {backend}",),
        fidelity=replace(one.fidelity, precision=timed_in, images=worse),
        fidelity_fp32=None if execution == EAGER_FP32 else replace(one.fidelity, precision=Precision.FP32),
        runtime=runtime(protocol, mean_ms, timed_in, f"{one.model.id}{backend}"),
        setup=setup,
    )
    return replace(plain, **changes)


def failure(stage: Stage = Stage.LOAD, kind: FailureKind = FailureKind.EXCEPTION, message: str = "boom") -> Failure:
    """A failure with a traceback as the guest would leave it."""
    return Failure(stage=stage, kind=kind, message=message, detail=f"Traceback (most recent call last):\n  {message}")


def untrained(one: Record, why: str = "architecture only") -> Record:
    """The same record of a model that has no trained weights."""
    return replace(one, model=replace(one.model, checkpoint="", checkpoint_sha256="", untrained=why),
                   fidelity=None, fidelity_fp32=None)  # fmt: skip


TEAMS = (
    # team, model, gain, ms, params, GMAC
    ("rtsr-bench", "bicubic/x2", 0.0, 0.46, 0, 0.0),
    ("CVG Würzburg", "rt4ksr/s-x2", 0.28, 7.09, 44_521, 24.19),
    ("CVG Würzburg", "rt4ksr/xl-x2", 0.34, 11.22, 91_793, 48.7),
    ("Noah TerminalVision", "noah/x2", 1.10, 3.19, 2_352_300, 9.06),
    ("ALONG", "along/x2", 0.71, 1.91, 66_800, 15.33),
    ("RTVSR", "rtvsr/x2", 0.79, 2.24, 26_600, 13.77),
    ("Team OV", "team_ov/x2", 0.70, 2.91, 4_200, 8.73),
    ("NJUST-RTSR", "njust/x2", 0.82, 5.56, 11_400, 23.59),
    ("Multimedia", "multimedia/x2", 0.93, 7.30, 10_000, 20.41),
    ("z6", "z6/x2", 1.10, 11.19, 41_400, 85.73),
    ("ECNU SR", "ecnu/x2", 1.38, 25.23, 162_300, 83.21),
    ("R.I.P. ShopeeVideo", "shopee/x2", 1.40, 35.73, 398_700, 272.8),
    ("NTU BL6", "ntu_bl6/x2", 1.34, 69.37, 222_300, 409.8),
)


def demo() -> dict[str, Record]:
    """Several boards with everything that happens to rows: ranks, ties, noise, failures, old answers, strangers."""
    rows = [
        record(team, model, gain_db=gain, mean_ms=ms, params=params, gmacs=gmacs)
        for team, model, gain, ms, params, gmacs in TEAMS
    ]
    rows[3] = record(*TEAMS[3][:2], gain_db=1.1, mean_ms=3.19, params=2_352_300, gmacs=9.06, timing={"spread": 0.16})
    rows[4] = record(*TEAMS[4][:2], gain_db=0.71, mean_ms=1.91, params=66_800, gmacs=15.33,
                     timing={"slope": 0.12, "host_ms": (2.2,) * 244})  # fmt: skip
    rows.append(replace(rows[5], started="2026-10-01T10:00:00Z"))
    rows += [
        record("Swin Fans", "swin_fans/x2", fidelity=failure(Stage.ENHANCE, FailureKind.OUT_OF_MEMORY,
               "CUDA out of memory: tried to allocate 31.6 GiB"), runtime=None, complexity=None, memory=None),
        untrained(record("<i>Later</i>", "later/x2", mean_ms=0.2, params=1, gmacs=0.001), "<u>architecture only</u>"),
        record("Late Night", "late_night/x2", runtime=failure(Stage.RUNTIME, FailureKind.TIMEOUT,
               "no answer within 3600 s")),
        record("<script>alert(1)</script>", "script/x2", gain_db=0.4, mean_ms=14.2),
        record('"Quotes" & Co. $x^2$ | _it_ 🚀', "quotes/x2", gain_db=0.36, mean_ms=19.0),
        record("=cmd|' /C calc'!A0", "formula/x2", gain_db=0.31, mean_ms=21.0),
        record("فريق الدقة الفائقة", "rtl/x2", gain_db=0.52, mean_ms=10.1),
        record("超分辨率研究组", "cjk/x2", gain_db=0.61, mean_ms=9.2),
        record("Long " + "Name" * 75, "long/x2", gain_db=0.22, mean_ms=26.0),
    ]  # fmt: skip
    for team, model, gain, ms, params, gmacs in TEAMS[:4]:
        rows.append(record(team, model, gain_db=gain, mean_ms=18 * ms, params=params, gmacs=gmacs, system=CPU,
                           looking=True))  # fmt: skip
    for team, model, gain, ms, params, gmacs in TEAMS[:3]:
        rows.append(record(team, model, track="classic-x2", gain_db=2.2 + gain, mean_ms=ms, params=params, gmacs=gmacs))
    rows.append(record("RTVSR", "rtvsr/s-x2", track="classic-x2", gain_db=2.8, sets=("set5", "set14")))
    rows.append(record("ALONG", "along/x2", track="rtsr2023-x2", gain_db=0.71, mean_ms=1.95))
    rows.append(replace(record("Old Hand", "old/x2"), track="rtsr2021-x2"))
    return {f"{index:03}.json": one for index, one in enumerate(rows)}
