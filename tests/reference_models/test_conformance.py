"""Every model that ships with the project meets the contract that every team's model has to keep.

To add a model: a folder in `reference_models/` with `arch.py`, `submission.toml` and `README.md`, and one line for each
of its models in `DECLARED`. The tests find the rest. Only where they have to know more:

- a network that is trained in another form than it is submitted has a callable `training` beside its entry, which takes
  the manifest's `args` and returns a module with `.deployed_form()`; the two forms are then compared here;
- `LEAST_SIDE`, `NOT_SCRIPTABLE`, `NOT_EXPORTABLE`, `NOT_IN_FP16`, `NOT_IN_BF16`: a line with the reason, if it
  cannot be otherwise.
"""

from __future__ import annotations

import copy
import math
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from shipped import CASES, FOLDERS, ROOT, Case, manifest

from rtsr_bench.measuring.complexity import count
from rtsr_bench.measuring.guest import Guest
from rtsr_bench.measuring.loading import load
from rtsr_bench.protocol import Size
from rtsr_bench.record import Count
from rtsr_bench.tracks import find_track
from rtsr_bench.wire import CountOperations, LoadModel

DECLARED = {
    # model: (parameters as deployed, GMAC at the LR size that the tracks of its scale time)
    "bicubic/x2": (0, 0.0),
    "bicubic/x3": (0, 0.0),
    "bicubic/x4": (0, 0.0),
    "rt4ksr/s-x2": (44_521, 24.34),
    "rt4ksr/s-x3": (57_541, 13.80),
    "rt4ksr/s-retrained-x2": (44_521, 24.34),
    "rt4ksr/s-retrained-x3": (57_541, 13.80),
    "rt4ksr_ablation/a-x2": (29_364, 60.47),
    "rt4ksr_ablation/b-x2": (34_573, 72.71),
    "rt4ksr_ablation/a-down-x2": (29_364, 28.22),
    "rt4ksr_ablation/c-x2": (34_573, 40.31),
    "rt4ksr_ablation/a-unshuffle-x2": (340_692, 189.46),
    "rt4ksr_ablation/d-x2": (34_092, 30.61),
    "rt4ksr_ablation/e-x2": (24_756, 49.72),
    "rt4ksr_ablation/e-hfb-x2": (29_965, 61.97),
    "rt4ksr_ablation/e-down-x2": (24_756, 25.53),
    "rt4ksr_ablation/f-x2": (29_965, 37.62),
    "rt4ksr_ablation/h-x2": (44_521, 24.34),
    "rt4ksr_ablation/a-x3": (32_619, 29.86),
    "rt4ksr_ablation/h-x3": (57_541, 13.80),
    "rt4ksr/xxs-x2": (34_009, 18.97),
    "rt4ksr/xxs-x3": (47_029, 11.42),
    "rt4ksr/xxs-x4": (65_257, 8.77),
    "rt4ksr/xs-x2": (54_545, 30.02),
    "rt4ksr/xs-x3": (71_885, 17.32),
    "rt4ksr/xs-x4": (96_161, 12.88),
    "rt4ksr/s-x4": (75_769, 10.12),
    "rt4ksr/m-x2": (73_169, 39.57),
    "rt4ksr/m-x3": (90_509, 21.57),
    "rt4ksr/m-x4": (114_785, 15.27),
    "rt4ksr/l-x2": (55_033, 29.72),
    "rt4ksr/l-x3": (68_053, 16.19),
    "rt4ksr/l-x4": (86_281, 11.46),
    "rt4ksr/xl-x2": (91_793, 49.13),
    "rt4ksr/xl-x3": (109_133, 25.81),
    "rt4ksr/xl-x4": (133_409, 17.66),
    "rt4ksr/xxl-x2": (65_545, 35.09),
    "rt4ksr/xxl-x3": (78_565, 18.58),
    "rt4ksr/xxl-x4": (96_793, 12.80),
    "rt4ksr/xxxl-x2": (110_417, 58.68),
    "rt4ksr/xxxl-x3": (127_757, 30.06),
    "rt4ksr/xxxl-x4": (152_033, 20.04),
    "bicubic_pp/x3": (50_400, 11.61),
    "imdn/x2": (694_404, 1428.89),
    "imdn/x3": (703_059, 643.03),
    "imdn/x4": (715_176, 367.97),
    "rfdn/x2": (417_212, 821.86),
    "rfdn/x3": (423_977, 371.48),
    "rfdn/x4": (433_448, 213.86),
    "rlfn/x2": (526_856, 1038.81),
    "rlfn/x4": (543_740, 268.43),
    "rlfn/s-x2": (454_620, 889.29),
    "rlfn/s-x4": (470_208, 230.38),
    "rlfn/ntire-x4": (317_218, 155.52),
    "vapsr/x2": (329_236, 665.77),
    "vapsr/x3": (336_811, 302.87),
    "vapsr/x4": (342_220, 175.65),
    "vapsr/s-x4": (154_956, 80.94),
    "carn/x2": (964_163, 2005.39),
    "carn/x3": (1_148_803, 1069.11),
    "carn/x4": (1_111_875, 817.86),
    "carn_m/x2": (257_027, 820.55),
    "carn_m/x3": (303_427, 415.12),
    "carn_m/x4": (294_147, 292.33),
    "fmen/x2": (324_830, 671.36),
    "fmen/x3": (331_595, 304.60),
    "fmen/x4": (341_066, 176.24),
    "span/x2": (481_324, 995.78),
    "span/x4": (498_208, 257.68),
    "span/ch48-x2": (410_700, 849.51),
    "span/ch48-x4": (426_288, 220.44),
    "span/ch28-x4": (150_688, 77.79),
    "latticenet/x2": (756_196, 1525.60),
    "latticenet/x3": (764_851, 686.05),
    "latticenet/x4": (776_968, 392.21),
    "rtsrn/x2": (193_356, 400.12),
    "rtsrn/x3": (202_011, 185.79),
    "espcn/x2": (21_284, 43.93),
    "espcn/x3": (22_729, 20.85),
    "espcn/x4": (24_752, 12.77),
    "fsrcnn/x2": (12_809, 25.85),
    "fsrcnn/x3": (12_809, 11.49),
    "fsrcnn/x4": (12_809, 6.46),
    "lapsrn/x2": (407_441, 846.86),
    "lapsrn/x4": (814_242, 1057.38),
    "lapsrn/d5-x2": (251_473, 524.11),
    "lapsrn/d5-x4": (502_306, 653.94),
    "ecbsr/m4c16-x2": (10_100, 20.60),
    "ecbsr/m4c16-x4": (11_840, 6.05),
    "ecbsr/m10c32-x2": (94_308, 194.09),
    "ecbsr/m10c32-x4": (97_776, 50.31),
    "swinir_light/x2": (910_152, 2168.20),
    "swinir_light/x3": (918_267, 971.11),
    "swinir_light/x4": (929_628, 556.22),
    "example_team/x2": (9_148, 18.81),
    "example_team/x3": (11_323, 10.35),
}

