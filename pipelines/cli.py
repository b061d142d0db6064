"""Command line interface (Typer): ``stille``. Results on stdout, progress and errors on stderr.

Each command imports what it needs when it is called, so that ``stille --help`` is quick and
the libraries underneath find their environment set.
"""

import atexit
import logging
import os
import sys
from dataclasses import asdict
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from features.errors import ConfigError, StilleError
from pipelines.environment import quiet_libraries

app = typer.Typer(
    name="stille",
    help="Churn risk for silent products.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

DEMO = Path("configs/demo.yaml")
DEMO_DATA = Path("data/demo")

Config = Annotated[Path, typer.Option("--config", help="The company's configuration.")]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day to stand on (default: today)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, in a sentence.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")]
Plain = Annotated[bool, typer.Option("--plain", help="Run without Prefect.")]


def main() -> None:
    """Run the command; a ``StilleError`` is printed and decides the exit code."""
    atexit.register(_mute_teardown)
    quiet_libraries()
    logging.getLogger("stille").addHandler(logging.StreamHandler())
    try:
        app()
    except StilleError as error:
        message = f"[bold red]stille:[/] {escape(str(error))}"
        Console(stderr=True, soft_wrap=True).print(message, highlight=False)
        raise SystemExit(error.exit_code) from None


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write tables/ and truth/ into.")],
    customers: Annotated[int, typer.Option(min=1)] = 10_000,
    months: Annotated[int, typer.Option(min=1)] = 36,
    seed: int = 1,
    products: Annotated[
        str, typer.Option(help="Product lines, comma-separated.")
    ] = "electricity,broadband",
    fmt: Annotated[str, typer.Option("--format", help="parquet or csv.")] = "parquet",
    late_share: Annotated[
        float, typer.Option(help="Share of event rows known days after they happened.")
    ] = 0.015,
    corrections: Annotated[float, typer.Option(help="Share of bills corrected.")] = 0.008,
    dirty: Annotated[float, typer.Option(help="Share of rows that break the contract.")] = 0.0,
) -> None:
    """Simulate a company: contract-shaped tables, and the truth beside them."""
    from pipelines.demo.simulate import simulate as run
    from pipelines.progress import bar

    if fmt not in ("parquet", "csv"):
        raise ConfigError(f"--format {fmt}: use parquet or csv.")
    try:
        with bar("simulating months", months) as advance:
            run(
                out,
                customers=customers,
                months=months,
                seed=seed,
                products=tuple(products.split(",")),
                fmt="csv" if fmt == "csv" else "parquet",
                late_share=late_share,
                corrections=corrections,
                dirty=dirty,
                on_month=lambda month: advance(str(month)),
            )
    except ValueError as error:
        raise ConfigError(f"cannot simulate this company: {error}") from error
    print(f"Simulated company: {out / 'tables'} (its answer key: {out / 'truth'})")


