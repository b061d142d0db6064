"""Person-periods: each row of a matrix once for every 30 days in which its end is observable.

Period k of an as-of date covers the days ``[lead + 30·k, lead + 30·(k + 1))`` after it. A row
is at risk in a period that begins before its end; the period in which it ends carries the
cause. A period that is not complete by a given day is censored, though earlier ones of the same
row are used. Who ended before the first period (in the lead) is never at risk.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from models.dataset.array_types import Days, Floats, Index, Labels, RowTable, Texts
from models.dataset.exposure import whole_times
from models.dataset.histories import Histories

PERIOD_DAYS = 30
STILL = 0
"""The outcome of a period at whose end the customer was still one."""


@dataclass(frozen=True, slots=True)
class Periods(RowTable):
    """One entry per row at risk and period, by row and then period; all of shape (m,).

    ``row`` is the position in the histories, ``number`` the period from 0, ``outcome`` the
    cause's position from 1 in the period of the end, else ``STILL``.
    """

    row: Index
    number: Index
    outcome: Labels


def complete_periods(as_of: Days, lead_days: int, known_before: date, most: int) -> Index:
    """How many periods of each as-of date (n,) had ended by ``known_before``, at most ``most``."""
    passed = (np.datetime64(known_before, "D") - as_of).astype(np.int64) - lead_days
    return np.clip(passed // PERIOD_DAYS, 0, most)


def expand(
    histories: Histories,
    causes: tuple[tuple[str, ...], ...],
    *,
    lead_days: int,
    periods: int,
    known_before: date,
) -> Periods:
    """Every period in which a row was at risk and which was complete by ``known_before``.

    ``causes`` groups the names of outcomes: a member of group i has outcome i + 1. What ended
    later than the last complete period changes nothing. An entry is repeated by its weight, as
    ``Exposure.weights`` gives it for the time until its own end in the period: who leaves early
    in a period and who is treated late in it, and would have left or stayed, count alike. Raises
    ``ValueError`` for a cause in no group.
    """
    code = cause_codes(histories.cause, causes)
    watched = complete_periods(histories.as_of, lead_days, known_before, periods)
    last = (histories.ended_after - lead_days) // PERIOD_DAYS
    left_in_lead = histories.ended_after < lead_days
    counts = np.where(left_in_lead, 0, np.clip(np.minimum(watched, last + 1), 0, None))
    row = np.repeat(np.arange(len(histories)), counts)
    first = np.cumsum(counts) - counts
    number = np.arange(len(row)) - first[row]
    outcome = np.where(number == last[row], code[row], STILL).astype(np.int8)
    ends = lead_days + PERIOD_DAYS * np.arange(1, periods + 1)
    weight = np.stack([histories.exposure.weights(int(days)) for days in ends])[number, row]
    times = whole_times(weight, number * (len(causes) + 1) + outcome)
    return Periods(*(np.repeat(part, times) for part in (row, number, outcome)))


def count_outcomes(periods: Periods, most: int, causes: int) -> Index:
    """Entries by period and outcome, shape (most, causes + 1); the sum of a row was at risk."""
    cell = periods.number * (causes + 1) + periods.outcome
    return np.bincount(cell, minlength=most * (causes + 1)).reshape(most, causes + 1)


def cumulative_incidence(hazards: Floats) -> Floats:
    """Chance of having ended by each cause by the end of each period, and of having stayed.

    ``hazards`` (n, periods, causes) are the chances of each cause in a period for who was at
    risk in it (Aalen and Johansen, in discrete time). Returns (n, periods, 1 + causes): stayed
    first. Each row of the last axis sums to 1, causes never fall and staying never rises.

    >>> cumulative_incidence(np.array([[[0.5], [0.5]]])).tolist()
    [[[0.5, 0.5], [0.25, 0.75]]]
    """
    staying = np.cumprod(np.maximum(1 - hazards.sum(axis=2), 0), axis=1)
    before = np.concatenate([np.ones_like(staying[:, :1]), staying[:, :-1]], axis=1)
    ended = np.cumsum(before[:, :, None] * hazards, axis=1)
    return np.concatenate([staying[:, :, None], ended], axis=2)


def cause_codes(cause: Texts, causes: tuple[tuple[str, ...], ...]) -> Labels:
    """Position of each cause's group (n,), from 1; 0 for "". Raises ``ValueError`` for another."""
    number = {name: i + 1 for i, names in enumerate(causes) for name in names} | {"": STILL}
    unknown = sorted(set(cause.tolist()) - set(number))
    if unknown:
        raise ValueError(f"no group of causes holds {', '.join(unknown)}")
    return np.array([number[name] for name in cause.tolist()], dtype=np.int8)
