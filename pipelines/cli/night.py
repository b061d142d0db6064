"""Commands about nights: nightly, explain, monitor, effect.

Each imports its work when called, so that help is quick.
"""

from datetime import datetime
from typing import Annotated

import typer

from pipelines.cli.options import DEMO, AsJson, AsOf, Config, Plain, app, as_day, run_job


@app.command()
def nightly(
    config: Config = DEMO,
    as_of: AsOf = None,
    plain: Plain = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Allow a day before the published one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score every customer with the champion and publish the risk list."""
    run_job("nightly", config, as_of, as_json=as_json, plain=plain, backfill=backfill)


@app.command()
def explain(
    customer: Annotated[str, typer.Argument(help="The customer's id, as on the list.")],
    config: Config = DEMO,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="The list's day (default: newest)."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of the sentences (default: the list's first).")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Answer the customer's own request, in plain words.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say why a customer has the score of a published list, with the rows behind each number."""
    from pipelines.cli import explanation_output
    from pipelines.cli.printing import as_json as print_json
    from pipelines.explanation.answers import explain_customer
    from pipelines.explanation.letter import letter_to

    if plain:
        print(letter_to(config, customer, as_day(as_of), language))
        return
    found = explain_customer(config, customer, as_day(as_of), language)
    print_json(explanation_output.facts(found)) if as_json else explanation_output.for_people(found)


@app.command()
def monitor(
    config: Config = DEMO, as_of: AsOf = None, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Hold past lists against what happened, and tonight's inputs against training's."""
    run_job("monitor", config, as_of, as_json=as_json, plain=plain)


@app.command()
def effect(config: Config = DEMO, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Hold those drawn for treatment against the holdout: does contacting help?"""
    run_job("effect", config, as_of, as_json=as_json)
