"""Scorecards by subgroup (each product line and month) and by months since training (decay)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from features.timeline import LabelWindow
from models.dataset.array_types import Days, Floats, Labels, Mask
from models.dataset.examples import Examples
from models.dataset.splits import Fold, possible_splits
from models.metrics.bootstrap import Interval, Rows, bootstrap
from models.metrics.scorecard import scorecard

LINE = "product_line="
_MONTH_DAYS = 30.4375


@dataclass(frozen=True, slots=True)
class SubgroupCalibration:
    """Observed and predicted leaving in one part of the test rows.

    ``part`` is ``all``, ``product_line=…`` or ``month=YYYY-MM`` (of the as-of date). ``observed``
    is the share that left, with its interval; ``predicted`` the mean probability. Slope and
    intercept are the scorecard's, None where the part has one class only.
    """

    part: str
    n: int
    leavers: int
    observed: Interval
    predicted: float
    slope: Interval | None
    intercept: Interval | None


def calibration_by_subgroup(
    test: Examples, p: Floats, rows: Rows
) -> tuple[SubgroupCalibration, ...]:
    """All ``rows``, which are those of ``test``, then each product line and month, in order.

    ``p`` has shape (n,).
    """
    return tuple(_part(name, p[part], rows.take(part)) for name, part in _parts(test))


def _parts(test: Examples) -> Iterator[tuple[str, Mask]]:
    yield "all", np.ones(len(test), dtype=bool)
    lines = test.product_line.astype(str)
    for line in np.unique(lines):
        yield f"{LINE}{line}", lines == line
    months = test.as_of.astype("datetime64[M]")
    for month in np.unique(months):
        yield f"month={month}", months == month


def _part(name: str, p: Floats, rows: Rows) -> SubgroupCalibration:
    def share(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(weights @ rows.y / weights.sum(axis=1), dtype=np.float64)

    card = _card(rows, p)
    return SubgroupCalibration(
        part=name,
        n=len(rows),
        leavers=int(rows.y.sum()),
        observed=bootstrap(share, rows),
        predicted=float(p.mean()),
        slope=card.get("calibration_slope"),
        intercept=card.get("calibration_intercept"),
    )


@dataclass(frozen=True, slots=True)
class DecayMonth:
    """Rows whose as-of dates lie ``months`` whole months after the last training label.

    ``card`` is empty where one class is absent.
    """

    months: int
    first_as_of: date
    last_as_of: date
    rows: int
    leavers: int
    card: dict[str, Interval]


def decay_fold(as_of: Days, y: Labels, window: LabelWindow, months: int, least: int) -> Fold | None:
    """Learn from what was complete ``months`` months before the end, judge on all since.

    Fewer months where the history is shorter, as long as each side has ``least`` of both
    classes; None where not even two months can be evaluated.
    """
    return next(possible_splits(as_of, y, window, range(months, 1, -1), least), None)


def last_label(as_of: Days, window: LabelWindow) -> date:
    """The last day on which a notice counted in the training rows' labels."""
    newest: date = as_of.max().item()
    return window.end(newest) - timedelta(days=1)


def performance_decay(
    test: Examples, p: Floats, learned_to: date, rows: Rows
) -> tuple[DecayMonth, ...]:
    """The scorecard of ``test`` scored ``p`` (n,), by months since ``learned_to``, oldest first.

    ``rows`` are those of ``test``.
    """
    days = (test.as_of - np.datetime64(learned_to, "D")).astype("int64")
    months = np.floor(days / _MONTH_DAYS).astype(int)
    decay = []
    for month in np.unique(months):
        here = months == month
        as_of, part = test.as_of[here], rows.take(here)
        decay.append(
            DecayMonth(
                months=int(month),
                first_as_of=as_of.min().item(),
                last_as_of=as_of.max().item(),
                rows=len(part),
                leavers=int(part.y.sum()),
                card=_card(part, p[here]),
            )
        )
    return tuple(decay)


def _card(rows: Rows, p: Floats) -> dict[str, Interval]:
    """The scorecard; empty where one class is absent."""
    return scorecard(rows, p) if 0 < int(rows.y.sum()) < len(rows) else {}