@app.command()
def check(
    config: Config = DEMO,
    as_of: AsOf = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Let the tables through although a gate is closed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read every table against the data contract, say what was found, and write a page of it."""
    from pipelines import say
    from pipelines.check import check_tables

    report = check_tables(config, as_day(as_of), accept=accept)
    say.as_json(report.rows) if as_json else say.check_done(report.rows, report.page)


@app.command()
def forget(
    customer: Annotated[str, typer.Argument(help="The customer's id as the lists have it.")],
    config: Config = DEMO,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase one customer from every kept table, matrix and published list."""
    from pipelines.forgetting.forget import forget as run
    from pipelines.settings import load_settings

    settings = load_settings(config)
    if not yes:
        typer.confirm("Erase this customer from all that is kept and published?", abort=True)
    found = run(settings, customer)
    print(
        f"Erased from {found.publications} publications, {found.tables} kept tables and "
        f"{found.matrices} kept matrices. Erase the customer from the company's own tables too: "
        "what they still hold comes back with the next run."
    )


@app.command()
def pseudonym(
    customer: Annotated[str, typer.Argument(help="The customer's id in the company's tables.")],
    config: Config = DEMO,
) -> None:
    """Print the id that the lists have for a customer, where `company.pseudonyms` is on."""
    from pipelines.keys import PSEUDONYM, key_of
    from pipelines.settings import load_settings
    from pipelines.sources.pseudonyms import pseudonym as of

    settings = load_settings(config)
    if not settings.company.pseudonyms:
        raise ConfigError(f"{config}: company.pseudonyms is off, so lists have the ids themselves.")
    print(of(customer, key_of(PSEUDONYM, settings.paths.var)))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of CSV or Parquet files.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="File to write (default: configs/<company>.yaml).")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The company (default: the folder's name).")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Where its days begin.")] = "Europe/Oslo",
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "NOK",
    language: Annotated[str, typer.Option(help="Language of its lists.")] = "nb",
    yes: Annotated[bool, typer.Option("--yes", help="Accept every mapping.")] = False,
) -> None:
    """Draft a configuration from a folder of files, asking about each mapping."""
    from pipelines.clock import today_in
    from pipelines.config.sections import known_zone
    from pipelines.drafting.init import Talk, initialise
    from pipelines.drafting.text import Firm

    firm = Firm(name or folder.resolve().name, timezone, currency, language)
    into = to or Path("configs") / f"{firm.name.lower().replace(' ', '_')}.yaml"
    try:
        today = today_in(known_zone(timezone))
    except ValueError as error:
        raise ConfigError(f"--timezone {timezone}: {error}") from error

    def ask(question: str) -> bool:
        if yes:
            print(question.removesuffix("?"))
        return yes or typer.confirm(question, default=True)

    written = initialise(folder, into, firm, today, Talk(ask, print))
    print(f"\nWritten: {written}. Read it, then run: stille check --config {written}")


@app.command()
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
    from pipelines.training.effort import Effort

    effort = asdict(Effort(challengers, search, trials, minutes))
    run_job("train", config, as_of, as_json=as_json, plain=plain, **effort)


@app.command()
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
    from pipelines import say
    from pipelines.promoting import promote as run

    moved = run(config, version, reason, dry_run=dry_run)
    say.as_json(asdict(moved)) if as_json else say.promotion_done(moved)


@app.command()
def rollback(
    config: Config = DEMO, reason: Reason = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Give the alias back to the champion before this one."""
    from pipelines import say
    from pipelines.promoting import rollback as run

    moved = run(config, reason, dry_run=dry_run)
    say.as_json(asdict(moved)) if as_json else say.promotion_done(moved)


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
    from pipelines.explaining import printed
    from pipelines.explaining.run import explain_customer, letter_to
    from pipelines.say import as_json as print_json

    if plain:
        print(letter_to(config, customer, as_day(as_of), language))
        return
    found = explain_customer(config, customer, as_day(as_of), language)
    print_json(printed.facts(found)) if as_json else printed.for_people(found)


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


@app.command()
def recalibrate(
    config: Config = DEMO, as_of: AsOf = None, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Refit the champion's calibration on the newest outcomes; its boosters stay."""
    run_job("recalibrate", config, as_of, as_json=as_json, plain=plain)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="Run id, version number or alias.")],
    b: Annotated[str, typer.Argument(help="The same, of the run that is held against A.")],
    config: Config = DEMO,
    as_json: AsJson = False,
) -> None:
    """Hold one training run against another, and write a page of what differs."""
    from pipelines import say
    from pipelines.comparing.difference import compare as run
    from pipelines.comparing.page import page_path, write_page
    from pipelines.settings import load_settings
    from pipelines.tracking import find_logged

    settings = load_settings(config)
    difference = run(find_logged(settings, a), find_logged(settings, b))
    page = page_path(settings.paths.var, difference)
    write_page(page, difference)
    say.as_json(difference.to_data()) if as_json else say.comparison_done(difference, page)


