"""A campaign: everything that an organiser decides about a challenge, in one TOML file that can be reviewed."""

from __future__ import annotations

import glob
import hashlib
import re
from pathlib import Path

from rtsr_bench.backends import installed
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
_FORM = "docs/organisers.md"
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
_KEYS = (
    "version", "title", "submissions", "models", "tracks", "devices", "data_roots", "records", "threads", "jobs",
    "require_isolation", "with_requirements", "allow_pickle", "stub_missing", "max_hours", "fail_fast", "execution",
    "no_shared_runtime",
)  # fmt: skip


def read_campaign(file: Path) -> Settings:
    """Read a campaign file; paths in it are relative to its folder, and submissions may be patterns.

    UserError, one line, for whatever is wrong with it.
    """
    data = bytes_of(file, what="a campaign file")
    root = Table(parse_toml(data, str(file)), str(file))
    root.only(("campaign", "limits"))
    table = root.section("campaign", _KEYS, form=_FORM)
    table.choice("version", (VERSION,), example=str(VERSION))
    limits = root.section("limits", LIMITS, form=_FORM, required=False)
    place = file.parent
    digest = hashlib.sha256(data).hexdigest()[:16]
    title = table.text("title", limit=100, default=file.stem, example='"RTSR 2026"')
    return Settings(
        selection=Selection(
            paths=_submissions(table, place),
            tracks=table.texts("tracks"),
            models=table.texts("models"),
            roots=tuple(place / root for root in table.texts("data_roots")),
            with_requirements=table.flag("with_requirements"),
        ),
        output=Output(
            records=place / table.text("records", limit=300, default="reports/records", example='"reports/records"')
        ),
        pace=Pace(
            at_once=table.whole("jobs", 1, 64, default=1),
            max_hours=table.number("max_hours", 0, LONGEST_HOURS) if table.has("max_hours") else None,
            fail_fast=table.flag("fail_fast"),
            share_runtimes=not table.flag("no_shared_runtime"),
        ),
        places=_places(table),
        overrides=Overrides(
            limits=tuple((name, limits.number(name, 0.001, 999_999)) for name in LIMITS if limits.has(name)),
        ),
        executions=_executions(table),
        title=f"{title} (campaign {digest})",
    )


def _executions(table: Table) -> tuple[str, ...]:
    named = table.texts("execution", single=True)
    try:
        return tuple(one if one == ALL else installed(one) for one in named)
    except UserError as error:
        raise UserError(f"{table.where} {error}") from None


def _places(table: Table) -> tuple[Place, ...]:
    devices = table.texts("devices") or ("auto",)
    if not all(_DEVICE.fullmatch(device) for device in devices):
        raise table.mistake("devices", expected="cpu, cuda, cuda:N or auto", hint='write devices = ["cuda:0"]')
    isolation = None
    if table.has("require_isolation"):
        isolation = Level(table.option("require_isolation", (Level.BUBBLEWRAP, Level.PROCESS)))
    threads = table.whole("threads", 0, 1024, default=0)
    return tuple(
        Place(
            device=device,
            threads=threads,
            isolation=isolation,
            allow_pickle=table.flag("allow_pickle"),
            stub_missing=table.flag("stub_missing"),
        )
        for device in devices
    )


def _submissions(table: Table, place: Path) -> tuple[Path, ...]:
    """The paths that the patterns match, each once, in the order of the patterns and by number and name within one."""
    found: dict[Path, None] = {}
    for pattern in table.texts("submissions"):
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
