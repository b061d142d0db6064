"""Aggregates of the risk list for the report: reach, strongest drivers, lanes, actions.

Small groups are left out, as they could show who somebody is.
"""

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from pipelines.lists.lanes import LANES, SILENT_LANES
from pipelines.lists.previous_nights import PublishedNight
from pipelines.reporting.facts import Cause, DriverShare, Group, Peace, Reach, Why

TOPS = (100, 500, 1000)
SMALLEST_GROUP = 20
"""Explained customers below which a group is not told of: it could show who somebody is."""
_STRONGEST = 3
_DRIVER = "reason_1_driver"


def reach_of(rows: pd.DataFrame) -> tuple[Reach, ...]:
    """How many of those expected to leave the first rows by risk hold; all rows when fewer."""
    risk = rows["churn_probability"].sort_values(ascending=False).cumsum().to_numpy()
    lengths = dict.fromkeys(min(top, len(rows)) for top in TOPS)
    return tuple(Reach(length, float(risk[length - 1])) for length in lengths)


def why_of(rows: pd.DataFrame, before: PublishedNight | None) -> Why:
    """Strongest reasons of the explained, held against those of the night ``before``."""
    explained = rows[rows[_DRIVER].notna()] if _DRIVER in rows else rows.iloc[:0]
    then = pd.Series(dtype="float64")
    if before is not None and _DRIVER in before.rows:
        then = before.rows[_DRIVER].value_counts(normalize=True)
    change = rows.get("risk_change_7d", pd.Series(dtype="float64")).astype("float64").mean()
    return Why(
        explained=len(explained),
        before=before.as_of if before is not None and len(then) else None,
        mean_change=None if pd.isna(change) else float(change),
        drivers=tuple(_shares(explained, then)),
        groups=(*_groups(explained, "product_line"), *_groups(explained, "segment")),
    )


def _shares(explained: pd.DataFrame, then: "pd.Series[float]") -> Iterator[DriverShare]:
    """Most common first, ties by driver."""
    if explained.empty:
        return
    for driver, count in _most_first(explained[_DRIVER]):
        before = float(then.get(driver, 0.0)) if len(then) else None
        yield DriverShare(driver, count / len(explained), before)


def _groups(explained: pd.DataFrame, kind: Literal["product_line", "segment"]) -> Iterator[Group]:
    if kind not in explained:
        return
    for name, rows in explained.groupby(kind, sort=True):
        if len(rows) >= SMALLEST_GROUP:
            strongest = tuple(_shares(rows, pd.Series(dtype="float64")))[:_STRONGEST]
            yield Group(kind, str(name), len(rows), strongest)


def peace_of(rows: pd.DataFrame) -> Peace:
    """Customers by lane, and by rule within each lane, most first."""
    lanes = rows["lane"].value_counts()
    rules = (
        (lane, rule, count)
        for lane in LANES
        for rule, count in _most_first(rows.loc[rows["lane"].eq(lane), "lane_rule"].dropna())
    )
    return Peace(tuple((lane, int(lanes.get(lane, 0))) for lane in LANES), tuple(rules))


def causes_of(rows: pd.DataFrame) -> tuple[Cause, ...]:
    """Drivers of the list of causes without which somebody fewer would leave, most first."""
    drivers = rows[rows["level"].eq("driver") & rows["leavers"].gt(0)]
    columns = ["cause", "customers", "leavers", "value", "evidence"]
    cells = drivers.reindex(columns=columns).to_numpy(dtype=object)
    return tuple(
        Cause(cause, int(customers), float(leavers), None if pd.isna(value) else value, evidence)
        for cause, customers, leavers, value, evidence in cells
    )


def silent_of(rows: pd.DataFrame) -> int:
    """Customers who are helped without being contacted about leaving."""
    return int(rows["lane"].isin(SILENT_LANES).sum())


def actions_of(called: pd.DataFrame) -> tuple[tuple[str, int], ...]:
    """What the call list asks for, most first, ties by code."""
    return tuple(_most_first(called["suggested_action"]))


def _most_first(values: pd.Series) -> Iterator[tuple[str, int]]:
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    yield from ((str(value), int(count)) for value, count in counts.items())
