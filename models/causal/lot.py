"""The lot: whom it spared, how many each of them stands for, and what that makes of matrix rows.

It is drawn on the day on which a customer would be treated, so those spared and those treated on
such days were the same people until then, whatever made the list choose them.
"""

from functools import partial

import numpy as np
import pandas as pd

from models.dataset.array_types import Days, Floats, Index, Mask, Texts
from models.dataset.exposure import MOST_WEIGHT, Exposure, days_after, no_hazard

FEWEST = 20
"""Customers spared in a month that tell the share; months with fewer share one."""
_ENOUGH = 5 * FEWEST
_WORKS_DAYS = np.timedelta64(90, "D")
"""So long after it a treatment by lot still keeps its row from counting as left alone."""
_DAYS = 2**20


def weigh_lot(record: pd.DataFrame, cooldown_days: int) -> pd.DataFrame:
    """What ``exposure_of`` needs of a record of treatment, sorted by customer and day.

    ``record`` has customer_id, day (datetime64) and the flags treated (else spared) and by_lot
    (drawn). ``held_out_for`` is one over the share spared of the customers drawn in the same
    calendar month. ``by_lot`` becomes false in months of a hundred drawn of which the lot spared
    fewer than one in twenty: nobody there can stand for the treated. Who is treated is off the
    list for ``cooldown_days``, and so is who was spared here: they would be chosen more often else.
    A month whose own treated were back on the list sooner has the cooldown that it kept.
    """
    keys = ["customer_id", "treated", "day"]
    marks = record.sort_values([*keys, "by_lot"]).drop_duplicates(keys, keep="last")
    marks = marks[marks["treated"] | marks["by_lot"]]
    group = pd.factorize(marks["customer_id"])[0] * 2 + marks["treated"].to_numpy(dtype=np.int64)
    day = marks["day"].to_numpy().astype("datetime64[D]")
    when, month = group * _DAYS + day.astype(np.int64), day.astype("datetime64[M]")
    drawn = marks["by_lot"].to_numpy(dtype=bool)
    treated = drawn & marks["treated"].to_numpy(dtype=bool)
    counts = _first_in(when, _cooldown(when, month, treated, cooldown_days))
    share = _spared_share(marks[counts & drawn], month)
    stands = share > 0
    marks = marks.assign(held_out_for=1 / np.where(stands, share, 1.0), by_lot=drawn & stands)
    kept = marks["treated"].to_numpy(dtype=bool) | (counts & stands)
    return marks[kept].reset_index(drop=True)


def exposure_of(
    customer_id: Texts, as_of: Days, ended_after: Index, marks: pd.DataFrame
) -> Exposure:
    """The exposure of rows (n,), in their order, by their first ``marks``.

    Those of the lot count from 90 days before each as-of date on, as a treatment works on: who
    stayed because of it is not left alone, and those spared then show who would have stayed.
    Treatments without a lot, which nobody stands for, count from the as-of date on. ``hazard`` is
    empty: what these did is another estimate.
    """
    if marks.empty:
        return Exposure.untreated(ended_after)
    types = {"customer_id": "object", "day": "datetime64[s]"}
    rows = pd.DataFrame({"customer_id": customer_id, "day": as_of}).astype(types)
    rows = rows.reset_index(names="row").sort_values("day")
    marks = marks.astype(types).sort_values("day").assign(marked=lambda each: each["day"])
    earlier, treated = rows.assign(day=rows["day"] - _WORKS_DAYS), marks["treated"]
    spared = _first_mark(earlier, marks[~treated])
    drawn, other = (
        days_after(as_of, _first_mark(seen, marks[treated & own])["marked"])
        for seen, own in ((earlier, marks["by_lot"]), (rows, ~marks["by_lot"]))
    )
    return Exposure(
        ended_after,
        np.minimum(drawn, other),
        drawn < other,
        days_after(as_of, spared["marked"]),
        spared["held_out_for"].fillna(1.0).to_numpy(dtype=np.float64),
        no_hazard(len(as_of)),
    )


def _first_mark(rows: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """The customer's first of ``marks`` from each row's day on, null for none, by ``row``."""
    found = pd.merge_asof(rows, marks, on="day", by="customer_id", direction="forward")
    return found.sort_values("row")


def _spared_share(lots: pd.DataFrame, month: Days) -> Floats:
    """Share spared of ``month`` (m,) by the ``lots`` of each day; 0 where it stands for nobody."""
    lots = lots.assign(month=lots["day"].to_numpy().astype("datetime64[M]"))
    once = lots.drop_duplicates(["customer_id", "month", "treated"]).set_index("month")
    spared = (~once["treated"]).groupby(level=0)
    total, held = spared.count(), spared.sum()
    lot = (held * MOST_WEIGHT >= total) | (total < _ENOUGH)
    if held[lot].sum() < FEWEST:
        return np.zeros(len(month))
    common = held[lot].sum() / total[lot].sum()
    share = (held / total).where(held >= FEWEST, common).where(lot, 0.0)
    of_month = share.reindex(pd.DatetimeIndex(month), fill_value=common)
    return np.asarray(of_month, dtype=np.float64)


def _cooldown(when: Index, month: Days, treated: Mask, most: int) -> Index:
    """Days (m,) within which hardly any of the ``treated`` by lot of a mark's month came again.

    One in twenty may, as errors and exceptions. Small months have that of all.
    """
    gaps = np.minimum(np.diff(when[treated], append=np.iinfo(np.int64).max), most)
    soon = partial(np.quantile, q=1 / 20, method="lower")
    common = int(soon(np.append(gaps, most)))
    by_month = pd.Series(gaps, month[treated]).groupby(level=0)
    own = by_month.agg(soon).where(by_month.size() >= _ENOUGH, common)
    days = own.reindex(pd.DatetimeIndex(month), fill_value=common).to_numpy()
    return np.asarray(np.maximum(days, 1), dtype=np.int64)


def _first_in(when: Index, cooldown: Index) -> Mask:
    """Marks (n,) that are not within the ``cooldown`` after another of their group that counts.

    One step for each mark that a group can have, all groups at once.

    >>> _first_in(np.array([0, 10, 35, 40, 2**20]), np.full(5, 30)).tolist()
    [True, False, True, False, True]
    """
    counts, at = np.zeros(len(when), dtype=bool), np.flatnonzero(np.diff(when // _DAYS, prepend=-1))
    while len(at):
        counts[at] = True
        later = np.searchsorted(when, when[at] + cooldown[at])
        same = later < len(when)
        same[same] = when[later[same]] // _DAYS == when[at[same]] // _DAYS
        at = later[same]
    return counts
