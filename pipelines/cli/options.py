"""The Typer application, the options that commands share, and how a job is run from one."""

import inspect
import re
import shlex
from collections.abc import Callable
from contextvars import ContextVar
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from features.errors import CompleteError

F = TypeVar("F", bound=Callable[..., None])
Group = Literal["Start", "Data", "Model", "Night", "Service"]

app = typer.Typer(name="stille", no_args_is_help=True, pretty_exceptions_enable=False)
DEMO = Path("configs/demo.yaml")
DEMO_DATA = Path("data/demo")
_CONFIG_IN_USE = ContextVar("config_in_use", default=DEMO)


def _use(config: Path) -> Path:
    _CONFIG_IN_USE.set(config)
    return config


Config = Annotated[
    Path,
    typer.Option("--config", envvar="STILLE_CONFIG", callback=_use, help="The company's file."),
]
_day = partial(typer.Option, "--as-of", formats=["%Y-%m-%d"])
AsOf = Annotated[datetime | None, _day(help="The day to stand on (default: today).")]
ListDay = Annotated[datetime | None, _day(help="The list's day (default: newest).")]
FlatDay = Annotated[datetime | None, _day(help="The day that flat tables show.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, in a sentence.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")]
Plain = Annotated[bool, typer.Option("--plain", help="Run without Prefect.")]


def command(group: Group, example: str) -> Callable[[F], F]:
    """Decorator of a command: its group in the help of all, and an example below its own help."""
    return app.command(rich_help_panel=group, epilog=f"Example: stille {example}")


def run_job(
    job: str,
    config: Path,
    as_of: datetime | None,
    *,
    as_json: bool,
    plain: bool | None = None,
    **options: Any,
) -> None:
    """Run a job and print its result, also where alarms rang.

    ``plain`` is None for the jobs that the command line never runs in Prefect.
    """
    from pipelines.flows.launch import launch
    from pipelines.jobs.entry import JOBS

    start = JOBS[job].start if plain is None else partial(launch, JOBS[job], plain=plain)
    alarm = None
    try:
        result = start(config, as_day(as_of), **options)
    except CompleteError as error:
        alarm, result = error, error.result
    from pipelines.cli import printing

    printing.result_of(job, result, data=as_json)
    if alarm is not None:
        raise alarm


def with_config(message: str, config: Path | None = None) -> str:
    """The message, whose commands that take a configuration name the one in use.

    >>> with_config("Mend it. Then: stille check --accept.", Path("configs/nord kraft.yaml"))
    "Mend it. Then: stille check --config 'configs/nord kraft.yaml' --accept."
    >>> with_config("Then: stille check.", DEMO)
    'Then: stille check.'
    """
    config = config or _CONFIG_IN_USE.get()
    if config == DEMO:
        return message
    named = "|".join(
        command.name or callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if (callback := command.callback) and "config" in inspect.signature(callback).parameters
    )
    pattern = rf"\bstille ({named or 'check'})\b(?![^.,;:\n]* --config)"
    given = f" --config {shlex.quote(str(config))}"
    return re.sub(pattern, lambda match: match[0] + given, message)


def as_day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
