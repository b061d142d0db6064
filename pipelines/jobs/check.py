"""Data validation job (``stille check``), and the features that the configured tables carry."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.catalog import Catalog
from features.errors import GateError, StilleError
from pipelines.config.run import open_run
from pipelines.config.settings import load_settings
from pipelines.jobs.read_tables import CHECK_PAGE, read_tables
from pipelines.matrices.build import catalog_from
from pipelines.snapshots import households
from pipelines.snapshots.facts import check_report
from pipelines.snapshots.loading import columns_absent
from pipelines.snapshots.store import previous_snapshot, refused_folder
from pipelines.snapshots.writing_tables import WrittenTables
from pipelines.training.leaks import check_leaks
from pipelines.validation.page import CheckResult, write_page


@dataclass(frozen=True, slots=True)
class Report:
    """One row per table on ``as_of``, the page with the rest, and what is said about leaks."""

    rows: list[dict[str, Any]]
    page: Path
    as_of: date
    leaks: str


def check_tables(config: Path, as_of: date | None, *, accept: bool = False) -> Report:
    """Read every table against the contract, look for leaks and write the page, also on refusal.

    Raises what ``read_tables`` raises, and ``GateError`` for a leak.
    """
    latest = [WrittenTables({}, 1)]
    with open_run("check", config, as_of) as run:
        page = run.settings.paths.out / CHECK_PAGE

        def write(tables: WrittenTables, quarantine: Path, **findings: Any) -> None:
            settings = run.settings
            checked = CheckResult(
                company=settings.company.name,
                zone=settings.company.timezone,
                as_of=run.as_of,
                tables=tables.tables,
                refusals={name: str(error) for name, error in tables.refusals.items()},
                gates=run.record.gates,
                quarantine=quarantine,
                customers_known=tables.customers_known,
                limits={name: settings.quarantine_share_of(name) for name in settings.sources},
                without_range=tuple(
                    name
                    for name, attribute in settings.sources["customers"].attributes.items()
                    if attribute.type == "number" and not (attribute.range or attribute.as_days)
                ),
                **findings,
            )
            write_page(page, checked)

        try:
            snapshot = read_tables(run, accept=accept, on_tables=latest.append)
        except StilleError as error:
            write(latest[-1], refused_folder(run.settings.paths.snapshots), refusal=str(error))
            raise
        tables = WrittenTables(snapshot.tables, snapshot.shards)
        quarantine = snapshot.root / "quarantine"
        search = check_leaks(run, snapshot)
        try:
            search.refuse()
        except GateError as error:
            write(tables, quarantine, refusal=str(error), leaks=search)
            raise
        write(tables, quarantine, leaks=search)
        return Report(check_report(snapshot, run.as_of), page, run.as_of, search.summary)


def configured_catalog(config: Path) -> Catalog:
    """The features that the configured tables can carry, and what the others miss.

    A file's columns are those of its header now, a database table's those that were last read.
    """
    settings = load_settings(config)
    tables = tuple(settings.sources)
    derived = (households.NOTICES,) if households.derivable(tables) else ()
    before = previous_snapshot(settings.paths.snapshots)
    read = {} if before is None else {n: t.absent for n, t in before.tables.items() if n in tables}
    lacking = dict.fromkeys((*tables, *derived), ()) | read | columns_absent(settings)
    return catalog_from(settings.sources, lacking)
