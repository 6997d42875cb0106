"""Reading a file of weights, by what its first bytes say it is and not by its name."""

from __future__ import annotations

import json
import pickle
import pickletools
import re
import struct
import warnings
import zipfile
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import torch

from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.text import unfit

_LFS = b"version https://git-lfs"
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number that every file of `torch.save` began with before torch 1.6, as a pickle."""

_PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")
"""Pickle protocols that begin with their own number."""

_MOST_HEADER = 100_000_000
"""Bytes of the longest header that safetensors reads."""

_OTHERS = {
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"BZh": "a bzip2 archive; unpack it first",
    b"\xfd7zXZ": "an xz archive; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x89HDF": "an HDF5 file, as Keras writes it; save the weights with torch.save or safetensors",
    b"\x93NUMPY": "a NumPy array; save the weights with torch.save or safetensors",
    b"\x89PNG": "a PNG image; name the file of the weights",
}
_READERS = {"torch/serialization.py": "f", "jit/_serialization.py": "f", "safetensors/torch.py": "filename"}
"""Modules that read files of weights, and what the file is called in their functions."""

_GLOBAL = re.compile(r"Unsupported (?:global: GLOBAL|class) ([\w.]+)")


class Kind(StrEnum):
    """The type of a file; `OTHER` is none of the types that are recognised here."""

    TORCH = "a file of torch.save"
    SAFETENSORS = "a safetensors file"
    TORCHSCRIPT = "a TorchScript archive"
    EXPORT = "a torch.export program"
    OTHER = "a file of another type"


def kind_of(path: Path) -> Kind:
    """Tell what a file is; BadGuest, one line, for a file that can't be what anybody wanted to submit.

    Those are a Git LFS pointer, a web page or other text, an empty file, a truncated one, an archive of another kind.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(512)
        if not head:
            raise BadGuest(f"{path.name} is empty (0 bytes), expected weights; save or copy it again")
        if head.startswith(b"PK"):
            return _kind_of_zip(path)
        if _is_safetensors(head):
            _see_whole(path, file, size)
            return Kind.SAFETENSORS
    if head[:1] == b"\x80" and head[1:2] in _PROTOCOLS:
        return Kind.TORCH
    if head.startswith(_LFS):
        raise BadGuest(
            f"{path.name} is a Git LFS pointer ({size} bytes that stand for the file), not the weights; "
            "run `git lfs pull` and submit the file that it fetches"
        )
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise BadGuest(f"{path.name} is {what}")
    _refuse_text(path, head)
    return Kind.OTHER


def expect(path: Path, allowed: Collection[Kind], hint: str) -> None:
    """See that a file is of one of these kinds; BadGuest with what to do for another one.

    One that is not there is left to its reader.
    """
    if not path.is_file():
        return
    kind = kind_of(path)
    if kind not in allowed:
        raise BadGuest(f"{path.name} is {kind.value}, expected {' or '.join(one.value for one in allowed)}; {hint}")


def read(path: Path, kind: Kind, *, allow_pickle: bool) -> Any:
    """Read a file of weights of a kind as data: tensors by name, or what `torch.save` put around them.

    With `allow_pickle` any pickle, which may run what its author wrote: the caller sees to the room it runs in.
    BadGuest, one line, for what can't be read.
    """
    match kind:
        case Kind.SAFETENSORS:
            return _read_safetensors(path)
        case Kind.TORCHSCRIPT:
            return _read_torchscript(path)
        case Kind.TORCH:
            return _read_torch(path, allow_pickle=allow_pickle)
        case Kind.EXPORT:
            raise BadGuest(
                f'{path.name} is a torch.export program, not weights alone; submit it with format = "torch-export"'
            )
        case _:
            raise BadGuest(
                f"{path.name} is not a weight file: torch.save and safetensors did not write it; save it with "
                "torch.save(model.state_dict(), path) or safetensors.torch.save_file(model.state_dict(), path)"
            )


def complaint(error: BaseException) -> str | None:
    """Say what is wrong with the file that was being read when a guest's own code raised; None where nothing is."""
    trace = error.__traceback__
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
        source = Path(frame.f_code.co_filename)
        name = _READERS.get(f"{source.parent.name}/{source.name}")
        path = frame.f_locals.get(name) if name else None
        if isinstance(path, str | Path) and Path(path).is_file():
            return _complaint(Path(path), by=source.parent.name)
    return None


