"""Commands about tables: simulate, check, unload, init, features, schema, forget, …"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from features.errors import ConfigError
from pipelines.cli.json_output import print_json
from pipelines.cli.options import (
    DEMO,
    AsJson,
    AsOf,
    Config,
    DryRun,
    FlatDay,
    as_day,
    command,
    run_job,
)


@command("Start", "simulate data/mine --customers 2000")
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write tables/ and truth/ into.")],
    customers: Annotated[int, typer.Option(min=1, help="At the start.")] = 10_000,
    months: Annotated[int, typer.Option(min=1, help="Months of history.")] = 36,
    seed: Annotated[int, typer.Option(help="The same number gives the same company.")] = 1,
    products: Annotated[
        str, typer.Option(help="Product lines, comma-separated.")
    ] = "electricity,broadband",
    company: Annotated[
        Literal["kind", "hard"], typer.Option(help="Hard: where the usual assumptions fail.")
    ] = "kind",
    as_json: AsJson = False,
) -> None:
    """Simulate a company: contract-shaped tables, and the truth beside them."""
    from pipelines.runtime.progress import bar
    from pipelines.simulator.options import COMPANIES
    from pipelines.simulator.simulate import simulate as run

    try:
        with bar("simulating months", months) as advance:
            run(
                out,
                customers=customers,
                months=months,
                seed=seed,
                products=tuple(products.split(",")),
                dials=COMPANIES[company],
                on_month=lambda month: advance(str(month)),
            )
    except ValueError as error:
        raise ConfigError(f"cannot simulate this company: {error}") from error
    tables, truth = out / "tables", out / "truth"
    text = f"Simulated company: {tables} (its answer key: {truth})"
    print_json({"tables": tables, "truth": truth}) if as_json else print(text)


@command("Data", "check --config configs/yours.yaml")
def check(
    config: Config = DEMO,
    as_of: AsOf = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Let the tables through although a gate is closed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read every table against the data contract, say what was found, and write a page of it."""
    run_job("check", config, as_of, as_json=as_json, accept=accept)


@command("Data", "forget C0006854 --dry-run")
def forget(
    customer: Annotated[str, typer.Argument(help="The customer's id as the lists have it.")],
    config: Config = DEMO,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Erase one customer from every kept table, matrix and published list."""
    from pipelines.config.settings import load_settings
    from pipelines.erasure.forget import forget as run
    from pipelines.erasure.publications import find

    paths = load_settings(config).paths
    if dry_run:
        files = find(paths, customer)
        text = f"Would be erased from {len(files)} files on this disk, and from those beside them:"
        print_json({"files": files}) if as_json else print(text, *files, sep="\n")
        return
    if as_json and not yes:
        raise ConfigError("--json asks nothing: give --yes, or --dry-run to see what would go.")
    if not yes:
        typer.confirm("Erase this customer from all that is kept and published?", abort=True)
    found = run(paths, customer)
    text = (
        f"Erased from {found.publications} publications, {found.tables} kept tables and "
        f"{found.matrices} kept matrices. Erase the customer from the company's own tables too: "
        "what they still hold comes back with the next run."
    )
    print_json(found) if as_json else print(text)


@command("Data", "pseudonym 100234")
def pseudonym(
    customer: Annotated[str, typer.Argument(help="The customer's id in the company's tables.")],
    config: Config = DEMO,
    as_json: AsJson = False,
) -> None:
    """Print the id that the lists have for a customer, where `company.pseudonyms` is on."""
    from pipelines.config.settings import load_settings
    from pipelines.runtime.secret_keys import PSEUDONYM, key_of
    from pipelines.sources.personal_data import pseudonym as of

    settings = load_settings(config)
    if not settings.company.pseudonyms:
        raise ConfigError(f"{config}: company.pseudonyms is off, so lists have the ids themselves.")
    found = of(customer, key_of(PSEUDONYM, settings.paths.var))
    print_json({"pseudonym": found}) if as_json else print(found)


@command("Data", "unload --dialect snowflake --into @exports invoices payments")
def unload(
    dialect: Annotated[
        str, typer.Option(help="snowflake, bigquery, databricks, postgresql, duckdb.")
    ],
    into: Annotated[str, typer.Option(help="Stage, bucket or folder to write into.")],
    tables: Annotated[list[str] | None, typer.Argument(help="Default: all configured.")] = None,
    config: Config = DEMO,
    schema: Annotated[str, typer.Option(help="Schema or dataset of the tables.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print the SQL with which a warehouse writes its tables as files, which need no driver."""
    from pipelines.config.settings import load_settings
    from pipelines.sources.unload import unload as run

    sql = run(load_settings(config), dialect, into, tables or (), schema)
    print_json({"sql": sql}) if as_json else print(sql)


@command("Start", "init exports --name Nordkraft --timezone Europe/Oslo")
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


@command("Data", "features --json")
def features(config: Config = DEMO, as_json: AsJson = False) -> None:
    """Print every feature that the company's tables can carry, and what the others miss."""
    from features.catalog import dictionary
    from pipelines.cli import printing
    from pipelines.jobs.check import configured_catalog

    catalog = configured_catalog(config)
    rows = dictionary(catalog)
    print_json(rows) if as_json else printing.features(rows, catalog.omitted)


@command("Data", "schema contacts")
def schema(
    table: Annotated[str | None, typer.Argument(help="A table; the configuration if none.")] = None,
) -> None:
    """Print the JSON Schema of the configuration, or of a table of the data contract."""
    from pipelines.cli.schemas import config_schema, table_schema

    print_json(config_schema() if table is None else table_schema(table))
