"""Groups of options that a command takes as one value, and the --plugin option of every command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rtsr_bench import plugins

Decorator = Callable[[Any], Any]


DATA_ROOTS = click.option(
    "--data-root", "roots", multiple=True, type=click.Path(path_type=Path), help="Folder of data sets (repeatable)."
)
WITH_REQUIREMENTS = click.option(
    "--with-requirements",
    is_flag=True,
    help="Install each submission's requirements.txt into a separate cached environment.",
)


def grouped(name: str, make: Callable[..., object], *options: Decorator) -> Decorator:
    """Add options to a command, which takes the result of `make` as its argument `name`.

    `make` gets each option under its click name. It is called when the command runs, so it may import modules that
    `--help` must not wait for.
    """

    def decorate(command: Any) -> Any:
        names: list[str] = []

        @functools.wraps(command)
        def wrapped(*args: Any, **values: Any) -> Any:
            own = {key: values.pop(key) for key in names}
            return command(*args, **{name: make(**own)}, **values)

        made: Any = wrapped
        for option in reversed(options):
            made = option(made)
            names.append(made.__click_params__[-1].name)
        return made

    return decorate


def add_plugin_option(command: click.Command) -> None:
    """Add --plugin to a command and all its subcommands."""
    option = click.Option(
        ["--plugin"],
        type=click.Path(path_type=Path),
        multiple=True,
        expose_value=False,
        is_eager=True,  # before options whose values may come from a plug-in
        callback=_add_plugins,
        metavar="PATH",
        help="Add a plug-in: a Python file, a TOML file or a folder (repeatable).",
    )
    command.params.append(option)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            add_plugin_option(below)


def _add_plugins(context: click.Context, option: click.Parameter, paths: tuple[Path, ...]) -> None:
    del context, option
    for path in paths:
        plugins.add_path(path)
