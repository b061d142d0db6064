"""Target leakage detection, the same in ``stille check`` and before anything is fitted.

Findings refuse a model unless the configuration names the column and gives the reason.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex

import numpy as np

from features.contract import TABLES
from features.errors import GateError
from models.dataset.array_types import Texts
from models.leaks.lag import lag_blind_spot
from models.leaks.rows import FLAT, SINGLE_DATE, Leak
from models.leaks.search import find_leaks, ranked
from models.leaks.static_columns import Edits, judge_edits
from models.leaks.verdict import describe, refusal
from pipelines.config.mapping import SEGMENT
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.matrices.build import catalog_of
from pipelines.matrices.files import scratch
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.duckdb_connection import connect, identifier
from pipelines.snapshots.facts import shards_of
from pipelines.snapshots.loading import load_table
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.store import readable_snapshots
from pipelines.sources.files import find_files
from pipelines.training.examples import TrainingData, make_examples

LEAKS = "leaks.json"
_FEWEST_LEAVERS = 20
_NOT_DONE = "Leaks were not looked for:"


@dataclass(frozen=True, slots=True)
class LeakSearch:
    """Findings, the reasons that the configuration gives by key, and in words what was searched.

    ``path`` is the file that holds all of them.
    """

    findings: tuple[Leak, ...]
    overrides: Mapping[str, str]
    summary: str
    path: Path

    def refuse(self) -> None:
        """Raise ``GateError`` for what refuses and is not overridden, the strongest first."""
        message = refusal(self.findings, self.overrides, str(self.path))
        if message is not None:
            raise GateError(message)

    def to_json(self) -> bytes:
        """All findings, each with the reason that overrides it or null."""
        rows = [{**asdict(f), "override": f.override(self.overrides)} for f in self.findings]
        return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def check_leaks(run: Run, snapshot: Snapshot) -> LeakSearch:
    """As ``search_leaks`` on the rows that training would learn from, if any label can be made."""
    if not {"terminations", "labels"} & set(snapshot.tables):
        return _record(run, snapshot, None, f"{_NOT_DONE} the tables do not say who left.")
    try:
        prepared = make_examples(run, snapshot)
    except GateError as error:
        return _record(run, snapshot, None, f"{_NOT_DONE} {error}")
    return search_leaks(run, snapshot, prepared)


def search_leaks(run: Run, snapshot: Snapshot, prepared: TrainingData) -> LeakSearch:
    """Look for leaks in the examples and write all findings to ``LEAKS`` in ``paths.out``.

    Columns that were declared static and changed are found without labels; for the rest nothing
    is looked for where too few have left. What refuses closes a gate, the rest is noted.
    """
    settings, examples = run.settings, prepared.examples
    leavers = int(examples.y.sum())
    if min(leavers, len(examples) - leavers) < _FEWEST_LEAVERS:
        few = f"{leavers} of {len(examples):,} rows left, too few."
        return _record(run, snapshot, None, f"{_NOT_DONE} {few}")
    with run.record.stage("leaks") as stage:
        stage.rows_in = len(examples)
        filed = customers_as_filed(settings)
        made = catalog_of(settings.sources, snapshot).model_features
        named = [feature for feature in made if not feature.name.startswith(FLAT)]
        tables = {f.name: [need for need in f.needs if need in TABLES] for f in named}
        findings = find_leaks(examples, settings.label_window(), filed, tables=tables)
        stage.rows_out = len(findings)
    where = f"{len(examples):,} rows of {examples.as_of.min()} to {examples.as_of.max()}"
    summary = f"Leaks were looked for in {where}, with {leavers:,} leavers."
    blind = lag_blind_spot(examples)
    run.record.notes += [blind] if blind else []
    return _record(run, snapshot, findings, f"{summary} {blind}".strip())


def _record(
    run: Run, snapshot: Snapshot, labelled: tuple[Leak, ...] | None, summary: str
) -> LeakSearch:
    overrides, record = run.settings.training.leak_override, run.record
    findings = ranked((*(labelled or ()), *changed_columns(run.settings, snapshot)))
    if labelled is None:
        record.notes.append(summary)
    suspected = [f for f in findings if f.refuses and f.override(overrides) is None]
    record.gate("suspected_leaks", float(len(suspected)), high=0.0)
    for finding in findings:
        reason = finding.override(overrides)
        if reason is not None:
            record.notes.append(f"let through by a person ({reason}): {describe(finding)}")
        elif not finding.refuses:
            record.notes.append(describe(finding))
    used = {f.column for f in findings} | {SINGLE_DATE for f in findings if f.undated}
    unused = sorted(set(overrides) - used)
    record.notes += [f"training.leak_override: nothing was found on {name}" for name in unused]
    summary += f" {len(findings)} findings, {len(suspected)} of them refused."
    search = LeakSearch(findings, overrides, summary, run.settings.paths.out / LEAKS)
    write_file(search.path, search.to_json())
    return search


def customers_as_filed(settings: Settings) -> Texts | None:
    """Ids in the order of the customers' files; None for a database, which promises no order."""
    if settings.sources["customers"].database is not None:
        return None
    with (
        scratch(settings.paths.scratch, f"leaks-{token_hex(8)}") as folder,
        connect(settings.engine, settings.paths.spill) as connection,
    ):
        inputs = find_files(settings, "customers")
        load_table(connection, settings, TABLES["customers"], inputs, folder, None)
        asked = "select customer_id from customers where _rule is null order by _file, _row"
        rows = connection.execute(asked).fetchall()
    return np.array([row[0] for row in rows], dtype=object)


