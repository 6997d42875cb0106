"""An execution is added from outside of the package in one file, and runs models to a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_with_plugins import measured, with_plugins

from rtsr_bench.record import Fidelity, Runtime
from rtsr_bench.score import mean_psnr_db

RUN = """
import sys
from pathlib import Path
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.sandbox import Child
try:
    Overrides(execution=sys.argv[1])
    Child(device="cpu").close()
except UserError as error:
    print(error)
"""


def test_an_execution_from_one_file_runs_a_model_to_a_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    record, page = measured(tmp_path_factory.getbasetemp())
    assert record.execution is not None
    assert (record.execution.backend, record.protocol.backend) == ("inverted", "inverted")
    assert "--execution inverted" in record.overrides
    assert isinstance(record.runtime, Runtime)
    assert isinstance(record.fidelity, Fidelity)
    # Nearest neighbour comes to some 25 dB here, its negative to less than 20.
    assert mean_psnr_db(image.values["mse/rgb_b0"] for image in record.fidelity.images) < 20
    assert "execution inverted instead of eager" in page


NEEDS = """
from rtsr_bench.backends import BACKENDS, Backend
BACKENDS.add(Backend(name="fast", title="Fast", prepare=lambda model, execution, device: model,
                     needs={"no_such_runtime": "pip install no-such-runtime"}))
"""
ELSEWHERE = """
import sys
from rtsr_bench.backends import BACKENDS, Backend
BACKENDS.add(Backend(name="fast", title="Fast", prepare=lambda model, execution, device: model))
if "torch" in sys.modules:
    raise ImportError("not here")
"""


@pytest.mark.parametrize(
    ("source", "execution", "words"),
    [
        (NEEDS, "fast", "execution fast needs no_such_runtime, which is not installed here: pip install no-such-run"),
        (NEEDS, "quick", "execution 'quick': expected one of channels-last, compile, cuda-graph, eager, ncnn, onnxru"),
        (ELSEWHERE, "fast", "cannot be imported by the process that runs models: plug-in {path}: importing it raised"),
    ],
)
def test_unavailable_execution_is_one_line(source: str, execution: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "fast.py"
    path.write_text(source)
    done = with_plugins("-c", RUN, execution, plugins=str(path), folder=tmp_path)
    assert words.format(path=path) in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1
