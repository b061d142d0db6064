"""Data validation job (``stille check``), and the features that the configured tables carry."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from features.catalog import Catalog
from features.errors import GateError, StilleError
from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.jobs.read_tables import CHECK_PAGE, read_tables
from pipelines.matrices.build import catalog_from
from pipelines.snapshots import households
from pipelines.snapshots.facts import check_report
from pipelines.snapshots.loading import columns_absent
from pipelines.snapshots.store import previous_snapshot, refused_folder
from pipelines.snapshots.writing_tables import WrittenTables
from pipelines.sources.files import require_folder
from pipelines.training.leaks import check_leaks
from pipelines.validation.page import CheckResult, write_page


@dataclass(frozen=True, slots=True)
class Report:
    """One row per table on ``as_of``, the page with the rest, and what is said about leaks."""

    rows: list[dict[str, Any]]
    page: Path
    as_of: date
    leaks: str


def check(run: Run, *, accept: bool = False) -> Report:
    """Read every table against the contract, look for leaks and write the page, also on refusal.

    Raises what ``read_tables`` raises, and ``GateError`` for a leak.
    """
    latest = [WrittenTables({}, 1)]
    page = run.settings.paths.out / CHECK_PAGE
    try:
        require_folder(run.settings)
        snapshot = read_tables(run, accept=accept, on_tables=latest.append)
    except StilleError as error:
        refused = refused_folder(run.settings.paths.snapshots)
        write_page(page, CheckResult(run, latest[-1], refused, refusal=str(error)))
        raise
    search = check_leaks(run, snapshot)
    tables = WrittenTables(snapshot.tables, snapshot.shards)
    checked = CheckResult(run, tables, snapshot.root / "quarantine", search)
    try:
        search.refuse()
    except GateError as error:
        checked = replace(checked, refusal=str(error))
        raise
    finally:
        write_page(page, checked)
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
