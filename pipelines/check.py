"""What ``stille check``, ``features`` and ``schema`` answer."""

from datetime import date
from pathlib import Path
from typing import Any

from features.catalog import build_catalog, dictionary
from pipelines.clock import new_run_id, today_in
from pipelines.engine import attributes_of
from pipelines.record import recorded
from pipelines.settings import load_settings
from pipelines.snapshot import check_report
from pipelines.tables import read_tables


def check_tables(config: Path, as_of: date | None) -> list[dict[str, Any]]:
    """Read every table against the contract; one row per table.

    Raises ``ContractError`` when a table breaks the contract.
    """
    settings = load_settings(config)
    day = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id("check"), "check") as record:
        return check_report(read_tables(settings, day, record))


def feature_dictionary(config: Path) -> list[dict[str, str]]:
    """Every feature that the configured tables can carry, in the catalog's order."""
    settings = load_settings(config)
    return dictionary(build_catalog(tuple(settings.sources), attributes_of(settings)))
