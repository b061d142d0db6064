"""Command line interface (Typer): ``stille``. Results on stdout, progress and errors on stderr.

Here are the commands that stay (the demo, the schedules, MLflow's pages) and the entry point. Each
command imports what it needs when it is called, so that ``stille --help`` is quick and the
libraries underneath find their environment set.
"""

import atexit
import logging
import os
import sys
import traceback
from datetime import datetime, time, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from features.errors import StilleError, without_passwords
from pipelines.cli.data import check, simulate
from pipelines.cli.model import nightly, train, truth
from pipelines.cli.options import DEMO, DEMO_DATA, Config, Plain, app, with_config
from pipelines.runtime.environment import quiet_libraries


@app.command()
def demo(customers: Annotated[int, typer.Option(min=1000)] = 10_000, plain: Plain = False) -> None:
    """Simulate a company, check it, train, compare with the truth, and run one night.

    The night is of the first day after the tables on which anybody is phoned.
    """
    from pipelines.config.settings import load_settings
    from pipelines.simulator.compare import first_day_after

    simulate(DEMO_DATA, customers=customers)
    day = datetime.combine(first_day_after(DEMO_DATA), time())
    check(DEMO, day)
    train(DEMO, day, plain)
    truth(DEMO)
    contact, country = load_settings(DEMO).contact, load_settings(DEMO).company.country
    days = (day + timedelta(n) for n in range(14))
    nightly(DEMO, next(each for each in days if not contact.quiet(each.date(), country)), plain)
    print("\nThe runs, their plots and the model: make ui")


@app.command()
def serve() -> None:
    """Run the schedules of prefect.yaml on this machine until stopped."""
    from pipelines.flows.serve import serve as run

    run()


@app.command()
def ui(config: Config = DEMO, port: Annotated[int, typer.Option(min=1)] = 5000) -> None:
    """Open MLflow's pages on the company's runs until stopped."""
    from pipelines.config.settings import load_settings
    from pipelines.flows.serve import open_mlflow

    open_mlflow(load_settings(config), port)


def main() -> None:
    """Run the command; a ``StilleError`` is printed and decides the exit code."""
    atexit.register(_mute_teardown)
    quiet_libraries()
    logging.getLogger("stille").addHandler(logging.StreamHandler())
    try:
        app()
    except StilleError as error:
        message = f"[bold red]stille:[/] {escape(with_config(str(error)))}"
        Console(stderr=True, soft_wrap=True).print(message, highlight=False)
        raise SystemExit(error.exit_code) from None
    except Exception:
        sys.stderr.write(without_passwords(traceback.format_exc()))
        raise SystemExit(1) from None


def _mute_teardown() -> None:
    # Runs after every other exit handler: when Prefect's threads outlive the interpreter,
    # DuckDB's binding prints pages of leaked references, which mean nothing to anybody here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
