"""A campaign: everything that an organiser decides about a challenge, in one TOML file that can be reviewed."""

from __future__ import annotations

import glob
import hashlib
import re
from pathlib import Path
from typing import Any

from rtsr_bench.backends import BACKENDS, rules_of
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.overrides import ALL, LIMITS, Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.evaluate.settings import Output, Pace, Selection, Settings
from rtsr_bench.files.table import Table
from rtsr_bench.files.toml import bytes_of, parse_toml
from rtsr_bench.sandbox import Level
from rtsr_bench.submissions.discovery import by_number
from rtsr_bench.submissions.hubs import is_address
from rtsr_bench.submissions.references import named_by

VERSION = 1
LONGEST_HOURS = 10_000
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
_KEYS = (
    "version", "title", "submissions", "models", "tracks", "devices", "data_roots", "records", "threads", "jobs",
    "require_isolation", "with_requirements", "allow_pickle", "stub_missing", "max_hours", "fail_fast", "execution",
)  # fmt: skip


def read_campaign(file: Path) -> Settings:
    """Read a campaign file; paths in it are relative to its folder, and submissions may be patterns.

    UserError, one line, for whatever is wrong with it.
    """
    data = bytes_of(file, what="a campaign file")
    content = parse_toml(data, str(file))
    Table(content, str(file)).only(("campaign", "limits"))
    for name in ("campaign", "limits"):
        if not isinstance(content.get(name, {}), dict) or (name == "campaign" and name not in content):
            raise UserError(f"{file}: expected a table [{name}], found none; see docs/organisers.md for the form")
    table = Table(content["campaign"], f"{file}: [campaign]")
    table.only(_KEYS)
    table.choice("version", (VERSION,), example=str(VERSION))
    limits = Table(content.get("limits", {}), f"{file}: [limits]")
    limits.only(LIMITS)
    place = file.parent
    digest = hashlib.sha256(data).hexdigest()[:16]
    title = table.text("title", limit=100, default=file.stem, example='"RTSR 2026"')
    return Settings(
        selection=Selection(
            paths=_submissions(table, place),
            tracks=_texts(table, "tracks"),
            models=_texts(table, "models"),
            roots=tuple(place / root for root in _texts(table, "data_roots")),
            with_requirements=_switch(table, "with_requirements"),
        ),
        output=Output(
            records=place / table.text("records", limit=300, default="reports/records", example='"reports/records"')
        ),
        pace=Pace(
            at_once=int(_number(table, "jobs", 1, 64, whole=True) or 1),
            max_hours=_number(table, "max_hours", 0, LONGEST_HOURS),
            fail_fast=_switch(table, "fail_fast"),
        ),
        places=_places(table),
        overrides=Overrides(
            limits=tuple((name, _limit(limits, name)) for name in LIMITS if limits.has(name)),
        ),
        executions=_executions(table),
        title=f"{title} (campaign {digest})",
    )


def _executions(table: Table) -> tuple[str, ...]:
    named = _texts(table, "execution", single=table.has("execution") and isinstance(table.value("execution"), str))
    for one in named:
        if one == ALL:
            continue
        known = tuple(BACKENDS.all())
        if one.partition(":")[0] not in known:
            expected = f"one of {', '.join(known)}, {ALL}"
            raise table.mistake("execution", expected=expected, hint=f'write execution = "{known[0]}"')
        try:
            lacks = BACKENDS.find(str(rules_of(one)["backend"])).lacks
        except UserError as error:
            raise UserError(f"{table.where} {error}") from None
        if lacks:
            raise UserError(f"{table.where} {lacks}")
    return named


def _places(table: Table) -> tuple[Place, ...]:
    devices = _texts(table, "devices") or ("auto",)
    if not all(_DEVICE.fullmatch(device) for device in devices):
        raise table.mistake("devices", expected="cpu, cuda, cuda:N or auto", hint='write devices = ["cuda:0"]')
    isolation = _texts(table, "require_isolation", single=True)
    if isolation and isolation[0] not in ("process", "bubblewrap"):
        raise table.mistake(
            "require_isolation", expected="process or bubblewrap", hint='write require_isolation = "bubblewrap"'
        )
    threads = int(_number(table, "threads", 0, 1024, whole=True) or 0)
    return tuple(
        Place(
            device=device,
            threads=threads,
            isolation=Level(isolation[0]) if isolation else None,
            allow_pickle=_switch(table, "allow_pickle"),
            stub_missing=_switch(table, "stub_missing"),
        )
        for device in devices
    )


def _submissions(table: Table, place: Path) -> tuple[Path, ...]:
    """The paths that the patterns match, each once, in the order of the patterns and by number and name within one."""
    found: dict[Path, None] = {}
    for pattern in _texts(table, "submissions"):
        if is_address(Path(pattern)):
            found[Path(pattern)] = None
            continue
        matches = sorted(glob.glob(pattern, root_dir=place), key=by_number)  # noqa: PTH207 - Path's refuses absolute patterns
        named = [place / match for match in matches] or [one for one in named_by(Path(pattern)) if one.exists()]
        if not named:
            raise UserError(
                f"{table.where} submissions: expected something at {pattern!r}, found nothing in {place}; correct it"
            )
        found.update(dict.fromkeys(named))
    if not found:
        raise table.mistake("submissions", expected="an array of paths", hint='write submissions = ["entries/*"]')
    return tuple(found)


def _texts(table: Table, key: str, *, single: bool = False) -> tuple[str, ...]:
    value: Any = table.value(key) if table.has(key) else []
    values = [value] if single and table.has(key) else value
    if not isinstance(values, list) or not all(isinstance(one, str) and one for one in values):
        what = "a text" if single else "an array of texts"
        raise table.mistake(key, expected=what, hint="correct it, or leave it out")
    return tuple(dict.fromkeys(values))


def _switch(table: Table, key: str) -> bool:
    value = table.value(key) if table.has(key) else False
    if not isinstance(value, bool):
        raise table.mistake(key, expected="true or false", hint=f"write {key} = true")
    return value


def _limit(table: Table, key: str) -> float:
    seconds = _number(table, key, 0.001, 999_999)
    assert seconds is not None, "only keys that are there are asked for"
    return seconds


def _number(table: Table, key: str, least: float, most: float, *, whole: bool = False) -> float | None:
    if not table.has(key):
        return None
    value = table.value(key)
    kinds = (int,) if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value <= most:
        what = "a whole number" if whole else "a number"
        raise table.mistake(key, expected=f"{what} from {least:g} to {most:g}", hint=f"write {key} = {least:g}")
    return value
