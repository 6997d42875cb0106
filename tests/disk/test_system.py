"""The system of a record: what this machine tells, and what NVML tells through a stand-in library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rtsr_bench.system import cpu_model, describe, gauge

STAND_IN = Path(__file__).parents[1] / "rehearsal" / "nvml.c"

ASK = """
import json, sys
from dataclasses import asdict
from rtsr_bench.system import gauge
with gauge("cuda", sys.argv[1]) as meter:
    print(json.dumps({"facts": meter.facts, "state": asdict(meter.read("before"))}))
"""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A libnvidia-ml.so.1 of ours, which drives the real pynvml without a GPU."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler to build the stand-in for NVML")
    folder = tmp_path_factory.mktemp("nvml")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", library, STAND_IN], check=True)
    return folder


def ask(folder: Path, uuid: str) -> dict[str, dict[str, object]]:
    environment = os.environ | {"LD_LIBRARY_PATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", ASK, uuid], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, dict[str, object]] = json.loads(done.stdout)
    return answer


def test_gpu_reports_clocks_temperature_power_and_throttling(stand_in: Path) -> None:
    answer = ask(stand_in, "0f0e-42")  # as torch says it, without the prefix
    assert answer["facts"] == {
        "driver": "580.95",
        "max_sm_clock_mhz": "1980",
        "max_memory_clock_mhz": "2619",
        "power_limit_mw": "700000",
        "persistence_mode": "1",
    }
    state = answer["state"]
    assert state["sm_clock_mhz"] == 1755
    assert state["power_w"] == 345.678
    assert (state["temperature_c"], state["utilization_percent"]) == (61, 98)
    assert state["throttle_reasons"] == ["SW power cap", "HW thermal slowdown"]


def test_unknown_device_of_nvml_is_reported(stand_in: Path) -> None:
    answer = ask(stand_in, "another")
    assert "does not know the device" in str(answer["facts"]["nvml"])
    assert answer["state"]["power_w"] is None


def test_machine_without_nvml_is_reported(tmp_path: Path) -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has NVML")
    answer = ask(tmp_path, "0f0e-42")
    assert "not available" in str(answer["facts"]["nvml"])


def test_a_cpu_is_described_without_trademarks() -> None:
    name = cpu_model()
    assert name
    assert not set(name) & set("®™@")
    system = describe(
        device="cpu", device_name="", torch_threads=2, torch="2", python="3", facts={"a": "b"}, isolation="process"
    )
    assert (system.device_kind, system.device_name, system.device_index) == ("cpu", name, None)
    assert system.cpu_cores >= 1
    assert system.memory_bytes > 0
    assert "torch" in system.packages
    with gauge("cpu", "") as meter:
        load = meter.read("before").load_average
        assert load is not None
        assert load >= 0