LEAST_SIDE: dict[str, int] = {}
"""Folder: the least side of an LR image that the network as published can take, where that is more than 5."""

NOT_SCRIPTABLE: dict[str, str] = {}
"""Folder or model: why `torch.jit.script` cannot take it."""

NOT_EXPORTABLE: dict[str, str] = {}
"""Folder or model: why `torch.export` cannot take it."""

IDLE = dict.fromkeys(("rt4ksr/s-x2", "rt4ksr/s-x3"), ("hf_conv", "gamma"))
"""Model: parts that are computed and then not used, as in the authors' code; an ONNX export leaves them out."""

FIXED = dict.fromkeys(
    ("rt4ksr/s-retrained-x2", "rt4ksr/s-retrained-x3", "rt4ksr/xxs-x4", "rt4ksr_ablation/b-x2",
     "rt4ksr_ablation/e-hfb-x2", "rt4ksr_ablation/h-x2", "rt4ksr_ablation/h-x3"), ("kernel",)
)  # fmt: skip
"""Model: fixed filters of a convolution, which an ONNX graph of torch's older exporter does not tell from weights."""

NOT_IN_FP16: dict[str, str] = {}
"""Folder or model: why it is far from itself in half precision, as its authors' own code is."""

_CARRIED = "carries brightness beside a constant in each feature (start.py): bf16's eight bits leave 28 to 32 dB of it"
NOT_IN_BF16 = dict.fromkeys(("rt4ksr/s-retrained-x2", "rt4ksr/s-retrained-x3", "rt4ksr/xxs-x2"), _CARRIED)
"""Model: why it is far from itself in bfloat16; finite it is all the same."""


