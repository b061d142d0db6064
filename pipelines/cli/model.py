"""Commands about models and nights, each a run or a comparison of runs."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.json_output import print_json
from pipelines.cli.options import (
    DEMO,
    DEMO_DATA,
    AsJson,
    AsOf,
    Config,
    DryRun,
    ListDay,
    Plain,
    Reason,
    as_day,
    command,
    run_job,
)


@command("Model", "train --config configs/yours.yaml --challengers")
def train(
    config: Config = DEMO,
    as_of: AsOf = None,
    plain: Plain = False,
    challengers: Annotated[
        bool, typer.Option("--challengers", help="Hold other ways to learn against the recipe.")
    ] = False,
    search: Annotated[
        bool, typer.Option("--search", help="Look for a better recipe; a second call goes on.")
    ] = False,
    minutes: Annotated[float | None, typer.Option(help="Search this long (default: 10).")] = None,
    trials: Annotated[
        int | None, typer.Option(help="Search until so many trials are done in all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn from all matured months, log to MLflow, and promote by rule."""
    effort = {"challengers": challengers, "search": search, "trials": trials, "minutes": minutes}
    run_job("train", config, as_of, as_json=as_json, plain=plain, **effort)


@command("Model", 'promote 7 --reason "the price rise explains the list"')
def promote(
    version: Annotated[
        str | None, typer.Argument(help="A version's number (default: the newest).")
    ] = None,
    config: Config = DEMO,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a version of the model champion; one that a rule refused needs a reason."""
    from pipelines.cli import printing
    from pipelines.jobs.promote import promote as run

    moved = run(config, version, reason, dry_run=dry_run)
    print_json(moved) if as_json else printing.promotion_done(moved)


@command("Model", "rollback --dry-run")
def rollback(
    config: Config = DEMO, reason: Reason = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Give the alias back to the champion before this one."""
    from pipelines.cli import printing
    from pipelines.jobs.promote import rollback as run

    moved = run(config, reason, dry_run=dry_run)
    print_json(moved) if as_json else printing.promotion_done(moved)


@command("Model", "recalibrate --as-of 2026-01-31")
def recalibrate(
    config: Config = DEMO, as_of: AsOf = None, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Refit the champion's calibration on the newest outcomes; its boosters stay."""
    run_job("recalibrate", config, as_of, as_json=as_json, plain=plain)


@command("Model", "compare champion 7")
def compare(
    a: Annotated[str, typer.Argument(help="Run id, version number or alias.")],
    b: Annotated[str, typer.Argument(help="The same, of the run that is held against A.")],
    config: Config = DEMO,
    as_json: AsJson = False,
) -> None:
    """Hold one training run against another, and write a page of what differs."""
    from pipelines.cli import printing
    from pipelines.comparison.difference import compare_runs, write_page
    from pipelines.config.settings import load_settings

    settings = load_settings(config)
    difference = compare_runs(settings, a, b)
    page = write_page(settings.paths.comparisons, difference)
    print_json(difference.to_data()) if as_json else printing.comparison_done(difference, page)


@command("Model", "reproduce champion")
def reproduce(
    name: Annotated[str, typer.Argument(help="Run id, version number or alias.")],
    config: Config = DEMO,
    as_json: AsJson = False,
) -> None:
    """Train a run again from its tables and configuration: is every byte the same?"""
    from pipelines.cli import printing
    from pipelines.jobs.reproduce import reproduce as run

    done = run(config, name)
    print_json(done) if as_json else printing.reproduction_done(done)


@command("Model", "truth --key data/demo/truth")
def truth(
    config: Config = DEMO,
    key: Annotated[
        Path, typer.Option("--key", help="The simulated company's answer key.")
    ] = DEMO_DATA / "truth",
    as_json: AsJson = False,
) -> None:
    """Hold the newest training run against a simulated company's answer key."""
    from pipelines.cli import printing
    from pipelines.config.settings import load_settings
    from pipelines.simulator.compare import compare as run
    from pipelines.simulator.compare import newest_scores

    settings = load_settings(config)
    window = settings.label.lead_days, settings.label.horizon_days
    comparison = run(newest_scores(settings.paths.training), key, window)
    print_json(comparison) if as_json else printing.truth_comparison(comparison)


@command("Night", "nightly --config configs/yours.yaml --as-of 2026-01-31")
def nightly(
    config: Config = DEMO,
    as_of: AsOf = None,
    plain: Plain = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Allow a day before the published one.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the lists below var alone, without Prefect.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score every customer with the champion and publish the risk list."""
    job, plainly = ("preview", None) if dry_run else ("nightly", plain)
    run_job(job, config, as_of, as_json=as_json, plain=plainly, backfill=backfill)


@command("Night", "outcomes worklist.call.nb.xlsx --dry-run")
def outcomes(
    file: Annotated[Path, typer.Argument(help="A filled worklist (xlsx, csv), or a CRM's export.")],
    config: Config = DEMO,
    as_of: ListDay = None,
    dry_run: DryRun = False,
    correct: Annotated[
        bool, typer.Option("--correct", help="Replace contacts that are kept with other words.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read back what came of outreach, from a filled worklist or a CRM, into treatments."""
    asked = {"list_day": as_day(as_of), "dry_run": dry_run, "correct": correct}
    run_job("outcomes", config, None, as_json=as_json, plain=None, file=file, **asked)


@command("Night", "explain C0006854 --language en")
def explain(
    customer: Annotated[str, typer.Argument(help="The customer's id, as on the list.")],
    config: Config = DEMO,
    as_of: ListDay = None,
    language: Annotated[
        str | None, typer.Option(help="Language of the sentences (default: the list's first).")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Answer the customer's own request, in plain words.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the customer's page for an agent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a customer has the score of a published list, with the rows behind each number."""
    from pipelines.cli import explanation_output
    from pipelines.explanation.answers import explain_customer
    from pipelines.explanation.letter import letter_to
    from pipelines.explanation.page import write_page

    if html is not None:
        write_page(config, customer, html, as_day(as_of), language)
        print_json({"page": html}) if as_json else print(f"Written: {html}")
        return
    if plain:
        letter = letter_to(config, customer, as_day(as_of), language)
        print_json({"letter": letter}) if as_json else print(letter)
        return
    found = explain_customer(config, customer, as_day(as_of), language)
    print_json(explanation_output.facts(found)) if as_json else explanation_output.for_people(found)


@command("Night", "monitor --json")
def monitor(
    config: Config = DEMO, as_of: AsOf = None, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Hold past lists against what happened, and tonight's inputs against training's."""
    run_job("monitor", config, as_of, as_json=as_json, plain=plain)


@command("Night", "effect --json")
def effect(config: Config = DEMO, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Hold those drawn for treatment against the holdout: does contacting help?"""
    run_job("effect", config, as_of, as_json=as_json)
