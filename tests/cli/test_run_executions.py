"""`run --execution`, repeatable: each model under each execution; what one of them cannot do fails there alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest_cli import DECLARED, GUESTS, LITTLE, Run

from rtsr_bench.record import Failure, FailureKind, Fidelity, Record, Runtime, Stage
from rtsr_bench.store import load_records

BOTH = ("--execution", "eager", "--execution", "onnxruntime")
UNEXPORTABLE = """
import torch

class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(torch.special.bessel_j1(x), scale_factor=2, mode="nearest")

srmodel = Net
"""


def measured(tmp_path: Path) -> dict[str, Record]:
    found = load_records(tmp_path / "reports" / "records")
    return {record.protocol.backend: record for record in (one.record for one in found.records)}


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "submission.toml").write_text(DECLARED)
    return tmp_path / "net"


@pytest.fixture(autouse=True)
def _installed() -> None:
    pytest.importorskip("onnxruntime", reason="exporting needs the extra onnx")


def test_a_model_has_a_record_of_each_execution(rtsr_bench: Run, tiny: Path, submitted: Path, tmp_path: Path) -> None:
    shutil.copy(GUESTS / "good" / "arch.py", submitted)
    done = rtsr_bench("run", "net", *LITTLE, "--data-root", tiny, *BOTH)
    assert done.returncode == 0, done.stderr
    assert "on classic-x2, onnxruntime" in done.stderr
    assert "execution" in done.stdout
    found = measured(tmp_path)
    assert set(found) == {"eager", "onnxruntime"}
    eager, other = found["eager"], found["onnxruntime"]
    assert eager.setup is None
    assert other.setup is not None
    assert other.setup.seconds > 0
    assert other.setup.graph_bytes > 100
    assert isinstance(eager.fidelity, Fidelity)
    assert isinstance(other.fidelity, Fidelity)
    assert isinstance(other.fidelity_fp32, Fidelity)
    assert other.fidelity_fp32.images == eager.fidelity.images
    assert isinstance(other.runtime, Runtime)
    again = rtsr_bench("run", "net", *LITTLE, "--data-root", tiny, *BOTH)
    assert "0 new records, 2 existing" in again.stderr


def test_another_network_for_the_exporter_is_inconsistent(
    rtsr_bench: Run, tiny: Path, submitted: Path, tmp_path: Path
) -> None:
    shutil.copy(GUESTS / "is_smaller_when_exported" / "arch.py", submitted)
    done = rtsr_bench("run", "net", *LITTLE, "--data-root", tiny, *BOTH)
    assert done.returncode == 1
    found = measured(tmp_path)
    assert isinstance(found["eager"].fidelity, Fidelity)
    failure = found["onnxruntime"].fidelity
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.INCONSISTENT
    assert "eager fp32 and onnxruntime, fp32 gave different images" in failure.message
    assert "net/x2 (onnxruntime)" in done.stderr


def test_what_cannot_be_exported_fails_under_that_execution_alone(
    rtsr_bench: Run, tiny: Path, submitted: Path, tmp_path: Path
) -> None:
    (submitted / "arch.py").write_text(UNEXPORTABLE)
    done = rtsr_bench("run", "net", *LITTLE, "--data-root", tiny, *BOTH)
    assert done.returncode == 1
    found = measured(tmp_path)
    assert isinstance(found["eager"].runtime, Runtime)
    failure = found["onnxruntime"].fidelity
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.EXPORT
    assert "bessel_j1" in failure.message
    assert isinstance(found["onnxruntime"].fidelity_fp32, Fidelity)


def test_an_execution_that_is_unknown_or_not_installed_is_one_line(rtsr_bench: Run, submitted: Path) -> None:
    shutil.copy(GUESTS / "good" / "arch.py", submitted)
    for name, words in (
        ("quick", "execution 'quick': expected one of channels-last, compile, cuda-graph, eager"),
        ("compile:mode", "execution compile: expected OPTION=VALUE of mode=default, found 'mode'"),
    ):
        done = rtsr_bench("run", "net", *LITTLE, "--execution", name)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
