"""HTML report of a data validation: one offline file, no scripts, nothing that customers wrote."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote

from features.contract import TABLES
from features.timeline import local_day
from pipelines.config.run import Run
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.escaping import page_template
from pipelines.runtime.run_record import Gate
from pipelines.snapshots.facts import TableFacts, rows_after
from pipelines.snapshots.unit_levels import unit_factor
from pipelines.snapshots.writing_tables import WrittenTables
from pipelines.training.leaks import LeakSearch

SET_ASIDE = "set aside"
PER_TABLE = 15
_OFTEN_EMPTY = 0.5
_NAMED = 4
_FRESH = "days since the newest event"


@dataclass(frozen=True, slots=True)
class DataFinding:
    """Rows of a table that contradict something; ``of`` is how many rows they are among.

    ``rows`` is None for what is wrong with a whole column.
    """

    table: str
    kind: str
    what: str
    rows: int | None
    of: int

    @property
    def share(self) -> float:
        """Share of the table's rows; a whole column counts as all of them."""
        return 1.0 if self.rows is None else self.rows / max(self.of, 1)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check saw: the run with its gates, the tables as far as they were read, where rows
    are that were set aside, leaks where they were looked for, and the message of a refusal if any.
    """

    run: Run
    written: WrittenTables
    quarantine: Path
    leaks: LeakSearch | None = None
    refusal: str | None = None

    @property
    def without_range(self) -> list[str]:
        """The numbers of customers for which no range is declared."""
        given = self.run.settings.sources["customers"].attributes.items()
        return [n for n, a in given if a.type == "number" and not (a.range or a.as_days)]


def tables_without_gate(checked: CheckResult) -> str:
    """Names of the tables whose age no gate looks at."""
    gates, written = checked.run.record.gates, checked.written
    gated = {gate.name.partition(":")[0] for gate in gates if gate.name.endswith(_FRESH)}
    dated = [name for name, facts in written.tables.items() if facts.last_event is not None]
    others = {*gated, *written.refusals, *(name for name in dated if TABLES[name].derived)}
    return ", ".join(name for name in dated if name not in others)


def _often_empty(facts: TableFacts) -> str:
    shares = {name: c.nulls / max(facts.rows, 1) for name, c in facts.profile.columns.items()}
    often = sorted((-share, name) for name, share in shares.items() if share >= _OFTEN_EMPTY)
    shown = [f"{name} {-share:.0%}" for share, name in often[:_NAMED]]
    return ", ".join(shown) + (f" and {len(often) - _NAMED} more" if len(often) > _NAMED else "")


def findings(tables: Mapping[str, TableFacts]) -> list[DataFinding]:
    """Every finding, the largest share of its table's rows first."""
    found = (finding for name, facts in tables.items() for finding in _findings_of(name, facts))
    return sorted(found, key=lambda f: (-f.share, f.table, f.kind, f.what))


def split_by_table(findings: Iterable[DataFinding]) -> tuple[list[DataFinding], list[DataFinding]]:
    """The ``PER_TABLE`` worst of each table, and the rest; both in the given order."""
    seen: Counter[str] = Counter()
    first: list[DataFinding] = []
    rest: list[DataFinding] = []
    for finding in findings:
        seen[finding.table] += 1
        (first if seen[finding.table] <= PER_TABLE else rest).append(finding)
    return first, rest


