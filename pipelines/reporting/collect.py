"""Collection of the report's values: list rows, snapshot, monitoring and measured effect.

Nothing later than the as-of date is read, so a backfilled report is as it would have been.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd

from features.contract import TABLES
from pipelines.config.settings import Settings
from pipelines.lists.previous_nights import PublishedNight
from pipelines.publication.manifest import Stamp
from pipelines.reporting.facts import Facts, Health, Notice, RunFacts, TableHealth, Tonight
from pipelines.reporting.list_facts import (
    actions_of,
    causes_of,
    peace_of,
    reach_of,
    silent_of,
    why_of,
)
from pipelines.reporting.measurement_facts import MeasurementFile, contact_of, newest, past_of
from pipelines.runtime.run_record import Gate
from pipelines.snapshots.snapshot import Snapshot

_OLD_DAYS = 7


def collect(
    settings: Settings,
    rows: pd.DataFrame,
    causes: pd.DataFrame,
    week_ago: PublishedNight | None,
    snapshot: Snapshot,
    gates: tuple[Gate, ...],
    stamp: Stamp,
) -> Facts:
    """Facts of the night of ``stamp``, whose lists have ``rows`` and ``causes``; no later ones.

    ``week_ago`` is a night to compare with, ``gates`` are those of this run. Reads
    ``var/monitoring`` and ``var/effect``.
    """
    paths, as_of = settings.paths, stamp.as_of
    monitored, measured = newest(paths.monitoring, as_of), newest(paths.effect, as_of)
    health = _health(settings, rows, snapshot, gates, monitored)
    newest_days = [table.newest for table in health.tables if table.newest is not None]
    data_until = min(max(newest_days), as_of) if newest_days else None
    return Facts(
        run=RunFacts(
            company=settings.company.name,
            as_of=as_of,
            model=stamp.model_version,
            lead_days=settings.label.lead_days,
            horizon_days=settings.label.horizon_days,
            data_until=data_until,
            notices=_notices(stamp, health, data_until, monitored, measured),
        ),
        tonight=_tonight(settings, rows),
        reach=reach_of(rows),
        why=why_of(rows, week_ago),
        monitored_on=monitored.day if monitored.data is not None else None,
        past=past_of(monitored),
        contact=contact_of(measured),
        causes=causes_of(causes),
        peace=peace_of(rows),
        health=health,
    )


def _tonight(settings: Settings, rows: pd.DataFrame) -> Tonight:
    called = rows[rows["lane"].eq("call")]
    value = None
    if "expected_value_high" in rows and rows["expected_value"].notna().any():
        value = float(called["expected_value"].sum()), float(called["expected_value_high"].sum())
    first, last = settings.contact.calling_hours
    return Tonight(
        customers=len(rows),
        leavers=float(rows["churn_probability"].sum()),
        called=len(called),
        called_new=int(called["is_new"].sum()),
        called_leavers=float(called["churn_probability"].sum()),
        silent=silent_of(rows),
        value=value,
        currency=settings.company.currency,
        capacity_minutes=settings.list.capacity_minutes,
        calling_hours=(f"{first:%H:%M}", f"{last:%H:%M}"),
        actions=actions_of(called),
    )


def _health(
    settings: Settings,
    rows: pd.DataFrame,
    snapshot: Snapshot,
    gates: tuple[Gate, ...],
    monitored: MeasurementFile,
) -> Health:
    zone = ZoneInfo(settings.company.timezone)
    tables = [
        TableHealth(
            name, facts.rows, sum(facts.quarantined.values()), _local(facts.last_event, zone)
        )
        for name, facts in snapshot.tables.items()
        if not TABLES[name].derived
    ]
    qualities = rows["data_quality"].value_counts().sort_index()
    inputs = (monitored.data or {}).get("inputs") or {}
    families = sorted(inputs.get("families", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    return Health(
        tables=tuple(tables),
        gates=gates,
        qualities=tuple((str(name), int(count)) for name, count in qualities.items()),
        drift_on=monitored.day if families else None,
        drift=tuple(families),
        drift_limit=settings.monitoring.max_drift,
    )


def _local(instant: datetime | None, zone: ZoneInfo) -> date | None:
    return None if instant is None else instant.replace(tzinfo=UTC).astimezone(zone).date()


def _notices(
    stamp: Stamp,
    health: Health,
    data_until: date | None,
    monitored: MeasurementFile,
    measured: MeasurementFile,
) -> tuple[Notice, ...]:
    """What the status names, the most serious first."""
    age = 0 if data_until is None else (stamp.as_of - data_until).days
    closed = sum(not gate.passed for gate in health.gates)
    alarms = len((monitored.data or {}).get("alarms", ()))
    harm = len((measured.data or {}).get("harmful", ()))
    asked = (
        (not stamp.permissions_read, Notice("bad", "permissions")),
        (harm > 0, Notice("bad", "harm", harm)),
        (closed > 0, Notice("look", "gates", closed)),
        (alarms > 0, Notice("look", "alarms", alarms)),
        (age > _OLD_DAYS, Notice("look", "old_data", age)),
        (stamp.degraded, Notice("look", "degraded")),
        (monitored.unreadable or measured.unreadable, Notice("look", "unreadable")),
    )
    return tuple(notice for rings, notice in asked if rings)
