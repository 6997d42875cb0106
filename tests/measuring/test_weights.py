"""Files of weights: told by what they hold, unwrapped, matched by name, and refused in one useful line."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from loaded_guests import TWO_CONVS, LoadGuest
from safetensors.torch import save as as_safetensors
from torch import nn

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.measuring import weightfile
from rtsr_bench.measuring.guest import BadGuest, Notes
from rtsr_bench.measuring.keys import match
from rtsr_bench.measuring.weights import load_weights


class Net(nn.Module):
    def __init__(self, scale: int = 2) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.tail = nn.Conv2d(8, 3 * scale * scale, 3, padding=1)


def weights(value: float = 0.5, scale: int = 2) -> dict[str, torch.Tensor]:
    return {name: torch.full_like(one, value) for name, one in Net(scale).state_dict().items()}


def fitted(content: Any, path: Path, *, net: nn.Module | None = None, scale: int = 2) -> tuple[nn.Module, Notes]:
    torch.save(content, path)
    net, notes = net or Net(), Notes()
    load_weights(net, path, allow_pickle=False, scale=scale, notes=notes)
    return net, notes


def under(prefix: str, held: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + name: value for name, value in held.items()}


@pytest.mark.parametrize(
    "keys",
    [
        ("state_dict",), ("params",), ("params_ema",), ("model",), ("model_state_dict",), ("net",), ("generator",),
        ("ema",), ("ema", "state_dict"), ("checkpoint", "model", "params"), ("my_own_word",),
    ],
)  # fmt: skip
def test_weights_are_found_in_any_wrapping(keys: tuple[str, ...], tmp_path: Path) -> None:
    held: Any = weights()
    for key in reversed(keys):
        held = {key: held, "epoch": 3}
    net, notes = fitted(held, tmp_path / "w.pth")
    assert all(bool((value == 0.5).all()) for value in net.state_dict().values())
    assert notes[0].startswith(f"w.pth: the weights are those in `{'.'.join(keys)}`; beside it: ")
    assert "`epoch`" in notes[0]


@pytest.mark.parametrize(
    ("plain", "averaged"),
    [("params", "params_ema"), ("state_dict", "state_dict_ema"), ("model", "ema"), ("model", "model_ema"),
     ("generator", "ema_state_dict")],
)  # fmt: skip
def test_averaged_weights_are_preferred_and_others_are_named(plain: str, averaged: str, tmp_path: Path) -> None:
    optimizer = torch.optim.Adam(Net().parameters()).state_dict()
    held = {plain: weights(0.25), averaged: under("module.", weights(0.75)), "optimizer": optimizer}
    net, notes = fitted(held, tmp_path / "w.pth")
    assert bool((net.state_dict()["head.bias"] == 0.75).all())
    assert notes[0] == f"w.pth: the weights are those in `{averaged}`; beside it: `{plain}`, `optimizer`"
    assert notes[1] == f'w.pth: `{plain}` fits as well; weights_key = "{plain}" in the manifest chooses it'


def test_an_average_of_parts_of_a_network_is_not_taken_and_said_to_be_there(tmp_path: Path) -> None:
    part = {name: value for name, value in weights(0.75).items() if name.startswith("head")}
    net, notes = fitted({"params": weights(0.25), "params_ema": part}, tmp_path / "w.pth")
    assert bool((net.state_dict()["head.bias"] == 0.25).all())
    assert notes == [
        "w.pth: the weights are those in `params`; beside it: `params_ema`",
        "w.pth: `params_ema` does not fit the network: 2 missing, 0 unexpected, 0 of another shape",
    ]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module.",
                                    "model.", "net_g.module."])  # fmt: skip
@pytest.mark.parametrize("write", ["pth", "legacy.pth", "safetensors", "safetensors.pth", "pth.safetensors"])
def test_prefixes_are_taken_off_in_every_type_of_file(prefix: str, write: str, tmp_path: Path) -> None:
    path, held, notes, net = tmp_path / f"w.{write}", under(prefix, weights()), Notes(), Net()
    if write.startswith("safetensors"):
        path.write_bytes(as_safetensors(held))
    else:
        torch.save(held, path, _use_new_zipfile_serialization=not write.startswith("legacy"))
    load_weights(net, path, allow_pickle=False, scale=2, notes=notes)
    assert all(bool((value == 0.5).all()) for value in net.state_dict().values())
    assert any("taken off the names of" in note for note in notes)


def test_a_prefix_in_the_middle_of_a_name_is_that_of_a_compiled_part(tmp_path: Path) -> None:
    held = {name.replace("tail.", "tail._orig_mod."): value for name, value in weights().items()}
    net, notes = fitted(held, tmp_path / "w.pth")
    assert bool((net.state_dict()["tail.bias"] == 0.5).all())
    assert notes == ["w.pth: `_orig_mod.` was taken off the names of 2 weights"]


def test_a_wrapped_network_takes_the_weights_of_a_plain_one(tmp_path: Path) -> None:
    net, notes = fitted(weights(), tmp_path / "w.pth", net=nn.DataParallel(Net()))
    assert bool((net.state_dict()["module.tail.bias"] == 0.5).all())
    assert notes == ["w.pth: `module.` was put before the names of 4 weights"]


class PartCalledModule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Conv2d(3, 8, 3)
        self.up = nn.Conv2d(8, 12, 3)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_a_part_that_is_really_called_module_keeps_its_name(prefix: str, tmp_path: Path) -> None:
    held = {name: torch.full_like(value, 0.5) for name, value in PartCalledModule().state_dict().items()}
    net, notes = fitted(under(prefix, held), tmp_path / "w.pth", net=PartCalledModule())
    assert all(bool((value == 0.5).all()) for value in net.state_dict().values())
    assert bool(notes) is bool(prefix)


def test_names_that_would_become_one_stay_as_they_are() -> None:
    own = {"weight": torch.zeros(1), "module.weight": torch.zeros(2)}
    for prefix in ("", "module.", "module.module."):
        names = match(under(prefix, own), own)
        assert names.own == {prefix + name: name for name in own}
        assert not names.faults


def test_a_counter_of_an_averaged_model_is_left_out_and_said(tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(Net())
    _, notes = fitted(averaged.state_dict(), tmp_path / "w.pth")
    assert notes == [
        "w.pth: `module.` was taken off the names of 4 weights",
        "w.pth: left out, no weights of the network: n_averaged",
    ]


def test_weights_older_than_the_counter_of_batch_normalization_fit(tmp_path: Path) -> None:
    held = {name: value for name, value in nn.BatchNorm2d(3).state_dict().items() if "tracked" not in name}
    fitted(under("module.", held), tmp_path / "w.pth", net=nn.BatchNorm2d(3))


def refusal(content: Any, path: Path, **more: Any) -> str:
    with pytest.raises(BadGuest) as caught:
        fitted(content, path, **more)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("prefix", ["model.", "model.net.", "net_g.module.", "generator."])
@pytest.mark.parametrize("keys", [(), ("state_dict",)])
def test_a_network_is_found_beside_its_losses_in_one_state_dict(
    prefix: str, keys: tuple[str, ...], tmp_path: Path
) -> None:
    held: Any = under(prefix, weights()) | {"loss.vgg.weight": torch.ones(3), "discriminator.head.bias": torch.ones(8)}
    held |= {"model.loss.weight": torch.ones(1)} if prefix == "model.net." else {}
    for key in keys:
        held = {key: held, "epoch": 3}
    net, notes = fitted(held, tmp_path / "w.pth")
    assert all(bool((value == 0.5).all()) for value in net.state_dict().values())
    name = ".".join((*keys, f"{prefix.removesuffix('module.').removesuffix('.')}.*"))
    assert notes[0].startswith(f"w.pth: the weights are those in `{name}`; beside it: `")
    assert f"`{prefix.replace('module.', '')}` was taken off the names of all weights" in notes[-1]


def test_an_average_in_the_same_state_dict_is_preferred(tmp_path: Path) -> None:
    held = under("model.", weights(0.25)) | under("ema_model.", weights(0.75))
    net, notes = fitted(held, tmp_path / "w.pth")
    assert bool((net.state_dict()["head.bias"] == 0.75).all())
    assert notes[0] == "w.pth: the weights are those in `ema_model.*`; beside it: `model.*`"


def test_a_part_that_fits_only_partly_is_not_taken(tmp_path: Path) -> None:
    held = under("model.", {name: value for name, value in weights().items() if name != "head.bias"})
    said = refusal(held | {"loss.weight": torch.ones(3)}, tmp_path / "w.pth")
    assert said.startswith("w.pth does not fit the network: 4 missing, 4 unexpected, 0 of another shape. ")


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = Net()


def test_a_prefix_of_the_network_is_put_before_the_names_of_a_file(tmp_path: Path) -> None:
    net, notes = fitted(under("module.", weights()), tmp_path / "w.pth", net=Wrapped())
    assert bool((net.state_dict()["net.tail.bias"] == 0.5).all())
    assert notes[-1] == "w.pth: `net.` was put before the names of all weights"


def test_weights_in_a_list_are_found(tmp_path: Path) -> None:
    _, notes = fitted([3, weights()], tmp_path / "w.pth")
    assert notes[0].startswith("w.pth: the weights are those in `1`")


@pytest.mark.parametrize(("key", "value"), [("params", 0.25), ("params_ema", 0.75), ("ema.state_dict", 0.9)])
def test_the_manifest_chooses_among_several_weights(key: str, value: float, tmp_path: Path) -> None:
    held = {"params": weights(0.25), "params_ema": weights(0.75), "ema": {"state_dict": weights(0.9)}}
    torch.save(held, tmp_path / "w.pth")
    net, notes = Net(), Notes()
    load_weights(net, tmp_path / "w.pth", allow_pickle=False, scale=2, notes=notes, key=key)
    assert bool((net.state_dict()["head.bias"] == value).all())
    assert notes[0].startswith(f"w.pth: the weights are those in `{key}`; beside it: ")
    with pytest.raises(BadGuest) as caught:
        load_weights(net, tmp_path / "w.pth", allow_pickle=False, scale=2, notes=notes, key="parms")
    assert "weights_key: expected the name of weights in w.pth (" in str(caught.value)
    assert "found 'parms'; correct it" in str(caught.value)


def test_weights_that_do_not_fit_get_one_useful_line(tmp_path: Path) -> None:
    held = weights() | {f"extra.{number}": torch.zeros(1) for number in range(5)}
    del held["head.bias"]
    assert refusal({"net": held}, tmp_path / "w.pth") == (
        "w.pth, `net`, does not fit the network: 1 missing, 5 unexpected, 0 of another shape. "
        "Missing in the file: head.bias. Unknown to the network: extra.0, extra.1, extra.2 and 2 more"
    )


@pytest.mark.parametrize("made_for", [3, 4])
def test_weights_of_another_scale_are_said_to_be_such(made_for: int, tmp_path: Path) -> None:
    channels = 3 * made_for**2
    assert refusal(weights(scale=made_for), tmp_path / "w.pth") == (
        "w.pth does not fit the network: 0 missing, 0 unexpected, 2 of another shape. "
        f"Of another shape: tail.weight ({channels}x8x3x3 in the file, 12x8x3x3 in the network), "
        f"tail.bias ({channels} in the file, 12 in the network). "
        f"The shapes are those of scale {made_for}; the model is declared as x2"
    )


def test_weights_of_another_width_are_not_said_to_be_of_another_scale(tmp_path: Path) -> None:
    held = weights() | {"head.bias": torch.zeros(13)}
    assert "scale" not in refusal(held, tmp_path / "w.pth")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3, "lr": 0.1}, {}, torch.zeros(3)])
def test_a_file_without_weights_says_what_it_holds(content: Any, tmp_path: Path) -> None:
    assert f"w.pth holds a {type(content).__name__}" in refusal(content, tmp_path / "w.pth")


def as_torch(path: Path, **more: Any) -> bytes:
    torch.save(weights(), path, **more)
    return path.read_bytes()


SAVED: dict[str, Callable[[Path], bytes]] = {
    "zip": as_torch,
    "legacy": lambda path: as_torch(path, _use_new_zipfile_serialization=False),
    "safetensors": lambda path: as_safetensors(weights()),
}


@pytest.mark.parametrize("form", SAVED)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_called_truncated(form: str, part: float, tmp_path: Path) -> None:
    whole = SAVED[form](tmp_path / "whole.pth")
    path = tmp_path / "w.pth"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(BadGuest, match=r"^w\.pth is truncated: .* copy or download it again$"):
        load_weights(Net(), path, allow_pickle=False, scale=2, notes=Notes())


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (POINTER, "is a Git LFS pointer (70 bytes that stand for the file), not the weights; run `git lfs pull`"),
        (
            b"<!DOCTYPE html>\n<html>Sign in</html>",
            "is a web page (HTML or XML), not weights; download the file itself",
        ),
        (b"\n <html><head>", "is a web page"),
        (b'{"message": "Not Found"}', 'is a text that begins with \'{"message": "Not Found"}\''),
        (b"../weights/e100.pth\n", "is a text that begins with '../weights/e100.pth', expected weights"),
        (b"\x1f\x8b\x08\x00rest", "is a gzip archive; unpack it first"),
        (b"PK\x05\x06" + bytes(18), "is a zip archive of other files"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "is an HDF5 file"),
        (b"\x08\x07\x12\x07pytorch" + bytes(300), "is not a weight file: torch.save and safetensors did not write it"),
        (pickle.dumps({"a": 1}, protocol=2), "is a pickle that torch.save did not write"),
    ],
)
def test_file_without_weights_is_named_with_a_solution(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"  # the name says nothing
    path.write_bytes(content)
    with pytest.raises(BadGuest) as caught:
        load_weights(Net(), path, allow_pickle=False, scale=2, notes=Notes())
    assert str(caught.value).startswith(f"w.safetensors {words}")


def test_a_whole_model_is_refused_by_the_name_of_what_it_needs(tmp_path: Path) -> None:
    said = refusal(Net(), tmp_path / "w.pth")
    assert said.startswith("w.pth holds more than weights (")
    assert "Net), which could run code as it is read, and is refused; save the state dict alone" in said


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_torchscript_archive_gives_its_weights_and_says_so(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 12, 3))
    path, notes, other = tmp_path / "w.pth", Notes(), nn.Sequential(nn.Conv2d(3, 12, 3))
    torch.jit.script(net).save(path)
    load_weights(other, path, allow_pickle=False, scale=2, notes=notes)
    assert torch.equal(other[0].weight, net[0].weight)
    assert notes == ["w.pth is a TorchScript archive and was read as such"]
    torch.jit.freeze(torch.jit.script(net.eval())).save(path)
    with pytest.raises(BadGuest, match=r'archive without weights of its own \(frozen\); .*format = "torchscript"'):
        load_weights(other, path, allow_pickle=False, scale=2, notes=Notes())


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_file_of_another_format_is_named(load_guest: LoadGuest, tmp_path: Path) -> None:
    script, state, pointer = (tmp_path / name for name in ("net.pt", "state.pt", "pointer.pt"))
    torch.jit.script(nn.Conv2d(3, 3, 1)).save(script)
    torch.save(weights(), state)
    pointer.write_bytes(POINTER)
    program = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(nn.Conv2d(3, 3, 1), (torch.zeros(1, 3, 4, 4),)), program)
    for form, path, words in (
        (
            "torchscript",
            state,
            "state.pt is a file of torch.save, expected a TorchScript archive; save it with torch.jit",
        ),
        ("torchscript", program, "net.pt2 is a torch.export program, expected a TorchScript archive"),
        ("torch-export", script, "net.pt is a TorchScript archive, expected a torch.export program"),
        ("onnx", state, "state.pt is a file of torch.save, expected a file of another type"),
        *((form, pointer, "pointer.pt is a Git LFS pointer") for form in ("torchscript", "torch-export", "onnx")),
        ("python", program, 'net.pt2 is a torch.export program, not weights alone; submit it with format = "torch-ex'),
    ):
        with pytest.raises(BadGuest) as caught:
            load_guest(format=form, checkpoint=path)
        assert str(caught.value).startswith(words)


@pytest.mark.parametrize("read", ["torch.load('w.pth')", "torch.jit.load('w.pth')",
                                  "__import__('safetensors.torch').torch.load_file('w.pth')"])  # fmt: skip
@pytest.mark.parametrize("content", [POINTER, b"", b"<html>"])
def test_a_guest_that_reads_such_a_file_itself_gets_the_same_line(
    read: str, content: bytes, load_guest: LoadGuest, tmp_path: Path
) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "w.pth").write_bytes(content)
    with pytest.raises(BadGuest) as caught:
        load_guest(TWO_CONVS.replace("    return Net", f"    {read}\n    return Net"))
    with pytest.raises(BadGuest) as ours:
        weightfile.kind_of(tmp_path / "team" / "w.pth")
    assert str(caught.value) == str(ours.value)


def test_an_error_of_a_guests_own_stays_its_own(load_guest: LoadGuest) -> None:
    with pytest.raises(RuntimeError, match="no luck"):
        load_guest(TWO_CONVS.replace("    return Net", "    raise RuntimeError('no luck')\n    return Net"))


def test_notes_are_fit_to_be_shown_and_short() -> None:
    notes = Notes()
    notes.add("a\n b")
    notes.add("a b")
    notes.add("\x1b[31m\u202e" + "x" * 999)
    assert notes[0] == "a b"
    assert notes[1].startswith("\\x1b[31m\\u202exxx")
    assert len(notes) == 2
    assert len(notes[1]) == 300


def test_half_weights_in_a_file_are_said(load_guest: LoadGuest, tmp_path: Path) -> None:
    torch.save({name: value.half() for name, value in weights().items()}, tmp_path / "w.pth")
    guest = load_guest(checkpoint=tmp_path / "w.pth")
    assert guest.notes == ["w.pth: holds float16, converted to the network's float32"]
    assert guest.model(EAGER_FP32).head.bias.dtype is torch.float32
