"""Commands about tables: simulate, check, unload, init, features, schema, doctor, forget, …

Each imports its work when called, so that help is quick.
"""

from dataclasses import astuple, replace
from pathlib import Path
from typing import Annotated

import typer

from features.errors import ConfigError, GateError
from pipelines.cli.options import DEMO, AsJson, AsOf, Config, FlatDay, app, as_day, with_config


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
    company: Annotated[
        str, typer.Option(help="kind, or hard: where the usual assumptions fail.")
    ] = "kind",
) -> None:
    """Simulate a company: contract-shaped tables, and the truth beside them."""
    from pipelines.runtime.progress import bar
    from pipelines.simulator.options import COMPANIES
    from pipelines.simulator.simulate import simulate as run

    if fmt not in ("parquet", "csv"):
        raise ConfigError(f"--format {fmt}: use parquet or csv.")
    if company not in COMPANIES:
        raise ConfigError(f"--company {company}: use {' or '.join(COMPANIES)}.")
    try:
        dials = replace(
            COMPANIES[company], late_share=late_share, corrections=corrections, dirty=dirty
        )
        with bar("simulating months", months) as advance:
            run(
                out,
                customers=customers,
                months=months,
                seed=seed,
                products=tuple(products.split(",")),
                fmt="csv" if fmt == "csv" else "parquet",
                dials=dials,
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
    from pipelines.cli import printing
    from pipelines.jobs.check import check_tables

    report = check_tables(config, as_day(as_of), accept=accept)
    printing.as_json(report.rows) if as_json else printing.check_done(report)


@app.command()
def forget(
    customer: Annotated[str, typer.Argument(help="The customer's id as the lists have it.")],
    config: Config = DEMO,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase one customer from every kept table, matrix and published list."""
    from pipelines.config.settings import load_settings
    from pipelines.erasure.forget import forget as run

    settings = load_settings(config)
    if not yes:
        typer.confirm("Erase this customer from all that is kept and published?", abort=True)
    found = run(settings.paths, customer)
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
    from pipelines.config.settings import load_settings
    from pipelines.runtime.secret_keys import PSEUDONYM, key_of
    from pipelines.sources.personal_data import pseudonym as of

    settings = load_settings(config)
    if not settings.company.pseudonyms:
        raise ConfigError(f"{config}: company.pseudonyms is off, so lists have the ids themselves.")
    print(of(customer, key_of(PSEUDONYM, settings.paths.var)))


@app.command()
def unload(
    dialect: Annotated[
        str, typer.Option(help="snowflake, bigquery, databricks, postgresql, duckdb.")
    ],
    into: Annotated[str, typer.Option(help="Stage, bucket or folder to write into.")],
    tables: Annotated[list[str] | None, typer.Argument(help="Default: all configured.")] = None,
    config: Config = DEMO,
    schema: Annotated[str, typer.Option(help="Schema or dataset of the tables.")] = "",
) -> None:
    """Print the SQL with which a warehouse writes its tables as files, which need no driver."""
    from pipelines.config.settings import load_settings
    from pipelines.sources.unload import unload as run

    print(run(load_settings(config), dialect, into, tables or (), schema))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of files: CSV, Excel, Parquet, SQLite …")],
    to: Annotated[
        Path | None, typer.Option("--to", help="File to write (default: configs/<company>.yaml).")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The company (default: the folder's name).")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Where its days begin.")] = "Europe/Oslo",
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "NOK",
    language: Annotated[str, typer.Option(help="Language of its lists.")] = "nb",
    as_of: FlatDay = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept every mapping.")] = False,
) -> None:
    """Draft a configuration from a folder of files, asking about each table."""
    from pipelines.config.sections import known_zone
    from pipelines.onboarding.config_text import Firm
    from pipelines.onboarding.init import Dialog, initialise
    from pipelines.runtime.environment import today_in

    firm = Firm(name or folder.resolve().stem, timezone, currency, language)
    into = to or Path("configs") / f"{firm.name.lower().replace(' ', '_')}.yaml"
    try:
        today = today_in(known_zone(timezone))
    except ValueError as error:
        raise ConfigError(f"--timezone {timezone}: {error}") from error

    def ask(question: str) -> bool:
        if yes:
            print(question.removesuffix("?"))
        return yes or typer.confirm(question, default=True)

    def tell(question: str, usual: str) -> str:
        if yes:
            print(f"{question}: {usual}")
        return usual if yes else str(typer.prompt(question, default=usual))

    written = initialise(folder, into, firm, today, Dialog(ask, tell, print), as_day(as_of))
    print(f"\nWritten: {written}. Read it, then run: stille check --config {written}")


@app.command()
def features(config: Config = DEMO, as_json: AsJson = False) -> None:
    """Print every feature that the company's tables can carry, and what the others miss."""
    from features.dictionary import dictionary
    from pipelines.cli import printing
    from pipelines.jobs.check import configured_catalog

    catalog = configured_catalog(config)
    rows = dictionary(catalog)
    printing.as_json(rows) if as_json else printing.features(rows, catalog.omitted)


@app.command()
def schema(
    table: Annotated[str | None, typer.Argument(help="A table; the configuration if none.")] = None,
) -> None:
    """Print the JSON Schema of the configuration, or of a table of the data contract."""
    from pipelines.cli import printing
    from pipelines.cli.schemas import config_schema, table_schema

    printing.as_json(config_schema() if table is None else table_schema(table))


@app.command()
def doctor(config: Config = DEMO, as_json: AsJson = False) -> None:
    """Look at everything that a night needs; ends with the code of what must be mended first."""
    from pipelines.cli import printing
    from pipelines.doctor.doctor import examine, exit_code

    diagnoses = [replace(each, message=with_config(each.message)) for each in examine(config)]
    if as_json:
        keys = ("what", "status", "said", "exit_code")
        printing.as_json([dict(zip(keys, astuple(each), strict=True)) for each in diagnoses])
    else:
        rows = ([each.check, each.status, each.message] for each in diagnoses)
        printing.table(["looked at", "status", "found"], rows)
    raise typer.Exit(exit_code(diagnoses))


@app.command()
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
    found = freshness(settings)
    printing.as_json(found) if as_json else printing.table(list(found), [list(found.values())])
    if within is not None and overdue(settings, config, found, within):
        raise GateError(f"no lists of the last {within:g} hours. Next: stille doctor.")
