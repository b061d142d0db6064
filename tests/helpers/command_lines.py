"""Command lines in files that people copy: whether the programs know their words."""

import re
import shlex
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer

from pipelines.cli.app import app


def refused(words: list[str]) -> str | None:
    """Why the program does not take the command line; None where it does."""
    program = words[0].rpartition("/")[2]
    if program == "prefect":
        return _refused_by_prefect([word for word in words[1:] if word != "--no-prompt"])
    command = typer.main.get_command(app) if program == "stille" else mlflow()
    rest = words[1:]
    try:
        # Typer has a copy of click of its own, whose classes are others.
        while hasattr(command, "resolve_command"):
            context = command.context_class(command, info_name=program)
            _, command, rest = command.resolve_command(context, rest)
        command.make_context(program, rest)
    except Exception as error:
        return f"{shlex.join(words)}: {getattr(error, 'message', error)}"
    return None


def mlflow() -> Any:
    """MLflow's command line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.cli import cli
    return cli


def _refused_by_prefect(words: list[str]) -> str | None:
    from cyclopts.exceptions import CycloptsError
    from prefect.cli._app import _app

    import_module("prefect.cli")
    try:
        _app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return f"prefect {shlex.join(words)}: {error}"
    return None


def lines_of(text: str) -> Iterator[str]:
    """The commands of the three programs in a shell's text, lines that go on joined."""
    text = re.sub(r"^systemd-run .*?(?=\S*/bin/stille )", "", text, flags=re.MULTILINE)
    for part in re.split(r"\n|&&", text.replace("\\\n", " ")):
        if re.match(r" *(\S*/bin/)?(stille|prefect|mlflow) ", part):
            yield part.strip()
