"""Reading the company's tables, as the first step of every run."""

from datetime import date

from features.tables import TABLES
from pipelines.clock import today_in
from pipelines.progress import bar
from pipelines.record import RunRecord
from pipelines.settings import Settings
from pipelines.snapshot import Snapshot, take_snapshot


def read_tables(settings: Settings, as_of: date, record: RunRecord) -> Snapshot:
    """Check the tables and take their snapshot; note what was set aside.

    An event counts as lying in the future when it is after both ``as_of`` and the real day.
    """
    limit = max(as_of, today_in(settings.company.timezone))
    tables = sum(name in settings.sources for name in TABLES)
    with record.stage("tables") as stage, bar("reading tables", tables) as advance:
        snapshot = take_snapshot(settings, settings.paths.var / "snapshot", advance, limit)
        stage.rows_in = sum(facts.source_rows for facts in snapshot.tables.values())
        stage.rows_out = sum(facts.rows for facts in snapshot.tables.values())
    record.input_digests = dict(snapshot.inputs)
    record.quarantined = {
        name: dict(facts.quarantined)
        for name, facts in snapshot.tables.items()
        if facts.quarantined
    }
    return snapshot
