"""The page of ``stille check``: one offline file, without scripts and without customers' words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from features.tables import TABLES
from pipelines.record import Gate
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.levels import unit_factor
from pipelines.snapshots.profile import ColumnProfile
from pipelines.storage import replace_bytes, storage_errors

_MANY = 25


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows of a table that a person may want to look at."""

    table: str
    kind: str
    what: str
    rows: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check saw: the tables as far as they were read, the gates, and a refusal if any.

    ``refusals`` tells by table what breaks the contract; ``refusal`` is the whole message.
    """

    company: str
    zone: str
    as_of: date
    tables: Mapping[str, TableFacts]
    gates: Sequence[Gate]
    quarantine: Path
    refusal: str | None = None
    refusals: Mapping[str, str] = field(default_factory=dict)


def write_page(path: Path, checked: Checked) -> None:
    """Write the page; raises ``PublicationError`` when the disk refuses."""
    with storage_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, render(checked).encode())


def render(checked: Checked) -> str:
    """The page as HTML. Every value is escaped."""
    return _template().render(page=_page(checked))


@cache
def _template() -> Template:
    pages = Environment(
        loader=PackageLoader("pipelines"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("check.html")


def _page(checked: Checked) -> dict[str, object]:
    closed = [gate for gate in checked.gates if not gate.passed]
    findings = list(_findings(checked.tables))
    shown = closed or list(checked.gates)[:_MANY]
    return {
        "company": checked.company,
        "as_of": checked.as_of,
        "good": checked.refusal is None,
        "verdict": checked.refusal or _verdict(checked.tables, closed, findings),
        "tables": [_table(name, facts, checked) for name, facts in checked.tables.items()],
        "gates": [_gate(gate) for gate in shown],
        "open_gates": len(checked.gates) - len(shown),
        "findings": findings,
        "quarantine": checked.quarantine
        if any(f.quarantined for f in checked.tables.values())
        else "",
    }


def _verdict(
    tables: Mapping[str, TableFacts], closed: Sequence[Gate], findings: Sequence[Finding]
) -> str:
    rows = sum(facts.rows for facts in tables.values())
    said = f"{len(tables)} tables with {rows:,} rows keep the data contract."
    if closed:
        said += f" {len(closed)} gates are closed and were let through by a person."
    return said + (f" {len(findings)} things to look at are listed below." if findings else "")


def _table(name: str, facts: TableFacts, checked: Checked) -> dict[str, object]:
    newest = _local(facts.last_event, checked.zone)
    return {
        "name": name,
        "derived": TABLES[name].derived,
        "rows": f"{facts.rows:,}",
        "set_aside": f"{sum(facts.quarantined.values()):,}",
        "first": _local(facts.first_event, checked.zone) or "",
        "newest": newest or "",
        "age": (checked.as_of - newest).days if newest is not None else "",
        "absent": ", ".join(facts.absent),
        "unread": ", ".join(facts.unread),
        "forbidden": ", ".join(facts.forbidden),
        "open": len(checked.tables) == 1,
        "columns": [
            _column(column, profile, facts.rows)
            for column, profile in facts.profile.columns.items()
        ],
    }


def _column(name: str, profile: ColumnProfile, rows: int) -> dict[str, str]:
    return {
        "name": name,
        "nulls": f"{profile.nulls / rows:.1%}" if rows else "",
        "low": profile.low or "",
        "high": profile.high or "",
        "jump": "" if profile.jump is None else f"{profile.jump:.2f}",
    }


def _gate(gate: Gate) -> dict[str, object]:
    figures = {"value": gate.value, "low": gate.low, "high": gate.high}
    shown = {key: "" if value is None else f"{value:.4g}" for key, value in figures.items()}
    if gate.value is None:
        shown["value"] = "unknown"
    return {"name": gate.name, "passed": gate.passed, **shown}


def _findings(tables: Mapping[str, TableFacts]) -> Iterator[Finding]:
    for name, facts in tables.items():
        for rule, count in facts.quarantined.items():
            yield Finding(name, "set aside", rule, f"{count:,}")
        for what, count in facts.profile.orphans.items():
            yield Finding(name, "orphan keys", what, f"{count:,}")
        for what, count in facts.profile.disorder.items():
            yield Finding(name, "dates out of order", what, f"{count:,}")
        if facts.profile.alike:
            what = "alike in everything but the key"
            yield Finding(name, "duplicates", what, f"{facts.profile.alike:,}")
        for column, profile in facts.profile.columns.items():
            factor = unit_factor(profile.jump)
            if factor is not None:
                what = f"{column}: the newest month's median is about {factor:g} times what it was"
                yield Finding(name, "unit jump", what, "")


def _local(moment: datetime | None, zone: str) -> date | None:
    """The local day of a naive UTC instant."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
