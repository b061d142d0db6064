"""Target leakage detection, before anything is trained and in every training run.

Findings refuse a model unless the configuration names the column and gives the reason.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from features.contract import TABLES
from features.errors import GateError
from models.dataset.array_types import Texts
from models.leaks.rows import Leak
from models.leaks.search import find_leaks
from models.leaks.verdict import LeakWarning, merge_warnings, refusal
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.duckdb_connection import connect
from pipelines.snapshots.loading import load_table
from pipelines.snapshots.snapshot import Snapshot
from pipelines.sources.files import find_files
from pipelines.training.evaluation_result import Evaluation
from pipelines.training.examples import TrainingData, make_examples

_NEWEST = 6
_FEWEST_LEAVERS = 20


@dataclass(frozen=True, slots=True)
class LeakSearch:
    """Findings, and the reasons that the configuration gives by column."""

    findings: tuple[Leak, ...]
    overrides: Mapping[str, str]

    @property
    def warning(self) -> LeakWarning | None:
        """Why the model is refused, if it is."""
        return refusal(self.findings, self.overrides)

    def to_json(self) -> bytes:
        """All findings, each with the reason that overrides it or null."""
        rows = [{**asdict(f), "override": self.overrides.get(f.column)} for f in self.findings]
        return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def refuse_leaks(run: Run, snapshot: Snapshot) -> str:
    """Look for leaks in the newest six months with a complete label; what was done, in words.

    Where no label can be made, or too few have left, nothing is looked for and the answer says
    why. Raises ``GateError`` naming column and evidence, unless ``training.leak_override`` does.
    """
    if not {"terminations", "labels"} & set(snapshot.tables):
        return "Leaks were not looked for: the tables do not say who left."
    try:
        prepared = make_examples(run, snapshot, newest=_NEWEST)
    except GateError as error:
        return f"Leaks were not looked for: {error}"
    examples = prepared.examples
    leavers = int(examples.y.sum())
    if min(leavers, len(examples) - leavers) < _FEWEST_LEAVERS:
        return f"Leaks were not looked for: {leavers} of {len(examples):,} rows left, too few."
    search = search_leaks(run, prepared)
    if search.warning is not None:
        raise GateError(search.warning.message)
    return (
        f"No column gives the answer away in {len(examples):,} rows of {examples.as_of.min()} to "
        f"{examples.as_of.max()}, with {leavers:,} leavers."
    )


def search_leaks(run: Run, prepared: TrainingData) -> LeakSearch:
    """Look for leaks in the examples; what refuses closes a gate, the rest is noted."""
    settings, record = run.settings, run.record
    overrides = settings.training.leak_override
    with record.stage("leaks") as stage:
        stage.rows_in = len(prepared.examples)
        filed = customers_as_filed(settings)
        findings = find_leaks(prepared.examples, settings.label_window(), filed)
        stage.rows_out = len(findings)
    search = LeakSearch(findings, overrides)
    suspected = [f for f in findings if f.refuses and f.column not in overrides]
    record.gate("suspected_leaks", float(len(suspected)), high=0.0)
    for finding in findings:
        if finding.column in overrides:
            why = overrides[finding.column]
            record.notes.append(f"let through by a person ({why}): {finding.message}")
        elif not finding.refuses:
            record.notes.append(finding.message)
    unused = sorted(set(overrides) - {finding.column for finding in findings})
    record.notes += [f"training.leak_override: nothing was found on {name}" for name in unused]
    return search


def with_leak_warning(evaluation: Evaluation, search: LeakSearch) -> Evaluation:
    """The evaluation with the search's warning before the model's own."""
    return replace(evaluation, leak=merge_warnings(search.warning, evaluation.leak))


def customers_as_filed(settings: Settings) -> Texts | None:
    """Ids in the order of the customers' files; None for a database, which promises no order."""
    if settings.sources["customers"].database is not None:
        return None
    folder = settings.paths.spill
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=folder) as scratch,
        connect(settings.engine, folder) as connection,
    ):
        inputs = find_files(settings, "customers")
        load_table(connection, settings, TABLES["customers"], inputs, Path(scratch), None)
        rows = connection.execute(
            "select customer_id from customers where _rule is null order by _file, _row"
        ).fetchall()
    return np.array([row[0] for row in rows], dtype=object)