def one_group(model: Any) -> None:
    """Reduce SwinIR from four groups of six layers to one group of two, the second of which is shifted."""
    model.body = model.body[:1]
    model.body[0].layers = model.body[0].layers[:2]


REPEATED = dict.fromkeys(("swinir_light/x2", "swinir_light/x3", "swinir_light/x4"), one_group)
"""Model: what removes repeated parts before its export, which takes long."""

WIDTHS = ("size", "channels", "blocks")
"""Arguments that change how much there is of something, not what there is."""


def folder_id(folder: Path) -> str:
    return getattr(folder, "name", str(folder))


def kinds() -> list[Case]:
    """One model of each kind: of those that differ in nothing but `WIDTHS` the first."""
    found: dict[str, Case] = {}
    for case in CASES:
        rest = sorted((name, str(value)) for name, value in case.args.items() if name not in WIDTHS)
        found.setdefault(f"{case.folder.name} {case.scale} {case.table['entry']} {rest}", case)
    return list(found.values())


def one_scale() -> list[Case]:
    """Of kinds that differ in nothing but the scale the first: `torch.export` takes up to 10 s for each."""
    found: dict[str, Case] = {}
    for case in kinds():
        rest = sorted((name, str(value)) for name, value in case.args.items() if name not in {*WIDTHS, "scale"})
        found.setdefault(f"{case.folder.name} {case.table['entry']} {rest}", case)
    return list(found.values())


@cache
def built(model_id: str) -> torch.nn.Module:
    return next(case for case in CASES if case.id == model_id).build()


@pytest.fixture
def model(case: Case) -> torch.nn.Module:
    return built(case.id)


def reason(table: dict[str, str], case: Case) -> str | None:
    return table.get(case.id, table.get(case.folder.name))


def picture(case: Case, height: int, width: int) -> torch.Tensor:
    """A smooth image in the model's data range: noise says little about how a model treats pictures."""
    least = LEAST_SIDE.get(case.folder.name, 5)
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * case.data_range
    size = (max(height, least), max(width, least))
    return torch.nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=False)


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_folder_is_complete_and_stands_alone(folder: Path) -> None:
    assert (folder / "README.md").is_file()
    for source in folder.glob("*.py"):
        if source.name not in ("train.py", "pictures.py"):  # a training may use the project it was written with
            assert "rtsr_bench" not in source.read_text(encoding="utf-8"), source.name


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_id)
def test_manifest_names_who_and_under_which_licence(folder: Path) -> None:
    about = manifest(folder)["submission"]
    assert about["id"] == folder.name
    assert about["team"]
    assert about["license"]
    if folder.parent.name == "reference_models":
        assert about["paper"].startswith("https://")


def test_discovery_finds_what_the_manifests_say() -> None:
    from rtsr_bench.submissions import discover

    found = (*discover(ROOT / "reference_models"), *discover(ROOT / "submissions" / "example_team"))
    assert {model.id for submission in found for model in submission.models} == {case.id for case in CASES}


def test_every_model_declares_its_counts_here() -> None:
    assert {case.id for case in CASES} == set(DECLARED), "DECLARED has one line for each model that ships"


def test_every_exception_is_for_something_that_ships() -> None:
    known = {case.id for case in CASES} | {case.folder.name for case in CASES}
    assert set(LEAST_SIDE) | set(NOT_SCRIPTABLE) | set(NOT_EXPORTABLE) | set(NOT_IN_FP16) | set(NOT_IN_BF16) <= known
    assert set(REPEATED) <= known


def test_no_random_weights_pose_as_trained(case: Case, model: torch.nn.Module) -> None:
    if any(True for _ in model.parameters()):
        assert ("checkpoint" in case.table) != ("untrained" in case.table)


