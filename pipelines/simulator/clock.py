"""The simulated company's calendar: days as numbers, local days as UTC instants."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from features.timeline import midnight_utc

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rng = np.random.Generator

ZONE = "Europe/Oslo"
START = date(2022, 1, 1)
DAY_SECONDS = 86_400
_EPOCH = date(1970, 1, 1)
_DAYS_BEFORE, _DAYS_AFTER = 7_400, 400
_AHEAD_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Clock:
    """Months counted from the first simulated month; days since 1970; instants in UTC µs.

    ``first_days`` int64 (months + 12 + 1,): the first day of each month; ``midnights`` int64:
    local midnight in Europe/Oslo of every day from ``day_zero`` on, as naive UTC µs.
    """

    months: int
    first_days: Ints
    day_zero: int
    midnights: Ints

    def first(self, month: int) -> int:
        return int(self.first_days[month])

    def end(self) -> int:
        """First day after the simulated period."""
        return self.first(self.months)

    def date(self, month: int) -> date:
        return _EPOCH + timedelta(days=self.first(month))

    def month_of(self, days: Ints) -> Ints:
        return np.searchsorted(self.first_days, days, side="right").astype(np.int64) - 1

    def midnight(self, days: Ints) -> Ints:
        """Local midnight of each day as UTC µs."""
        return self.midnights[np.clip(days - self.day_zero, 0, len(self.midnights) - 1)]

    def day_of(self, instants: Ints) -> Ints:
        """The local day of each moment (UTC µs)."""
        after = np.searchsorted(self.midnights, instants, side="right").astype(np.int64)
        return self.day_zero + after - 1

    def instant(self, days: Ints, seconds: Floats) -> Ints:
        """UTC µs of a moment in local days; kept inside the day also when a day has 23 hours."""
        inside = np.clip(seconds, 0, 23 * 3600 - 60).astype(np.int64)
        return self.midnight(days) + inside * 1_000_000

    def office_instant(self, rng: Rng, days: Ints) -> Ints:
        """UTC µs of a moment on each day at which people get in touch."""
        return self.instant(days, office_seconds(rng, len(days)))


def office_seconds(rng: Rng, count: int) -> Floats:
    """Seconds after midnight at which people get in touch: 08 to 21, most before lunch."""
    return (8 + 13 * rng.beta(1.6, 2.4, count)) * 3600.0


def make_clock(months: int) -> Clock:
    """Build the calendar of so many months from ``START`` on."""
    firsts = np.datetime64(START, "M") + np.arange(months + _AHEAD_MONTHS + 1)
    first_days = firsts.astype("datetime64[D]").astype(np.int64)
    zero = int(first_days[0]) - _DAYS_BEFORE
    days = range(zero, int(first_days[-1]) + _DAYS_AFTER)
    midnights = [midnight_utc(_EPOCH + timedelta(days=day), ZONE) for day in days]
    micros = np.array(midnights, dtype="datetime64[us]").astype(np.int64)
    return Clock(months, first_days, zero, micros)
