"""How a guest's network is held and called, whatever its code does to itself and to the process."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from loaded_guests import TWO_CONVS, LoadGuest
from msgspec.structs import replace

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.measuring import contract
from rtsr_bench.measuring.enhance import checked, forward
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.measuring.reasons import kind_of, reason_of
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.record import FailureKind
from rtsr_bench.wire import CheckContract

GUESTS = Path(__file__).parents[1] / "guests"
IMAGE = torch.rand(1, 3, 6, 10, generator=torch.Generator().manual_seed(3))
RETURN = "    return Net(**args)"
ASKED = CheckContract(scale=2, sizes=(Size(24, 40),), precisions=(Precision.FP16, Precision.BF16))


def made(how: str, before: str = "") -> str:
    return before + TWO_CONVS.replace(RETURN, f"    net = Net(**args)\n{how}")


def dtypes(model: torch.nn.Module) -> set[torch.dtype]:
    return {one.dtype for one in (*model.parameters(), *model.buffers()) if one.is_floating_point()}


@pytest.mark.parametrize("how", ["net.half()", "net.double()", "net.bfloat16()", "net.head.half()"])
def test_a_model_of_any_number_format_is_converted_to_the_one_that_is_asked_for(
    how: str, load_guest: LoadGuest
) -> None:
    guest = load_guest(made(f"    {how}\n    return net.eval()"))
    plain = load_guest()
    for precision in (Precision.FP32, Precision.FP16, Precision.BF16, Precision.FP32):
        wanted = {Precision.FP16: torch.float16, Precision.BF16: torch.bfloat16}.get(precision, torch.float32)
        assert dtypes(guest.model(EAGER_FP32.in_precision(precision))) == {wanted}
        there = checked(forward(guest, IMAGE, EAGER_FP32.in_precision(precision)), 1, Size(12, 20)).float()
        torch.testing.assert_close(there, forward(plain, IMAGE, EAGER_FP32), rtol=0, atol=0.02)
    assert len(guest.notes) == 1
    assert guest.notes[0].endswith("it is converted to the precision that is asked for")


def test_a_model_that_casts_its_input_itself_is_left_as_it_is(load_guest: LoadGuest) -> None:
    source = made("    return net.half()").replace("self.head(x)", "self.head(x.half())")
    guest = load_guest(source)
    assert dtypes(guest.model(EAGER_FP32)) == {torch.float16}
    assert guest.notes == ["the model came in float16 and casts its input itself; for fp32 it is left as it is"]
    assert checked(forward(guest, IMAGE, EAGER_FP32), 1, Size(12, 20)).dtype is torch.float16
    findings = contract.check(guest, ASKED).findings
    assert all(finding.ok is not False for finding in findings), findings


@pytest.mark.parametrize("body", ["super().{0}(*args)", "pass", "return 'nothing'"])
def test_nothing_that_a_model_returns_of_its_own_conversions_is_used(body: str, load_guest: LoadGuest) -> None:
    own = "".join(f"\n    def {name}(self, *args):\n        {body.format(name)}\n" for name in ("eval", "to", "half"))
    guest = load_guest(TWO_CONVS.replace("\n\ndef srmodel", f"{own}\n\ndef srmodel"))
    plain = load_guest()
    torch.testing.assert_close(forward(guest, IMAGE, EAGER_FP32), forward(plain, IMAGE, EAGER_FP32))
    assert dtypes(guest.model(EAGER_FP32.in_precision(Precision.FP16))) == {torch.float16}
    assert dtypes(guest.model(EAGER_FP32)) == {torch.float32}


@pytest.mark.parametrize("decorator", ["", "@__import__('functools').cache\n"])
def test_a_network_that_the_entry_keeps_is_not_changed_by_conversions(decorator: str, load_guest: LoadGuest) -> None:
    guest = load_guest(TWO_CONVS.replace("def srmodel", f"{decorator}def srmodel"))
    exact = forward(guest, IMAGE, EAGER_FP32)
    assert forward(guest, IMAGE, EAGER_FP32.in_precision(Precision.BF16)).dtype is torch.bfloat16
    assert torch.equal(forward(guest, IMAGE, EAGER_FP32), exact)
    guest.build().to("meta")
    guest.forget()
    assert torch.equal(forward(guest, IMAGE, EAGER_FP32), exact)


def test_a_network_that_was_built_in_inference_mode_takes_weights(load_guest: LoadGuest, tmp_path: Path) -> None:
    source = TWO_CONVS.replace("def srmodel", "@torch.inference_mode()\ndef srmodel")
    held = {name: torch.full_like(one, 0.5) for name, one in load_guest().model(EAGER_FP32).state_dict().items()}
    torch.save(held, tmp_path / "w.pth")
    loaded = load_guest(source, checkpoint=tmp_path / "w.pth").model(EAGER_FP32)
    assert all(bool((value == 0.5).all()) for value in loaded.state_dict().values())


GRADIENTS = """
    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            y = self.tail(torch.relu(self.head(x)))
            (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
            return nn.functional.pixel_shuffle(y, self.scale) + slope.mean()
"""


@pytest.mark.parametrize("trains", ["", "            y.sum().backward(retain_graph=True)\n"])
def test_a_model_that_enables_gradients_is_treated_like_any_other(
    trains: str, load_guest: LoadGuest, tmp_path: Path
) -> None:
    source = TWO_CONVS[: TWO_CONVS.index("    def forward")] + GRADIENTS.lstrip("\n")
    source = source.replace("            return nn", f"{trains}            return nn")
    guest = load_guest(source + "\n\ndef srmodel(**args):\n    return Net(**args)\n")
    output = forward(guest, IMAGE, EAGER_FP32)
    assert not output.requires_grad
    assert checked(output, 1, Size(12, 20)).numpy().shape == (1, 3, 12, 20)
    findings = contract.check(guest, ASKED).findings
    assert all(finding.ok is not False for finding in findings), findings


def test_a_tensor_that_a_model_keeps_between_calls_can_be_written_to_in_all(load_guest: LoadGuest) -> None:
    source = TWO_CONVS.replace(
        "        return nn",
        "        self.kept = torch.zeros_like(x) if getattr(self, 'kept', None) is None else self.kept\n"
        "        x = self.kept.copy_(x)\n        return nn",
    )
    guest = load_guest(source)
    first = forward(guest, IMAGE, EAGER_FP32)
    with torch.no_grad():
        assert torch.equal(guest.model(EAGER_FP32)(IMAGE), first)


@pytest.mark.parametrize(
    ("change", "read", "told"),
    [
        ("torch.set_default_dtype(torch.float64)", torch.get_default_dtype, "the default dtype to torch.float64"),
        ("torch.set_default_device('meta')", torch.get_default_device, "the default device to meta"),
        ("torch.use_deterministic_algorithms(True)", torch.are_deterministic_algorithms_enabled, "deterministic"),
        ("torch.set_num_threads(torch.get_num_threads() + 3)", torch.get_num_threads, "the number of threads to"),
        ("torch.autograd.set_detect_anomaly(True)", torch.is_anomaly_enabled, "anomaly detection to True"),
        ("torch.set_float32_matmul_precision('medium')", torch.get_float32_matmul_precision, "products to medium"),
        ("torch.set_autocast_enabled('cpu', True)", lambda: torch.is_autocast_enabled("cpu"), "autocast on cpu"),
        ("torch.backends.cudnn.deterministic = True", lambda: torch.backends.cudnn.deterministic, "cudnn.determ"),
        ("torch.set_grad_enabled(False)", torch.is_grad_enabled, ""),
        ("warnings.simplefilter('error')", lambda: list(warnings.filters), ""),
        ("sys.setrecursionlimit(700)", sys.getrecursionlimit, ""),
    ],
)
def test_what_a_guest_changes_in_the_process_is_set_back(
    change: str, read: Any, told: str, load_guest: LoadGuest
) -> None:
    before = read()
    try:
        guest = load_guest(TWO_CONVS.replace(RETURN, f"    net = Net(**args)\n    {change}\n    return net", 1)
                           .replace("import torch", "import sys\nimport warnings\n\nimport torch", 1))  # fmt: skip
        assert read() == before
        assert [told in note and "it was set back to" in note for note in guest.notes] == [True] * bool(told)
        assert contract.find_scale(guest) == 2
        with pytest.raises(ZeroDivisionError):
            load_guest(f"import sys, warnings, torch\n{change}\n1 / 0\n")
        assert read() == before
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)


def test_an_entry_finds_its_files_wherever_its_code_went_since(load_guest: LoadGuest, tmp_path: Path) -> None:
    source = TWO_CONVS.replace(RETURN, "    open('arch.py').close()\n    import os\n    os.chdir('/')\n" + RETURN)
    guest = load_guest(source)
    assert Path.cwd() == Path("/")
    guest.build()
    os.chdir(tmp_path)


SCRIPT_FAILED = "The following operation failed in the TorchScript interpreter"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (BadGuest("the model is odd"), FailureKind.BAD_OUTPUT, "the model is odd"),
        (ValueError("first line\nSecond line:\n\tthird"), FailureKind.EXCEPTION,
         "ValueError: first line. Second line: third"),
        (ValueError(), FailureKind.EXCEPTION, "ValueError: (no message)"),
        (KeyboardInterrupt("stop"), FailureKind.EXCEPTION, "KeyboardInterrupt: stop"),
        (SystemExit(3), FailureKind.EXCEPTION, "SystemExit: 3"),
        (Unspeakable(), FailureKind.EXCEPTION, "Unspeakable: (its message can't be read: SystemExit)"),
        (MemoryError("a\nb"), FailureKind.OUT_OF_MEMORY, "out of memory: a b"),
        (RuntimeError(f"{SCRIPT_FAILED}.\nTraceback of TorchScript\nRuntimeError: sizes differ"), FailureKind.EXCEPTION,
         "RuntimeError: sizes differ. " + SCRIPT_FAILED + ". Traceback of TorchScript. RuntimeError: sizes differ"),
    ],
)  # fmt: skip
def test_the_whole_reason_of_a_failure_is_kept(error: BaseException, kind: FailureKind, words: str) -> None:
    assert (kind_of(error), reason_of(error)) == (kind, words)


@pytest.mark.parametrize("error", ["KeyboardInterrupt('stop it')", "GeneratorExit('stop it')", "SystemExit('stop it')"])
def test_check_names_any_exception_of_a_call(error: str, load_guest: LoadGuest) -> None:
    guest = load_guest(TWO_CONVS.replace("        return nn", f"        raise {error}\n        return nn"))
    findings = contract.check(guest, ASKED).findings
    name = error.partition("(")[0]
    assert {finding.answer.removeprefix("no: ") for finding in findings} == {f"{name}: stop it"}


def findings(guest: Guest) -> dict[str, bool | None]:
    found = contract.check(guest, replace(ASKED, sizes=(Size(24, 40), Size(25, 41)))).findings
    return {finding.question: finding.ok for finding in found}


@pytest.mark.parametrize(
    ("name", "question"),
    [("random_output", "deterministic"), ("mutates_input", "input untouched"), ("nan_output", "input 24x40")],
)
def test_check_names_what_is_wrong(name: str, question: str, load_guest: LoadGuest) -> None:
    assert findings(load_guest(folder=GUESTS / name))[question] is False


def test_half_precision_that_overflows_is_a_note_not_a_fault(load_guest: LoadGuest) -> None:
    found = findings(load_guest(folder=GUESTS / "nan_in_fp16"))
    assert found["fp16 safe"] is None
    assert found["bf16 safe"] is not False
    assert found["input 24x40"] is True


def test_what_the_harness_sets_for_a_timed_call_stays_between_calls(load_guest: LoadGuest) -> None:
    guest = load_guest()
    assert guest.state is not None
    try:
        torch.set_float32_matmul_precision("high")
        torch.set_num_threads(torch.get_num_threads() + 1)
        said = guest.state.restore()
        assert len(said) == 1
        assert "number of threads" in said[0]
        assert torch.get_float32_matmul_precision() == "high"
        assert len(guest.state.restore(loaded=True)) == 1
    finally:
        torch.set_float32_matmul_precision("highest")