def test_parameters_and_operations_are_as_declared(case: Case, model: torch.nn.Module) -> None:
    lr = find_track(f"builtin-x{case.scale}").protocol.input
    guest = Guest(build=case.build, device=torch.device("cpu"), data_range=case.data_range)
    counted = count(guest, CountOperations(sizes=(lr,)))
    (counts,) = counted.counts
    assert (counted.params, round(counts.macs / 1e9, 2)) == DECLARED[case.id]
    assert counts.uncounted == {}
    assert counted.params == sum(parameter.numel() for parameter in model.parameters())


def test_the_baseline_of_efficient_sr_2024_has_the_score_that_it_compares_with() -> None:
    from rtsr_bench.score import ESR_BASELINES, FORMULAS, Ingredients

    (case,) = [case for case in CASES if case.id == "rlfn/ntire-x4"]
    guest = Guest(build=case.build, device=torch.device("cpu"), data_range=case.data_range)
    found = count(guest, CountOperations(sizes=(Size(256, 256),)))
    (one,) = found.counts
    baseline = ESR_BASELINES["ntire-esr-2024"]
    assert one.uncounted == {}  # its attention enlarges bilinearly
    assert one.macs == pytest.approx(baseline.macs, rel=1e-3)  # the challenge's hook counts activations, too
    ingredients = Ingredients(psnr_db=27.0, baseline_psnr_db=26.0, runtime_ms=baseline.runtime_ms,
                              macs=one.macs, params=found.params)  # fmt: skip
    assert FORMULAS["ntire-esr-2024"].value(ingredients) == pytest.approx(math.exp(2), rel=1e-3)


@pytest.mark.parametrize(("height", "width", "batch"), [(24, 32, 2), (25, 37, 1), (7, 5, 1)])
def test_output_is_scale_times_the_input_at_even_and_odd_sizes(
    case: Case, model: torch.nn.Module, height: int, width: int, batch: int
) -> None:
    image = picture(case, height, width).expand(batch, -1, -1, -1)
    output = model(image)
    assert output.shape == (batch, 3, image.shape[2] * case.scale, image.shape[3] * case.scale)
    assert output.dtype == torch.float32
    assert output.isfinite().all()


def test_same_input_same_output_and_input_untouched(case: Case, model: torch.nn.Module) -> None:
    image = picture(case, 13, 18)
    given = image.clone()
    first = model(image)
    assert torch.equal(first, case.build()(image))
    assert torch.equal(first, model(image))
    assert torch.equal(image, given)


def test_deployed_form_equals_training_form(case: Case) -> None:
    training = case.training_form()
    if training is None:
        return  # it is submitted as it was trained
    generator = torch.Generator().manual_seed(7)
    for parameter in training.parameters():  # at their start norms, biases and gates hide what a wrong merge would do
        parameter.add_(torch.rand(parameter.shape, generator=generator) * 0.1 - 0.05)
    for name, buffer in training.named_buffers():  # of a batch norm
        if name.endswith(("running_mean", "running_var")):
            buffer.add_(torch.rand(buffer.shape, generator=generator) * 0.1)
    deployed = training.deployed_form().eval()
    assert {name: value.shape for name, value in deployed.state_dict().items()} == {
        name: value.shape for name, value in built(case.id).state_dict().items()
    }
    image = picture(case, 13, 18)
    with torch.no_grad():
        expected, found = training(image), deployed(image)
    assert not torch.equal(expected, found), "the forms are one and the same"
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5 * max(1.0, float(expected.abs().max())))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_finite_and_near(case: Case, model: torch.nn.Module, dtype: torch.dtype) -> None:
    if dtype is torch.float16 and reason(NOT_IN_FP16, case):
        return
    image = picture(case, 13, 18)
    expected = model(image)
    output = case.build().to(dtype)(image.to(dtype))
    assert output.dtype == dtype
    assert output.isfinite().all()
    # Fresh weights give anything but an image, so the loss is measured against how large the values are.
    loss = torch.mean((output.float() - expected) ** 2) / max(case.data_range, float(expected.abs().max())) ** 2
    near = loss < 10 ** (-4 if dtype is torch.float16 else -3.3)  # 40 and 33 dB: bf16 has three bits less
    assert near != bool(dtype is torch.bfloat16 and reason(NOT_IN_BF16, case))


def to_export(case: Case) -> torch.nn.Module:
    """The model, without the parts that `REPEATED` removes."""
    model = case.build()
    if case.id in REPEATED:
        REPEATED[case.id](model)
    return model


