"""Records on disk: one JSON file per record, written atomically, never overwritten.

A failed outcome is written as `{"failure": {...}}` instead of the measurement. Next to `NAME.json` there may be a
folder `NAME.crops` with small PNGs for the report and an `index.json` that describes them. `packing` makes both
smaller: records as `NAME.json.gz`, and PNGs by their hash in one folder.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import types
import typing
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.held import HeldFolder, sweep_held
from rtsr_bench.files.slug import slug
from rtsr_bench.files.writing import aside, name_finished, write_durably
from rtsr_bench.record import SCHEMA, Failure, Record

CROPS = ".crops"
"""Suffix of the folder of crops of a record."""

SHARED_CROPS = f"shared{CROPS}"
"""Folder beside records for PNGs that several of them use, each named by the beginning of its SHA-256."""

PACKED = ".gz"
"""Suffix of a record's file that is compressed with gzip."""

_TEMPORARY, _CROPS = ".tmp-", "crops"
_HINTS = typing.get_type_hints(Record)
MAX_BYTES = 64 * 1024 * 1024


def _with_values(raw: dict[str, Any]) -> dict[str, Any]:
    """The fidelities of schema 6, whose images had `mse`, `ssim` and `baseline_mse`, in the form of schema 7."""

    def table(image: dict[str, Any], field: str, name: str) -> dict[str, Any]:
        try:
            return {f"{name}/{convention}": value for convention, value in image[field].items()}
        except (KeyError, AttributeError):
            raise ValueError(f"is damaged at `fidelity`: an image of schemas before 7 has a table `{field}`") from None

    def image_of(old: Any) -> Any:
        if not isinstance(old, dict):
            return old
        values = table(old, "mse", "mse") | table(old, "ssim", "ssim")
        kept = {key: value for key, value in old.items() if key not in {"mse", "ssim", "baseline_mse"}}
        return {**kept, "values": values, "baseline": table(old, "baseline_mse", "mse")}

    found = {name: raw[name] for name in ("fidelity", "fidelity_fp32") if isinstance(raw.get(name), dict)}
    return {
        name: {**one, "images": [image_of(image) for image in one["images"]]}
        for name, one in found.items()
        if isinstance(one.get("images"), list)
    }


_RENAMED = {"made_twice": "repeatability", "handed_in": "submitted_images"}
"""Fields of schema 6 that schema 7 renamed."""


def _renamed(raw: dict[str, Any]) -> dict[str, Any]:
    return {_RENAMED.get(name, name): value for name, value in raw.items()}


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda raw: {**raw, "schema": 2},  # every model had weights: `untrained` is empty by default
    2: lambda raw: {**raw, "schema": 3},  # other comparisons were not stored: None; pickles were not allowed
    3: lambda raw: {**raw, "schema": 4},  # for images the difference over the spread was stored, without `mse`
    4: lambda raw: {**raw, "schema": 5},  # `trained_by` was not stored: empty
    5: lambda raw: {**raw, "schema": 6},  # the added fields have defaults that mean "not recorded"
    6: lambda raw: {**_renamed(raw), **_with_values(raw), "schema": 7},
}
"""Upgrades from one schema to the next, by the schema they start from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A record and its file."""

    path: Path
    record: Record

    @property
    def name(self) -> str:
        """The name of its file, the same whether it is packed or not."""
        return self.path.name.removesuffix(PACKED)

    @property
    def crops(self) -> Path | None:
        """The record's folder of crops; None if there is none."""
        folder = self.path.with_name(self.name).with_suffix(CROPS)
        return folder if (folder / "index.json").is_file() else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedRecords:
    """The contents of a folder of records: the readable ones in the order of their names, a sentence for each other."""

    records: tuple[Stored, ...]
    problems: tuple[str, ...]


