"""HTML report of a data validation: one offline file, no scripts, nothing that customers wrote."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from features.contract import TABLES
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.escaping import html_template
from pipelines.runtime.run_record import Gate
from pipelines.snapshots.facts import rows_after
from pipelines.validation.tables import (
    CheckResult,
    DataFinding,
    findings,
    split_by_table,
    table,
    tables_without_gate,
)


def write_page(path: Path, checked: CheckResult) -> None:
    """Write the page; raises ``PublicationError`` when the disk refuses."""
    write_file(path, render(checked, path.parent).encode())


def render(checked: CheckResult, folder: Path) -> str:
    """The page as HTML, for a file in ``folder``. Every value is escaped."""
    banded = [g for g in checked.gates if g.low is not None or g.high is not None]
    stopped = [gate for gate in banded if not gate.passed]
    found = findings(checked.tables)
    first, rest = split_by_table(found)
    tone, verdict = _verdict(checked, stopped, found)
    page = {
        "tone": tone,
        "verdict": verdict,
        "tables": [table(name, facts, checked) for name, facts in checked.tables.items()],
        "without_gate": tables_without_gate(checked),
        "stopped": stopped,
        "passed": [gate for gate in banded if gate.passed],
        "findings": first,
        "more_findings": rest,
        "orders": [
            f"{name}: {what}"
            for name, facts in checked.tables.items()
            for what in facts.profile.orders
        ],
        "aside": any(finding.aside for finding in found),
    }

    def file(table: str) -> str:
        return quote(Path(os.path.relpath(checked.quarantine / f"{table}.csv", folder)).as_posix())

    template = html_template("check.html")
    return template.render(page=page, check=checked, figure=_figure, share=_share, file=file)


def _verdict(
    checked: CheckResult, stopped: Sequence[Gate], data_findings: Sequence[DataFinding]
) -> tuple[str, str]:
    """How serious it is (``bad``, ``look`` or ``good``), and the same in words."""
    if checked.refusals:
        said = f"{_count(len(checked.refusals), 'table')} refused: {', '.join(checked.refusals)}."
        if stopped:
            said += f" {_count(len(stopped), 'gate')} stopped."
        return "bad", f"{said} The last snapshot and publication stand."
    if checked.refusal is not None:
        return "bad", checked.refusal
    given = [facts for name, facts in checked.tables.items() if not TABLES[name].derived]
    rows = sum(facts.source_rows for facts in given)
    aside = sum(f.rows or 0 for f in data_findings if f.aside)
    said = f"{_count(len(checked.tables), 'table')} with {rows:,} rows keep the data contract."
    if aside:
        said = (
            f"{aside:,} of {rows:,} rows ({_share(aside / rows)}) were set aside; the others of "
            f"{_count(len(checked.tables), 'table')} keep the data contract."
        )
    after = sum(rows_after(facts, checked.as_of) for facts in checked.tables.values())
    if after:
        said += f" {after:,} lie after {checked.as_of} and count for nothing on that date."
    if stopped:
        said += f" {_count(len(stopped), 'gate')} stopped, and a person let the tables through."
    if data_findings:
        said += f" {_count(len(data_findings), 'thing')} to look at below."
    return "look" if data_findings or stopped else "good", said


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _share(share: float) -> str:
    return "under 0.1%" if 0 < share < 0.001 else f"{share:.1%}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