def _complaint(path: Path, *, by: str) -> str | None:
    try:
        kind = kind_of(path)
    except BadGuest as bad:
        return str(bad)
    if by == "torch" and kind is Kind.SAFETENSORS:
        return f"{path.name} is a safetensors file, which torch.load does not read; use safetensors.torch.load_file"
    if by == "torch" and kind is Kind.TORCH and _is_cut(path):
        return _truncated(path)
    return None


def _truncated(path: Path, why: str = "its end is missing") -> str:
    return f"{path.name} is truncated: {why}, {path.stat().st_size} bytes are there; copy or download it again"


def _kind_of_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, struct.error) as error:
        raise BadGuest(_truncated(path)) from error
    names = {name.partition("/")[2] for name in inside} | set(inside)
    if names & {"archive_format", "models/model.json", "serialized_exported_program.json"}:
        return Kind.EXPORT
    if "constants.pkl" in names:
        return Kind.TORCHSCRIPT
    if "data.pkl" in names:
        return Kind.TORCH
    some = ", ".join(ascii(name)[1:-1] for name in inside[:3])
    raise BadGuest(f"{path.name} is a zip archive of other files ({some}); unpack it and name the file of the weights")


def _is_safetensors(head: bytes) -> bool:
    return len(head) > 9 and 0 < int.from_bytes(head[:8], "little") <= _MOST_HEADER and head[8:9] == b"{"


def _see_whole(path: Path, file: BinaryIO, size: int) -> None:
    """See that all bytes that a safetensors header speaks of are there; what else is wrong its reader says."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    text = file.read(length)
    if len(text) < length:
        raise BadGuest(_truncated(path))
    try:
        tensors = [about for name, about in json.loads(text).items() if name != "__metadata__"]
        ends = max((int(about["data_offsets"][1]) for about in tensors), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return
    if 8 + length + ends > size:
        raise BadGuest(_truncated(path, f"{8 + length + ends} bytes are expected"))


def _refuse_text(path: Path, head: bytes) -> None:
    try:
        text = head.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return
    if any(unfit(char) and not char.isspace() for char in text):
        return
    if text[:1] == "<":
        raise BadGuest(
            f"{path.name} is a web page (HTML or XML), not weights; download the file itself, not the page about it"
        )
    raise BadGuest(f"{path.name} is a text that begins with {text[:60]!a}, expected weights; put the file there")


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise BadGuest(f"{path.name} is a damaged safetensors file: {error}; save it again") from error


def _read_torchscript(path: Path) -> dict[str, torch.Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found: dict[str, torch.Tensor] = torch.jit.load(path, map_location="cpu").state_dict()
    if not found:
        raise BadGuest(
            f"{path.name} is a TorchScript archive without weights of its own (frozen); "
            'submit it with format = "torchscript"'
        )
    return found


def _read_torch(path: Path, *, allow_pickle: bool) -> Any:
    try:
        return _torch_load(path, weights_only=True)
    except pickle.UnpicklingError as error:
        if _is_cut(path):
            raise BadGuest(_truncated(path)) from error
        if not allow_pickle:
            named = _GLOBAL.search(str(error))
            what = f" ({named[1]})" if named else ""
            raise BadGuest(
                f"{path.name} holds more than weights{what}, which could run code as it is read, and is refused; "
                "save the state dict alone (safetensors, or torch.save(model.state_dict(), path)), or read it "
                "in the sandbox with --allow-pickle"
            ) from error
        return _torch_load(path, weights_only=False)
    except (RuntimeError, EOFError, OSError, ValueError, struct.error) as error:
        if _is_cut(path) or "unexpected EOF" in str(error):
            raise BadGuest(_truncated(path)) from error
        if "allocate" in str(error):
            raise  # the machine's memory, not the file
        if "Invalid magic number" in str(error):
            raise BadGuest(
                f"{path.name} is a pickle that torch.save did not write; save it with "
                "torch.save(model.state_dict(), path)"
            ) from error
        raise BadGuest(f"{path.name} is damaged and can't be read: {error}; save or copy it again") from error


def _torch_load(path: Path, *, weights_only: bool) -> Any:
    with path.open("rb") as file:  # by its name torch would take it for a safetensors file
        return torch.load(file, map_location="cpu", weights_only=weights_only)


def _is_cut(path: Path) -> bool:
    """Whether a file of torch before 1.6 ends within its five pickles; they are looked through, not run."""
    with path.open("rb") as file:
        if not file.read(len(_LEGACY)).startswith(_LEGACY):
            return False
        file.seek(0)
        try:
            for _ in range(5):
                for _ in pickletools.genops(file):
                    pass
        except (ValueError, EOFError, struct.error, IndexError):
            return True
    return False
