"""Table intake: the first step of every run, with its gates and record."""

from collections.abc import Callable
from datetime import date

from features.tables import TABLES
from pipelines.clock import today_in
from pipelines.config.masterdata import refuse_mutable
from pipelines.progress import bar
from pipelines.record import Gate, RunRecord
from pipelines.settings import Settings
from pipelines.snapshots.gates import judged, measures
from pipelines.snapshots.measure import Known, Tables
from pipelines.snapshots.ownpast import own_measures
from pipelines.snapshots.snapshot import Snapshot, take_snapshot
from pipelines.snapshots.store import previous
from pipelines.snapshots.taking import Taken
from pipelines.trained import champion_tables

CHECK_PAGE = "check.html"
_CHECK = "check"


def read_tables(
    settings: Settings,
    as_of: date,
    record: RunRecord,
    *,
    accept: bool = False,
    seen: Callable[[Taken], object] = lambda _: None,
) -> Snapshot:
    """Check the tables and take their snapshot; note what was set aside and every gate.

    An event counts as lying in the future when it is after both ``as_of`` and the real day.
    ``accept`` lets the tables through although a gate is closed; ``seen`` is shown them, and
    which are refused, before that is decided. Only ``stille check`` reads tables with a mutable
    attribute.

    Raises what ``take_snapshot`` does, ``GateError`` for a closed gate, ``ConfigError`` for a
    mutable attribute.
    """
    if record.command != _CHECK:
        refuse_mutable(settings.sources)
    zone = settings.company.timezone
    limit = max(as_of, today_in(zone))
    store, page = settings.paths.snapshots, str(settings.paths.out / CHECK_PAGE)
    before = previous(store)

    def judge(taken: Taken) -> tuple[Gate, ...]:
        seen(taken)
        _note_quarantine(record, taken.tables)
        accepted = {n: t for n, t in taken.tables.items() if n not in taken.refusals}
        known = champion_tables(settings, record) if before is None else Known(before.tables)
        found = measures(settings, as_of, accepted, known)
        return judged(found, before, record, page, accept=accept)

    def again(ready: Snapshot) -> tuple[Gate, ...]:
        found = own_measures(settings.quality, zone, as_of, ready.tables)
        return judged(found, ready, record, page, accept=accept)

    tables = sum(name in settings.sources for name in TABLES)
    with record.stage("tables") as stage, bar("reading tables", tables) as advance:
        snapshot = take_snapshot(settings, store, advance, limit, judge, again)
        stage.rows_in = sum(facts.source_rows for facts in snapshot.tables.values())
        stage.rows_out = sum(facts.rows for facts in snapshot.tables.values())
    _note(record, snapshot)
    return snapshot


def _note(record: RunRecord, snapshot: Snapshot) -> None:
    record.input_digests = dict(snapshot.inputs)
    record.gates = list(snapshot.gates)
    _note_quarantine(record, snapshot.tables)


def _note_quarantine(record: RunRecord, tables: Tables) -> None:
    record.quarantined = {
        name: dict(facts.quarantined) for name, facts in tables.items() if facts.quarantined
    }