def distinct(case: Case) -> torch.nn.Module:
    """The model with weights of which no two are alike: exporters write equal tensors once."""
    model = to_export(case)
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        parameter.add_(torch.rand(parameter.shape, generator=generator) * 0.1)
    return model


def live(case: Case) -> torch.nn.Module:
    """The model as an ONNX graph has it: without what is computed and then not used."""
    model = distinct(case)
    if case.id in IDLE:
        model.high_frequency_features = lambda _: None
    return model


def counted(guest: Guest, image: torch.Tensor) -> tuple[int, Count]:
    sizes = (Size(*image.shape[-2:]),)
    found = count(guest, CountOperations(sizes=sizes))
    if not found.counts:  # an exported program may name the device on which it makes a constant
        found = count(guest, CountOperations(sizes=sizes, computed=True))
    (one,) = found.counts
    return found.params, one


def counted_file(form: str, path: Path, image: torch.Tensor, scale: int) -> tuple[int, Count]:
    """What the harness counts of a file that was submitted."""
    request = LoadModel(format=form, folder=path.parent, checkpoint=path, scale=scale)
    return counted(load(request, torch.device("cpu")), image)


def counted_python(model: torch.nn.Module, image: torch.Tensor) -> tuple[int, Count]:
    return counted(Guest(build=lambda: copy.deepcopy(model), device=torch.device("cpu"), data_range=1.0), image)


@pytest.mark.parametrize("case", one_scale(), ids=lambda case: case.id)
def test_model_can_be_exported_and_counts_the_same_or_says_why_not(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = to_export(case)
    image = picture(case, 12, 16)
    if reason(NOT_EXPORTABLE, case):
        with pytest.raises(Exception):  # noqa: B017, PT011 - torch raises many kinds
            torch.export.export(model, (image,))
        return
    program = torch.export.export(model, (image,))
    torch.testing.assert_close(program.module()(image), model(image), rtol=0, atol=1e-6 * case.data_range)
    torch.export.save(program, tmp_path / "model.pt2")
    params, one = counted_file("torch-export", tmp_path / "model.pt2", image, case.scale)
    assert (params, one) == counted_python(model, image)


@pytest.mark.parametrize("case", kinds(), ids=lambda case: case.id)
def test_model_can_be_scripted_and_counts_the_same_or_says_why_not(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = to_export(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch calls TorchScript itself deprecated
        if reason(NOT_SCRIPTABLE, case):
            with pytest.raises(Exception):  # noqa: B017, PT011 - torch raises many kinds
                torch.jit.script(model)
            return
        scripted = torch.jit.script(model)
        scripted.save(tmp_path / "model.pt")
    for image in (picture(case, 12, 16), picture(case, 13, 17)):
        torch.testing.assert_close(scripted(image), model(image), rtol=0, atol=1e-6 * case.data_range)
    image = picture(case, 12, 16)
    params, one = counted_file("torchscript", tmp_path / "model.pt", image, case.scale)
    assert (params, one) == counted_python(model, image)


@pytest.mark.parametrize("case", kinds(), ids=lambda case: case.id)
def test_model_counts_the_same_as_onnx(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra onnx")
    monkeypatch.chdir(tmp_path)
    model, image = distinct(case), picture(case, 12, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says of its exporter without further packages that it grows old
        torch.onnx.export(model, (image,), tmp_path / "model.onnx", dynamo=False, opset_version=17)
    params, one = counted_file("onnx", tmp_path / "model.onnx", image, case.scale)
    there, expected = counted_python(live(case), image)
    parts = IDLE.get(case.id, ())
    idle = sum(one.numel() for name, one in model.named_parameters() if name.partition(".")[0] in parts)
    # SwinIR: the exporter writes the table of 225 offsets out, for the 64 x 64 pairs of pixels of a window.
    tables = [one for name, one in model.named_parameters() if name.endswith("offset_bias")]
    folded = sum(64 * 64 * one.shape[1] - one.numel() for one in tables)
    fixed = sum(getattr(model, name).numel() for name in FIXED.get(case.id, ()))
    assert (params, one) == (there - idle + fixed + folded, expected)
