"""Collection of the report's values: list rows, snapshot, monitoring and measured effect.

Nothing later than the as-of date is read, so a backfilled report is as it would have been.
"""

from collections.abc import Hashable, Iterator
from datetime import date
from typing import Any, Literal

import pandas as pd

from features.contract import TABLES
from features.timeline import local_day
from models.metrics.by_subgroup import SMALLEST_GROUP
from pipelines.config.economics import saved_share
from pipelines.config.measurement import EFFECT_VERSION, MONITORING_VERSION, newest
from pipelines.config.settings import Settings
from pipelines.lists.lanes import LANES, SILENT_LANES
from pipelines.lists.placement import NightContext
from pipelines.lists.previous_nights import PublishedNight
from pipelines.publication.manifest import Stamp
from pipelines.publication.status import list_notices, run_notices
from pipelines.reporting import facts
from pipelines.runtime.run_record import Gate
from pipelines.snapshots.snapshot import Snapshot


def collect(
    settings: Settings,
    rows: pd.DataFrame,
    causes: pd.DataFrame,
    context: NightContext,
    snapshot: Snapshot,
    gates: tuple[Gate, ...],
    stamp: Stamp,
) -> facts.Facts:
    """Facts of the night of ``stamp``, whose lists have ``rows`` and ``causes``; no later ones.

    ``gates`` are those of this run. Reads ``var/monitoring`` and ``var/effect``.
    """
    paths, as_of, before = settings.paths, stamp.as_of, context.before
    monitored = newest(paths.monitoring, as_of, MONITORING_VERSION)
    measured = newest(paths.effect, as_of, EFFECT_VERSION)
    health = _health(settings, rows, snapshot, gates)
    newest_days = [table.newest for table in health.tables if table.newest is not None]
    data_until = min(max(newest_days), as_of) if newest_days else None
    described = before.last.described if before.last else {}
    notices = [*run_notices(stamp, gates, data_until, monitored, measured, described)]
    if stamp.permissions_read:
        register_on = context.permissions.customers["register_on"]
        notices += list_notices(settings, rows, register_on, as_of)
    lanes, rules = peace_of(rows)
    return facts.Facts(
        run=facts.RunFacts(
            company=settings.company.name,
            as_of=as_of,
            model=stamp.model_version,
            lead_days=settings.label.lead_days,
            horizon_days=settings.label.horizon_days,
            data_until=data_until,
            notices=tuple(notices),
        ),
        tonight=_tonight(settings, rows, as_of, before.last.as_of if before.last else None),
        reach=reach_of(rows),
        reasons=risk_reasons(rows, before.week_ago),
        monitored=monitored,
        contact=measured,
        causes=causes_of(causes),
        lanes=lanes,
        rules=rules,
        health=health,
    )


def _tonight(
    settings: Settings, rows: pd.DataFrame, as_of: date, before: date | None
) -> facts.Tonight:
    by_phone = rows["use_channel"].eq("phone")
    called, written = (rows[rows["lane"].eq("call") & each] for each in (by_phone, ~by_phone))
    value = None
    if "expected_value_high" in rows and rows["expected_value"].notna().any():
        value = float(called["expected_value"].sum()), float(called["expected_value_high"].sum())
    first, last = settings.contact.hours(settings.company.country)
    quiet = settings.contact.quiet(as_of, settings.company.country)
    return facts.Tonight(
        customers=len(rows),
        leavers=float(rows["churn_probability"].sum()),
        called=len(called),
        called_new=int(called["is_new"].sum()),
        before=before,
        called_leavers=float(called["churn_probability"].sum()),
        written=len(written),
        silent=int(rows["lane"].isin(SILENT_LANES).sum()),
        value=value,
        currency=settings.company.currency,
        capacity_minutes=settings.list.minutes_on(as_of),
        calling_hours=None if quiet else (f"{first:%H:%M}", f"{last:%H:%M}"),
        actions=tuple(_most_first(called["suggested_action"])),
        saved=saved_share(settings, as_of),
    )