_COUNTS = """
select count(*), count_if(edited and known), count_if(edited and not known),
    count_if(edited and gone), count_if(gone)
from (
    select before.{0} is not null as known, now.{0} is distinct from before.{0} as edited,
        customer_id in (from ends) as gone
    from now join before using (customer_id))
"""

_ENDS = (("terminations", "true"), ("labels", "churned"))
_NOBODY = ("customers", "false")


def changed_columns(settings: Settings, snapshot: Snapshot) -> list[Leak]:
    """Findings on static columns, from the customers of ``snapshot`` and of the one before it.

    Only tables that were read with the same mapping say whether a value changed. Without ones
    there is nothing to find.
    """
    columns, stored = _static(settings), readable_snapshots(settings.paths.snapshots)
    others = (each for each in stored if each.digest != snapshot.digest)
    before = next((each for each in others if each.mapping == snapshot.mapping), None)
    if before is None or not columns:
        return []
    found = []
    with connect(settings.engine, settings.paths.spill) as connection:
        for name, of in (("now", snapshot), ("before", before)):
            connection.execute(f"create temp view {name} as from {shards_of(of.root, 'customers')}")
        ended, rows = next((each for each in _ENDS if each[0] in snapshot.tables), _NOBODY)
        connection.execute(
            f"create temp view ends as select customer_id from {shards_of(snapshot.root, ended)} "
            f"where {rows}"
        )
        for column, declaration in columns.items():
            counts = connection.execute(_COUNTS.format(identifier(column))).fetchone()
            edits = Edits(*(counts or (0, 0, 0, 0, 0)))
            found.append(judge_edits(column, declaration, edits))
    return [finding for finding in found if finding is not None]


def _static(settings: Settings) -> dict[str, str]:
    """The configuration's key that declares each static column of the snapshot."""
    customers, place = settings.sources["customers"], "sources.customers"
    given = customers.attributes.items()
    found = {f"attr_{name}": f"{place}.attributes.{name}" for name, a in given if not a.mutable}
    segment = customers.columns.get(SEGMENT)
    if segment is not None and not segment.mutable:
        found[SEGMENT] = f"{place}.columns.{SEGMENT}"
    return found