@app.command()
def truth(
    config: Config = DEMO,
    key: Annotated[
        Path, typer.Option("--key", help="The simulated company's answer key.")
    ] = DEMO_DATA / "truth",
) -> None:
    """Hold the newest training run against a simulated company's answer key."""
    from pipelines import say
    from pipelines.demo.compare import compare as run
    from pipelines.demo.compare import newest_scores
    from pipelines.settings import load_settings

    settings = load_settings(config)
    window = settings.label.lead_days, settings.label.horizon_days
    say.truth_comparison(run(newest_scores(settings.paths.var), key, window))


@app.command()
def ablate(config: Config = DEMO, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Judge parts of the drivers alone and left out, and log each to MLflow."""
    run_job("ablate", config, as_of, as_json=as_json)


@app.command()
def demo(customers: Annotated[int, typer.Option(min=1000)] = 10_000, plain: Plain = False) -> None:
    """Simulate a company, check it, train, compare with the truth, and run one night."""
    from pipelines.demo.compare import first_day_after

    simulate(DEMO_DATA, customers=customers)
    day = datetime.combine(first_day_after(DEMO_DATA), time())
    check(DEMO, day)
    train(DEMO, day, plain)
    truth(DEMO)
    nightly(DEMO, day, plain)
    print("\nThe runs, their plots and the model: make ui")


@app.command()
def features(config: Config = DEMO, as_json: AsJson = False) -> None:
    """Print the feature dictionary: every feature that the company's tables can carry."""
    from pipelines import say
    from pipelines.check import feature_dictionary

    rows = feature_dictionary(config)
    say.as_json(rows) if as_json else say.table(list(rows[0]), (list(row.values()) for row in rows))


@app.command()
def schema(
    table: Annotated[str | None, typer.Argument(help="A table; the configuration if none.")] = None,
) -> None:
    """Print the JSON Schema of the configuration, or of a table of the data contract."""
    from features.tables import TABLES
    from pipelines import say
    from pipelines.contract import config_schema, table_schema

    if table is not None and table not in TABLES:
        raise ConfigError(f"unknown table {table!r}; the contract has: {', '.join(TABLES)}")
    say.as_json(config_schema() if table is None else table_schema(table))


@app.command()
def doctor(config: Config = DEMO, as_json: AsJson = False) -> None:
    """Look at everything that a night needs; ends with the code of what must be mended first."""
    from pipelines import say
    from pipelines.doctor.doctor import examine, worst

    found = examine(config)
    say.as_json([asdict(each) for each in found]) if as_json else say.doctor_done(found)
    raise typer.Exit(worst(found))


@app.command()
def serve() -> None:
    """Run the schedules of prefect.yaml on this machine until stopped."""
    from pipelines.serve import serve as run

    run()


@app.command()
def ui(config: Config = DEMO, port: Annotated[int, typer.Option(min=1)] = 5000) -> None:
    """Open MLflow's pages on the company's runs until stopped."""
    from pipelines.serve import open_mlflow
    from pipelines.settings import load_settings

    open_mlflow(load_settings(config), port)


def _mute_teardown() -> None:
    # Runs after every other exit handler: when Prefect's threads outlive the interpreter,
    # DuckDB's binding prints pages of leaked references, which mean nothing to anybody here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


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
    from pipelines import say
    from pipelines.launch import launch
    from pipelines.runs import COMPLETE, JOBS

    try:
        if plain is None:
            result = JOBS[job].start(config, as_day(as_of), **options)
        else:
            result = launch(JOBS[job], config, as_day(as_of), plain=plain, **options)
    except COMPLETE as alarm:
        say.result_of(job, alarm.result, as_json=as_json)
        raise
    say.result_of(job, result, as_json=as_json)


def as_day(given: datetime | None) -> date | None:
    """The day of an option that Typer parses as an instant."""
    return None if given is None else given.date()