def _health(
    settings: Settings, rows: pd.DataFrame, snapshot: Snapshot, gates: tuple[Gate, ...]
) -> facts.Health:
    zone = settings.company.timezone
    tables = tuple(
        facts.TableHealth(
            name,
            table.rows,
            sum(table.quarantined.values()),
            table.last_event and local_day(table.last_event, zone),
        )
        for name, table in snapshot.tables.items()
        if not TABLES[name].derived
    )
    qualities = rows["data_quality"].value_counts().sort_index()
    return facts.Health(
        tables=tables,
        gates=gates,
        qualities=tuple((str(name), int(count)) for name, count in qualities.items()),
        drift_limit=settings.monitoring.max_drift,
    )


TOPS = (100, 500, 1000)
_STRONGEST = 3
_DRIVER = "reason_1_driver"


def reach_of(rows: pd.DataFrame) -> tuple[tuple[int, float], ...]:
    """How many of those expected to leave the first rows by risk hold; all rows when fewer."""
    risk = rows["churn_probability"].sort_values(ascending=False).cumsum().to_numpy()
    lengths = dict.fromkeys(min(top, len(rows)) for top in TOPS)
    return tuple((length, float(risk[length - 1])) for length in lengths)


def risk_reasons(rows: pd.DataFrame, before: PublishedNight | None) -> facts.RiskReasons:
    """Strongest reasons of the explained, compared with those of the night ``before``."""
    explained = rows[rows[_DRIVER].notna()] if _DRIVER in rows else rows.iloc[:0]
    then = pd.Series(dtype="float64")
    if before is not None and _DRIVER in before.rows:
        then = before.rows[_DRIVER].value_counts(normalize=True)
    change = rows.get("risk_change_7d", pd.Series(dtype="float64")).astype("float64").mean()
    return facts.RiskReasons(
        explained=len(explained),
        before=before.as_of if before is not None and len(then) else None,
        mean_change=None if pd.isna(change) else float(change),
        drivers=tuple(_shares(explained, then)),
        groups=(*_groups(explained, "product_line"), *_groups(explained, "segment")),
    )


def _shares(explained: pd.DataFrame, then: "pd.Series[float]") -> Iterator[facts.DriverShare]:
    """Most common first, ties by driver."""
    if explained.empty:
        return
    for driver, count in _most_first(explained[_DRIVER]):
        before = float(then.get(driver, 0.0)) if len(then) else None
        yield facts.DriverShare(driver, count / len(explained), before)


def _groups(
    explained: pd.DataFrame, kind: Literal["product_line", "segment"]
) -> Iterator[facts.Group]:
    if kind not in explained:
        return
    for name, rows in explained.groupby(kind, sort=True):
        if len(rows) >= SMALLEST_GROUP:
            strongest = tuple(_shares(rows, pd.Series(dtype="float64")))[:_STRONGEST]
            yield facts.Group(kind, str(name), len(rows), strongest)


def peace_of(
    rows: pd.DataFrame,
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, str, int], ...]]:
    """Customers by lane, and by rule within each lane, most first."""
    lanes = rows["lane"].value_counts()
    rules = (
        (lane, rule, count)
        for lane in LANES
        for rule, count in _most_first(rows.loc[rows["lane"].eq(lane), "lane_rule"].dropna())
    )
    return tuple((lane, int(lanes.get(lane, 0))) for lane in LANES), tuple(rules)


def causes_of(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Drivers of the list of causes without which somebody fewer would leave, most first."""
    drivers = rows[rows["level"].eq("driver") & rows["leavers"].gt(0)]
    columns = ["cause", "customers", "leavers", "value", "evidence"]
    cells = drivers.reindex(columns=columns).astype(object)
    return cells.where(cells.notna(), None).to_dict("records")


def _most_first(values: pd.Series) -> Iterator[tuple[str, int]]:
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    yield from ((str(value), int(count)) for value, count in counts.items())
