"""The leak detector in a training run: what it is shown, and what becomes of its findings."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from features.tables import TABLES
from models.arrays import Texts
from models.leaks import Finding, LeakWarning, find_leaks, refusal, together
from pipelines.database import connect
from pipelines.record import RunRecord
from pipelines.settings import Settings
from pipelines.snapshots.reading import load_table
from pipelines.sources.files import find_files
from pipelines.training.evaluation import label_window
from pipelines.training.examples import Prepared
from pipelines.training.judged import Judged


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, and the reasons that the configuration gives by column."""

    findings: tuple[Finding, ...]
    overrides: Mapping[str, str]

    @property
    def warning(self) -> LeakWarning | None:
        """Why the model is refused, if it is."""
        return refusal(self.findings, self.overrides)

    def to_json(self) -> bytes:
        """All findings, each with the reason that overrides it or null."""
        rows = [
            {**asdict(finding), "override": self.overrides.get(finding.column)}
            for finding in self.findings
        ]
        return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def search_leaks(settings: Settings, prepared: Prepared, record: RunRecord) -> Search:
    """Look for leaks in the examples; what refuses closes a gate, the rest is noted."""
    overrides = settings.training.leak_override
    with record.stage("leaks") as stage:
        stage.rows_in = len(prepared.examples)
        filed = customers_as_filed(settings)
        findings = find_leaks(prepared.examples, label_window(settings), filed)
        stage.rows_out = len(findings)
    search = Search(findings, overrides)
    suspected = [f for f in findings if f.refuses and f.column not in overrides]
    record.gate("suspected_leaks", float(len(suspected)), high=0.0)
    for finding in findings:
        if finding.column in overrides:
            why = overrides[finding.column]
            record.notes.append(f"let through by a person ({why}): {finding.message}")
        elif not finding.refuses:
            record.notes.append(finding.message)
    idle = sorted(set(overrides) - {finding.column for finding in findings})
    record.notes += [f"training.leak_override: nothing was found on {name}" for name in idle]
    return search


def with_search(judged: Judged, search: Search) -> Judged:
    """The judgement with the search's warning before the model's own."""
    return replace(judged, leak=together(search.warning, judged.leak))


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
