"""Command line interface (Typer): ``stille``. Results on stdout, progress and errors on stderr.

Here are the demo, what keeps nights running (doctor, schedules, MLflow's pages) and the entry
point. Commands import late also because the libraries underneath must find their environment set.
"""

import atexit
import json
import logging
import os
import re
import sys
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from traceback import format_exc, format_tb
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from features.errors import GateError, StilleError, without_passwords
from pipelines.cli.data import check, simulate
from pipelines.cli.json_output import print_json
from pipelines.cli.model import nightly, train, truth
from pipelines.cli.options import DEMO, AsJson, Config, Plain, app, command, with_config
from pipelines.runtime.environment import code_version, quiet_libraries
from pipelines.runtime.logs import LOG, as_json_lines, start_logging

_COMMAND = re.compile(
    r"\bstille [a-z]+(?: (?:--[a-z-]+|'[^']+'|[A-Z]+\b|(?=[\w-]*\d|\S*[./]\w)\S*\w))*"
)
"""A command within a message, with the options and the values that follow it."""


@command("Start", "demo --customers 20000")
def demo(
    config: Config = DEMO,
    customers: Annotated[int, typer.Option(min=1000, help="How many to simulate.")] = 10_000,
    months: Annotated[int, typer.Option(min=20, help="Months of history.")] = 36,
    plain: Plain = False,
) -> None:
    """Simulate a company, check it, train, compare with the truth, and run one night.

    The night is of the first day after the tables on which anybody is phoned.
    """
    from pipelines.config.settings import load_settings
    from pipelines.simulator.compare import first_day_after

    settings = load_settings(config)
    data, contact, country = settings.paths.data, settings.contact, settings.company.country
    simulate(data, customers=customers, months=months)
    day = datetime.combine(first_day_after(data), time())
    check(config, day)
    train(config, day, plain)
    truth(config, data / "truth")
    days = (day + timedelta(n) for n in range(14))
    nightly(config, next(each for each in days if not contact.quiet(each.date(), country)), plain)
    print(with_config("The runs, their plots and the model: stille ui"))


@command("Service", "doctor --config configs/yours.yaml")
def doctor(config: Config = DEMO, as_json: AsJson = False) -> None:
    """Look at everything that a night needs; ends with the code of what must be mended first."""
    from pipelines.cli import printing
    from pipelines.doctor.doctor import examine, exit_code

    diagnoses = [replace(each, message=with_config(each.message)) for each in examine(config)]
    rows = ([each.check, each.status, each.message] for each in diagnoses)
    print_json(diagnoses) if as_json else printing.table(["looked at", "status", "found"], rows)
    raise typer.Exit(exit_code(diagnoses))


@command("Service", "status --within 26 --config configs/yours.yaml")
def status(
    config: Config = DEMO,
    within: Annotated[
        float | None, typer.Option(help="Hours; end with 6, and notify, if lists are older.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how old the published lists are and how the newest night ended."""
    from pipelines.cli import printing
    from pipelines.config.settings import load_settings
    from pipelines.doctor.freshness import freshness, overdue

    settings = load_settings(config)
    facts = freshness(settings)
    print_json(facts) if as_json else printing.table(list(facts), [list(facts.values())])
    if within is not None and overdue(settings, config, facts, within):
        raise GateError(f"no lists of the last {within:g} hours. Next: stille doctor.")


@command("Service", "serve prefect.yaml")
def serve(
    file: Annotated[Path, typer.Argument(help="Deployments with their schedules.")] = Path(
        "prefect.yaml"
    ),
) -> None:
    """Run the schedules of a file on this machine until stopped."""
    from pipelines.flows.serve import serve as run

    run(file)


@command("Service", "ui --port 5001")
def ui(
    config: Config = DEMO, port: Annotated[int, typer.Option(min=1, help="On this machine.")] = 5000
) -> None:
    """Open MLflow's pages on the company's runs until stopped."""
    from pipelines.config.settings import load_settings
    from pipelines.flows.serve import open_mlflow

    open_mlflow(load_settings(config), port)


def _print_version(value: bool) -> None:
    if value:
        print("stille", code_version())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Churn risk for silent products."""


def main() -> None:
    """Run the command; an error is printed and decides the exit code.

    With ``--json`` it is the last line of stderr: an object of ``error``, ``exit_code`` and
    ``next``, the commands that it names.
    """
    atexit.register(_mute_teardown)
    quiet_libraries()
    start_logging()
    LOG.addFilter(_name_config)
    as_json, message, steps = "--json" in sys.argv, "", list[str]()
    try:
        code = app(prog_name="stille", standalone_mode=not as_json)
    except (StilleError, typer.TyperException) as error:
        code = error.exit_code
        if isinstance(error, StilleError):
            message = with_config(str(error))
            steps = _COMMAND.findall(message)
        else:
            place = getattr(getattr(error, "ctx", None), "command_path", "stille")
            message, steps = error.format_message(), [f"{place} --help"]
        if as_json_lines():
            LOG.error("%s", message)
        elif not as_json:
            shown = f"[bold red]stille:[/] {escape(message)}"
            Console(stderr=True, soft_wrap=True).print(shown, highlight=False)
    except Exception as error:
        code, message, steps = 1, f"{type(error).__name__}, which is a bug", []
        if as_json_lines():
            LOG.critical("%s\n%s", type(error).__name__, "".join(format_tb(error.__traceback__)))
        else:
            sys.stderr.write(without_passwords(format_exc()))
    if as_json and message:
        said = {"error": message, "exit_code": code, "next": steps}
        print(json.dumps(said, ensure_ascii=False), file=sys.stderr)
    raise SystemExit(code)


def _name_config(record: logging.LogRecord) -> bool:
    record.msg, record.args = with_config(record.getMessage()), ()
    return True


def _mute_teardown() -> None:
    # Runs after every other exit handler: when a thread that waits for an answer is left behind,
    # DuckDB's binding prints pages of leaked references, which mean nothing to anybody here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