def _findings_of(name: str, facts: TableFacts) -> Iterator[DataFinding]:
    for rule, count in facts.quarantined.items():
        form = f", {facts.lost_forms[rule]}" if rule in facts.lost_forms else ""
        yield DataFinding(name, SET_ASIDE, f"{rule}{form}", count, facts.source_rows)
    for what, count in facts.profile.orphans.items():
        yield DataFinding(name, "orphan keys", what, count, facts.rows)
    for what, found in facts.profile.orders.items():
        if found.rows:
            where = f"{what}, first in {found.first}"
            yield DataFinding(name, "dates out of order", where, found.rows, found.of)
    if facts.profile.alike:
        what = "alike in everything but the key"
        yield DataFinding(name, "duplicates", what, facts.profile.alike, facts.rows)
    for column, profile in facts.profile.columns.items():
        if profile.constant is not None:
            what = (
                f"{column}: {profile.constant} in every row, so it tells nobody apart; where a "
                "file has a row per change, see duplicates: versions"
            )
            yield DataFinding(name, "constant column", what, None, facts.rows)
        factor = unit_factor(profile.jump)
        if factor is not None:
            what = f"{column}: the newest month's median is about {factor:g} times what it was"
            yield DataFinding(name, "unit jump", what, None, facts.rows)


def write_page(path: Path, checked: CheckResult) -> None:
    """Write the page; raises ``PublicationError`` when the disk refuses."""
    write_file(path, render(checked, path.parent).encode())


def render(checked: CheckResult, folder: Path) -> str:
    """The page as HTML, for a file in ``folder``. Every value is escaped."""
    run, written = checked.run, checked.written
    banded = [g for g in run.record.gates if g.low is not None or g.high is not None]
    stopped = [gate for gate in banded if not gate.passed]
    found = findings(written.tables)
    first, rest = split_by_table(found)
    tone, verdict = _verdict(checked, stopped, found)

    def file(table: str) -> str:
        return quote(Path(os.path.relpath(checked.quarantine / f"{table}.csv", folder)).as_posix())

    def day(moment: datetime | None) -> date | None:
        return moment and local_day(moment, run.settings.company.timezone)

    return page_template("check.html").render(
        check=checked,
        run=run,
        written=written,
        tone=tone,
        verdict=verdict,
        derived={name for name in written.tables if TABLES[name].derived},
        without_gate=tables_without_gate(checked),
        stopped=stopped,
        passed=[gate for gate in banded if gate.passed],
        first=first,
        rest=rest,
        orders=[f"{n}: {what}" for n, t in written.tables.items() for what in t.profile.orders],
        aside=any(finding.kind == SET_ASIDE for finding in found),
        day=day,
        after=lambda facts: rows_after(facts, run.as_of),
        empty=_often_empty,
        figure=lambda value: "" if value is None else f"{value:.4g}",
        share=_share,
        file=file,
    )


def _verdict(
    checked: CheckResult, stopped: Sequence[Gate], data_findings: Sequence[DataFinding]
) -> tuple[str, str]:
    """How serious it is (``bad``, ``look`` or ``good``), and the same in words."""
    tables, refusals, as_of = checked.written.tables, checked.written.refusals, checked.run.as_of
    if refusals:
        said = f"{_count(len(refusals), 'table')} refused: {', '.join(refusals)}."
        if stopped:
            said += f" {_count(len(stopped), 'gate')} stopped."
        return "bad", f"{said} The last snapshot and publication stand."
    if checked.refusal is not None:
        return "bad", checked.refusal
    given = [facts for name, facts in tables.items() if not TABLES[name].derived]
    rows = sum(facts.source_rows for facts in given)
    aside = sum(f.rows or 0 for f in data_findings if f.kind == SET_ASIDE)
    said = f"{_count(len(tables), 'table')} with {rows:,} rows keep the data contract."
    if aside:
        said = (
            f"{aside:,} of {rows:,} rows ({_share(aside / rows)}) were set aside; the others of "
            f"{_count(len(tables), 'table')} keep the data contract."
        )
    after = sum(rows_after(facts, as_of) for facts in tables.values())
    if after:
        said += f" {after:,} lie after {as_of} and count for nothing on that date."
    if stopped:
        said += f" {_count(len(stopped), 'gate')} stopped, and a person let the tables through."
    if data_findings:
        said += f" {_count(len(data_findings), 'thing')} to look at below."
    return "look" if data_findings or stopped else "good", said


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _share(share: float) -> str:
    return "under 0.1%" if 0 < share < 0.001 else f"{share:.1%}"