def encode(record: Record) -> bytes:
    """Encode a record as JSON; ValueError if a number is not finite."""
    raw: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        plain = asdict(value) if hasattr(value, "__dataclass_fields__") else value
        raw[field.name] = {"failure": plain} if isinstance(value, Failure) else plain
    raw["data"] = [asdict(use) for use in record.data]
    return (json.dumps(raw, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def read_schema(data: bytes, newest: int, kind: str) -> tuple[dict[str, Any], int]:
    """Decode JSON of this kind and its schema; ValueError with one sentence if it is damaged or newer than `newest`."""
    try:
        raw = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ValueError(f"is damaged: {error}") from None
    schema = raw.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise ValueError(f"is not {kind}: its schema is {schema!r}, expected an integer from 1 to {newest}")
    if schema > newest:
        raise ValueError(f"has schema {schema}, newer than {newest}, the newest this version reads: update rtsr-bench")
    return raw, schema


def decode(data: bytes) -> Record:
    """Decode a record from JSON, upgrading older schemas; ValueError with one sentence if it is invalid."""
    raw, schema = read_schema(data, SCHEMA, "a record")
    for step in range(schema, SCHEMA):
        raw = UPGRADES[step](raw)
    values: dict[str, Any] = {}
    try:
        for name in Record.__dataclass_fields__:
            if name in raw:
                values[name] = _outcome(raw.pop(name), _HINTS[name])
        if raw:
            raise ValueError(f"unknown field `{next(iter(raw))}`")
        return Record(**values)
    except msgspec.ValidationError as error:
        raise ValueError(f"is damaged at `{name}`: {error}") from None
    except TypeError as error:
        raise ValueError(f"is damaged: {error}") from None


def _outcome(value: Any, hint: Any) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if Failure not in kinds:
        return msgspec.convert(value, hint)
    if value is None:
        return None
    if isinstance(value, dict) and "failure" in value:
        return msgspec.convert(value["failure"], Failure)
    return msgspec.convert(value, kinds[0])


def load_records(folder: Path) -> LoadedRecords:
    """Read every record at or below a folder, except in hidden folders and crops; each invalid file is a problem."""
    if not folder.is_dir():
        raise UserError(f"no folder of records at {folder}: `rtsr-bench run` writes one, or name it with --records DIR")
    records, problems = [], []
    for path in sorted(_record_files(folder)):
        try:
            records.append(Stored(path=path, record=decode(record_bytes(path))))
        except ValueError as error:
            problems.append(f"{path.relative_to(folder).as_posix()} {error}")
        except OSError as error:
            problems.append(f"{path.relative_to(folder).as_posix()} cannot be read: {error.strerror}")
    return LoadedRecords(records=tuple(records), problems=tuple(problems))


def record_bytes(path: Path) -> bytes:
    """Read the JSON in a record's file, unpacked; ValueError with one sentence if it is too large or damaged."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES} bytes, the limit for a record")
    if not path.name.endswith(PACKED):
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"is damaged: {error}") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES} bytes when unpacked, the limit for a record")
    return data


def is_record_name(name: str) -> bool:
    """Whether a file of this name is a record, packed or not."""
    return name.removesuffix(PACKED).endswith(".json")


def _record_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not name.endswith(CROPS))
        for name in files:
            plain = name.removesuffix(PACKED)
            if is_record_name(name) and not name.startswith(".") and (plain == name or plain not in files):
                yield Path(parent, name)


def prepare(folder: Path, what: str = "records") -> None:
    """Create the folder, check that it is writable (UserError), and remove temporary files of killed runs.

    `what` is kept there; the option that names the folder has the same name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{_TEMPORARY}{os.urandom(8).hex()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"cannot write {what} to {folder}: {error.strerror}; expected a writable folder, name one with --{what}"
        ) from None
    sweep_held(folder, _TEMPORARY)


@contextlib.contextmanager
def crops_workplace(folder: Path) -> Iterator[Path]:
    """Create a temporary folder in the folder of records to collect crops until `save` moves them."""
    with HeldFolder(folder, _TEMPORARY) as held:
        crops = held.path / _CROPS
        crops.mkdir()
        yield crops


def record_name(record: Record) -> str:
    """The name of a record's file without its ending; a number follows where several have the same one."""
    stamp = re.sub(r"[^0-9T]", "", record.started)[:15]
    return "__".join((record.track, slug(record.model.id, most=80), slug(record.system.device_name, most=80), stamp))


def save(record: Record, folder: Path, crops: Path | None = None) -> Path:
    """Write a record (and move its crops) into the folder; returns its path. HarnessError if writing fails."""
    name = record_name(record)
    paths = (folder / f"{name}{f'-{attempt}' if attempt else ''}.json" for attempt in range(1000))
    path = _save(record, paths, folder, crops)
    if path is None:
        raise HarnessError(f"{folder} already has a thousand records called {name}")
    return path


def save_as(record: Record, path: Path, crops: Path | None = None) -> Path:
    """Write a record (and move its crops) to this path; UserError if it exists, because records are not overwritten."""
    if _save(record, [path], path.parent, crops) is None:
        raise UserError(f"{path}: expected an unused name (records are never overwritten), found a file; name another")
    return path


def _save(record: Record, paths: Iterable[Path], folder: Path, crops: Path | None) -> Path | None:
    """Write a record to the first unused of these paths in the folder; None if all are used."""
    data = encode(record)
    try:
        with aside(folder / f"{_TEMPORARY}record.json") as part:
            write_durably(part, data)
            for path in paths:
                packed = path.with_name(f"{path.name}{PACKED}")
                if path.exists() or packed.exists() or path.with_suffix(CROPS).exists():
                    continue
                if crops is not None and (crops / "index.json").is_file():
                    crops.rename(path.with_suffix(CROPS))
                try:
                    name_finished(part, path)
                except FileExistsError:
                    continue
                return path
    except OSError as error:
        raise HarnessError(f"the record of {record.model.id} could not be written to {folder}: {error}") from error
    return None
