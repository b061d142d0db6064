"""Reading the company's tables, as the first step of every run."""

import hashlib
import json
from collections.abc import Callable

from features.contract import TABLES
from features.errors import ModelError
from pipelines.config.mapping import refuse_mutable
from pipelines.config.run import Run
from pipelines.matrices.build import tables_of
from pipelines.runtime.environment import code_version, commit, packages, today_in
from pipelines.runtime.progress import bar
from pipelines.runtime.run_record import Gate, RunRecord
from pipelines.snapshots.facts import TABLES_NAME, inputs_digest, tables_from_json
from pipelines.snapshots.gate_measures import PreviousTables, Tables, measures, own_measures
from pipelines.snapshots.gates import record_gates
from pipelines.snapshots.snapshot import Snapshot, take_snapshot
from pipelines.snapshots.store import previous_snapshot
from pipelines.snapshots.writing_tables import WrittenTables

CHECK_PAGE = "check.html"
_CHECK = "check"


def read_tables(
    run: Run, *, accept: bool = False, on_tables: Callable[[WrittenTables], object] = lambda _: None
) -> Snapshot:
    """Check the tables and take their snapshot; note what was set aside and every gate.

    An event counts as lying in the future when it is after both the as-of date and the real day.
    ``accept`` lets the tables through although a gate is closed; ``on_tables`` is shown them, and
    which are refused, before that is decided. Only ``stille check`` reads tables with a mutable
    attribute.

    Raises like ``take_snapshot``, and ``GateError`` or ``ConfigError`` for such a gate or column.
    """
    settings, as_of, record = run.settings, run.as_of, run.record
    if record.command != _CHECK:
        refuse_mutable(settings.sources)
    limit = max(as_of, today_in(settings.company.timezone))
    store, page = settings.paths.snapshots, str(settings.paths.out / CHECK_PAGE)
    before = previous_snapshot(store)

    def judge(tables: WrittenTables) -> tuple[Gate, ...]:
        on_tables(tables)
        _note_quarantine(record, tables.tables)
        accepted = {n: t for n, t in tables.tables.items() if n not in tables.refusals}
        previous = _champion_tables(run) if before is None else PreviousTables(before.tables)
        measured = measures(settings, as_of, accepted, previous)
        return record_gates(measured, before, record, page, accept=accept)

    def again(ready: Snapshot) -> tuple[Gate, ...]:
        measured = own_measures(settings.quality, settings.company.timezone, as_of, ready.tables)
        return record_gates(measured, ready, record, page, accept=accept)

    tables = sum(name in settings.sources for name in TABLES)
    with record.stage("tables") as stage, bar("reading tables", tables) as advance:
        snapshot = take_snapshot(settings, store, advance, limit, judge, again)
        stage.rows_in = sum(facts.source_rows for facts in snapshot.tables.values())
        stage.rows_out = sum(facts.rows for facts in snapshot.tables.values())
    record.input_digests = dict(snapshot.inputs)
    record.gates = list(snapshot.gates)
    _note_quarantine(record, snapshot.tables)
    return snapshot


def provenance(run: Run, snapshot: Snapshot) -> dict[str, str]:
    """What a model version's tags tell of where it came from."""
    return {
        "inputs_digest": inputs_digest(snapshot),
        "config_digest": run.config_digest,
        "known_before": str(run.as_of),
        "code_version": code_version(),
        "commit": commit(),
        "packages_digest": hashlib.sha256(json.dumps(packages()).encode()).hexdigest(),
        "run": run.record.run_id,
        "tables": json.dumps(tables_of(snapshot)),
    }


def _note_quarantine(record: RunRecord, tables: Tables) -> None:
    record.quarantined = {
        name: dict(facts.quarantined) for name, facts in tables.items() if facts.quarantined
    }


def _champion_tables(run: Run) -> PreviousTables:
    """The tables of the champion's training; nothing without a champion or an answer.

    A registry that does not answer is noted in the record and stops nothing: the gates that need
    no other snapshot hold all the same.
    """
    settings, record = run.settings, run.record
    if record.degraded or not settings.may_hold_models():
        return PreviousTables({})
    # MLflow takes seconds to import, and a first check has no use for it.
    from pipelines.tracking import registry, runs

    try:
        content = registry.with_timeout(settings, lambda: runs.champion_file(settings, TABLES_NAME))
    except ModelError as error:
        record.notes.append(f"the tables are not held against the champion's: {error}")
        return PreviousTables({})
    if content is None:
        return PreviousTables({})
    return PreviousTables(tables_from_json(content), "the champion's training", growing=True)
