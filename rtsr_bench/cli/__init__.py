"""The command line: arguments, printing, exit codes. Commands import heavy modules inside, so that `--help` is fast.

Exit codes: 0 done; 1 a guest failed (its record is written) or a check found faults; 2 the request is invalid; 3 the
harness or the machine failed; 4 `run` ended before the last model (`--max-hours`), or `compare` could not decide a
`--fail-if` limit; 130 interrupted; 141 the reader of the output closed it (`run` continues without one).
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

import click

from rtsr_bench import __version__
from rtsr_bench.cli import console
from rtsr_bench.cli.check import check_command, new_command
from rtsr_bench.cli.compare import compare_command
from rtsr_bench.cli.data import data_group
from rtsr_bench.cli.importing import import_group
from rtsr_bench.cli.jobs import measure_command
from rtsr_bench.cli.options import add_plugin_option
from rtsr_bench.cli.realtime import realtime_command
from rtsr_bench.cli.records import records_group
from rtsr_bench.cli.report import report_command
from rtsr_bench.cli.reproduce import reproduce_command
from rtsr_bench.cli.run import run_command
from rtsr_bench.cli.tracks import tracks_command
from rtsr_bench.cli.train import train_command
from rtsr_bench.errors import RtsrBenchError

INTERRUPTED = 130
HARNESS_BROKE = 3


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise console.NoReaderError from error  # click would exit with 1, which means that a guest failed


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rtsr-bench")
def cli() -> None:
    """Benchmark and leaderboard suite for real-time 4K image super-resolution.

    \b
    rtsr-bench new my_team                     a working submission to start from
    rtsr-bench check my_team                   does it meet the contract?
    rtsr-bench run my_team reference_models/*  measure it together with the reference models
    rtsr-bench compare my_team_v1 my_team_v2   are two models different, and by how much?
    rtsr-bench report --out reports/           turn the records into pages
    """  # noqa: D301 - \b marks a block that click does not rewrap


for _command in (
    run_command,
    measure_command,
    compare_command,
    realtime_command,
    report_command,
    records_group,
    new_command,
    check_command,
    tracks_command,
    data_group,
    train_command,
    reproduce_command,
    import_group,
):
    cli.add_command(_command)
add_plugin_option(cli)


def main() -> None:
    """Run the command line; an expected error becomes one line and its exit code."""
    console.prepare()
    try:
        code = cli.main(standalone_mode=False)
        console.finish()
        sys.exit(code if isinstance(code, int) else 0)
    except RtsrBenchError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except (console.NoReaderError, BrokenPipeError):
        console.forsake(sys.stdout)  # no second error at exit
        console.forsake(sys.stderr)
        sys.exit(console.NO_READER)
    except Exception as error:
        if isinstance(error, OSError) and console.is_lost(error):
            console.forsake(sys.stdout)
            _say(f"error: expected a writable output, found: {error.strerror}; free space, or keep its reader open")
            sys.exit(HARNESS_BROKE)
        if os.environ.get("RTSR_BENCH_DEBUG"):
            raise
        _say(f"error: internal error: {type(error).__name__}: {error} (RTSR_BENCH_DEBUG=1 shows where)")
        sys.exit(HARNESS_BROKE)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # there is no reader
        console.say(" ".join(line.split()), err=True)
        sys.stderr.flush()
