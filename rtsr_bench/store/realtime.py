"""Results of `rtsr-bench realtime` on disk: one JSON file each in a folder of their own, never overwritten."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from rtsr_bench.errors import HarnessError
from rtsr_bench.files.slug import slug
from rtsr_bench.files.writing import aside, name_finished, write_durably
from rtsr_bench.record.realtime import REALTIME_SCHEMA, Realtime
from rtsr_bench.store import MAX_BYTES, read_schema

FOLDER = "realtime"
"""Name of the folder of results, beside the folder of records."""

_MOST_FILES = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedRealtime:
    """The readable results of a folder by file name, and a sentence for each other file."""

    results: dict[str, Realtime]
    problems: tuple[str, ...]


def beside(records: Path) -> Path:
    """Return the folder of results that belongs to a folder of records."""
    return records.parent / FOLDER


def encode_realtime(result: Realtime) -> bytes:
    """Encode a result as JSON; ValueError if a number is not finite."""
    return (json.dumps(asdict(result), indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def decode_realtime(data: bytes) -> Realtime:
    """Decode a result from JSON; ValueError with one sentence if it is invalid."""
    raw, _ = read_schema(data, REALTIME_SCHEMA, "a result of `realtime`")
    unknown = sorted(set(raw) - set(Realtime.__dataclass_fields__))
    if unknown:
        raise ValueError(f"is damaged: unknown field `{unknown[0]}`")
    try:
        return msgspec.convert(raw, Realtime)
    except msgspec.ValidationError as error:
        raise ValueError(f"is damaged: {error}") from None


def load_realtime(folder: Path) -> LoadedRealtime:
    """Read every result in a folder; each invalid file is a problem. A folder that does not exist has none."""
    results, problems = {}, []
    for path in sorted(folder.glob("*.json"))[:_MOST_FILES] if folder.is_dir() else ():
        name = f"{folder.name}/{path.name}"
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"is larger than {MAX_BYTES} bytes, the limit for a result")
            results[path.name] = decode_realtime(path.read_bytes())
        except ValueError as error:
            problems.append(f"{name} {error}")
        except OSError as error:
            problems.append(f"{name} cannot be read: {error.strerror}")
    return LoadedRealtime(results=results, problems=tuple(problems))


def save_realtime(result: Realtime, folder: Path) -> Path:
    """Write a result into the folder under an unused name; returns its path. HarnessError if writing fails."""
    stamp = re.sub(r"[^0-9T]", "", result.started)[:15]
    name = "__".join((slug(result.model.id, most=80), slug(result.system.device_name, most=80), stamp))
    try:
        with aside(folder / f".{FOLDER}.json") as part:
            write_durably(part, encode_realtime(result))
            for attempt in range(1000):
                path = folder / f"{name}{f'-{attempt}' if attempt else ''}.json"
                try:
                    name_finished(part, path)
                except FileExistsError:
                    continue
                return path
    except OSError as error:
        raise HarnessError(f"the result of {result.model.id} could not be written to {folder}: {error}") from error
    raise HarnessError(f"{folder} already has a thousand results called {name}")
