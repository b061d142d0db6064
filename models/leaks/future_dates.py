"""Future-date leak detection: columns that date something after the as-of date.

What they date had not happened yet.
"""

import re

import numpy as np

from models.dataset.array_types import Floats, Mask, Matrix
from models.leaks.rows import Binned, Leak, LeakRows, error, limit

_SINCE = re.compile(r"(^|_)(seconds|minutes|hours|days|weeks|months|years)_since(_|$)")
_DATED = re.compile(
    r"(^|_)(date|datetime|timestamp|dato|day|until|expir\w*|end|ended"
    r"|closed|cancel\w*|terminat\w*|modified|renewed)(_|$)"
)
_EPOCH = {"seconds since 1970": 86_400.0, "milliseconds since 1970": 86_400_000.0}
_FEWEST = 10
_NEAR = (-40 * 365.25, 10 * 365.25)
_NEARER = (-10 * 365.25, 5 * 365.25)


def after_as_of(rows: LeakRows, values: Matrix, name: str) -> Leak | None:
    """A finding when a column dates something after the as-of date.

    A negative time since something always refuses. A column that holds dates (days, seconds or
    milliseconds since 1970, or yyyymmdd) refuses when having a later date, or how much later,
    tells leavers from others; otherwise it is noted, since a date may be planned.
    """
    if _SINCE.search(name):
        return _since(rows, values, name)
    decoded = _decoded(rows, values, name)
    if decoded is None:
        return None
    form, ahead = decoded
    later = ahead > 0
    customers, left = rows.customers_with(later)
    if not _enough(rows, customers, ahead):
        return None
    auc, tells = _tells(rows, ahead, later)
    evidence = {"customers": customers, "leavers": left, "auc": auc}
    evidence["furthest_days"] = float(np.nanmax(ahead))
    message = (
        f"{name} holds dates ({form}) that lie after the as-of date for {customers:,} customers, "
        f"by up to {evidence['furthest_days']:.0f} days"
    )
    if tells:
        message += f", of whom {left:,} left: they tell leavers from others"
    return Leak("after_as_of", name, evidence, message, refuses=tells)


def _since(rows: LeakRows, values: Matrix, name: str) -> Leak | None:
    later = values < 0
    customers, left = rows.customers_with(later)
    # One negative number for all, such as -1, is how many systems write "never".
    if not _enough(rows, customers, values) or len(np.unique(values[later])) == 1:
        return None
    lowest = float(np.nanmin(values))
    auc = Binned.of(rows, later.astype(np.intp)).auc()
    return Leak(
        "after_as_of",
        name,
        {"auc": auc, "customers": customers, "leavers": left, "lowest": lowest},
        f"{name} is negative, down to {lowest:g}, for {customers:,} customers, of whom {left:,} "
        "left: what it counts from had not happened at the as-of date",
    )


def _enough(rows: LeakRows, customers: int, values: Floats | Matrix) -> bool:
    known = rows.customers_with(~np.isnan(values))[0]
    return customers >= _FEWEST or customers >= max(3, 0.01 * known)


def _decoded(rows: LeakRows, values: Matrix, name: str) -> tuple[str, Floats] | None:
    """How the column writes dates, and days from each row's as-of date to its date; or None."""
    first, last = (float(day.astype(int)) for day in rows.days[[0, -1]])
    known = values[~np.isnan(values)].astype(np.float64)
    if len(known) == 0:
        return None
    sample = known[:: max(1, len(known) // 2_000)]
    day = rows.days[rows.day].astype(int)
    hinted = _DATED.search(name) is not None
    for form in ("days since 1970", *_EPOCH, "yyyymmdd"):
        years = _NEAR if hinted or form != "days since 1970" else _NEARER
        low, high = first + years[0], last + years[1]
        if not _within(_days(sample, form), low, high, hinted):
            continue
        dates = _days(values.astype(np.float64), form)
        if _within(dates[~np.isnan(values)], low, high, hinted):
            # A date decades ahead is how many systems write "none".
            return form, np.where(dates > last + 30 * 365.25, np.nan, dates - day)
    return None


def _within(dates: Floats, low: float, high: float, hinted: bool) -> bool:
    plausible = dates[~(dates > high + 20 * 365.25)]
    if len(plausible) < max(1, 0.05 * len(dates)):
        return False
    inside = (plausible >= low) & (plausible <= high)
    return bool(inside.mean() >= (0.99 if hinted else 1.0))


def _days(values: Floats, form: str) -> Floats:
    """Days since 1970 of written dates; NaN for what is none."""
    if form in _EPOCH:
        return np.asarray(values / _EPOCH[form])
    if form == "days since 1970":
        whole: Mask = values == np.rint(values)
        return np.where(whole, values, np.nan)
    year, month, day = values // 10_000, values // 100 % 100, values % 100
    good = (year >= 1900) & (year <= 2200) & (month >= 1) & (month <= 12) & (day <= 32)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype(np.int64)
    starts = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.where(good, starts + day - 1, np.nan)


def _tells(rows: LeakRows, ahead: Floats, later: Mask) -> tuple[float, bool]:
    """AUC of how far dates lie ahead, and whether that, or lying ahead at all, goes with leaving.

    Those with a later date are compared with everybody at the same as-of date; a leaver's
    positives count as one.
    """
    tests = limit(len(rows.examples.spec.columns))
    auc = rows.auc_of(ahead)
    ranks = (auc - 0.5) / error(0.5, rows.leavers, rows.stayers) > tests and auc > 0.55
    rate = np.bincount(rows.day, weights=rows.y) / np.bincount(rows.day)
    expected = rate[rows.day[later]]
    repeated = max(int(rows.y.sum()) / rows.leavers, 1.0)
    spread = float(np.sqrt((expected * (1 - expected)).sum() * repeated))
    surplus = abs(float(rows.y[later].sum() - expected.sum()))
    return auc, bool(ranks or surplus > max(tests * spread, _FEWEST))
