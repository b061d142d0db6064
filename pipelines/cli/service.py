"""Commands that stay: the demo, the schedules, MLflow's pages.

Each imports its work when called, so that help is quick.
"""

from datetime import datetime, time
from typing import Annotated

import typer

from pipelines.cli.data import check, simulate
from pipelines.cli.model import train, truth
from pipelines.cli.night import nightly
from pipelines.cli.options import DEMO, DEMO_DATA, Config, Plain, app


@app.command()
def demo(customers: Annotated[int, typer.Option(min=1000)] = 10_000, plain: Plain = False) -> None:
    """Simulate a company, check it, train, compare with the truth, and run one night."""
    from pipelines.simulator.compare import first_day_after

    simulate(DEMO_DATA, customers=customers)
    day = datetime.combine(first_day_after(DEMO_DATA), time())
    check(DEMO, day)
    train(DEMO, day, plain)
    truth(DEMO)
    nightly(DEMO, day, plain)
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
