"""Durations of any source: as seconds (clock times, ISO 8601, intervals), as the day they began."""

from collections.abc import Mapping
from datetime import date

from pipelines.config.sources import DURATIONS, DurationForm
from pipelines.runtime.duckdb_connection import literal

INTERVAL = "INTERVAL"
SECONDS: Mapping[DurationForm | None, float] = {
    **{"milliseconds": 0.001, "minutes": 60, "hours": 3600, "days": 86_400},
}
"""Seconds in the unit of plain numbers; without one they are seconds."""
_PAIRS: Mapping[DurationForm | None, int] = {"mm:ss": 1, "hh:mm": 60}
_CLOCK = "([0-9]+):([0-5][0-9]):([0-5][0-9](?:[.,][0-9]+)?)"
_ISO = "P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:[.,][0-9]+)?)S)?)?"  # PT3M25S


def is_duration(stored: str) -> bool:
    """Whether a DuckDB type tells a length of time, or a time of day that stands for one."""
    return stored == INTERVAL or (stored.startswith("TIME") and not stored.startswith("TIMESTAMP"))


def seconds_in(text: str, declared: DurationForm | None) -> str:
    """SQL for the seconds of a text that is no plain number; null when it is no duration.

    ``hh:mm:ss`` and ISO 8601 say what they are; two parts (``03:25``) are read as ``declared``.
    """
    cases = [
        f"when regexp_full_match({text}, '{_CLOCK}') then {_sum(text, _CLOCK, (3600, 60, 1))}",
        f"when regexp_full_match({text}, '{_ISO}') and regexp_matches({text}, '[0-9]') "
        f"then {_sum(text, _ISO, (86_400, 3600, 60, 1))}",
    ]
    if factor := _PAIRS.get(declared):
        pair = "([0-9]+):([0-5][0-9])"
        total = _sum(text, pair, (60 * factor, factor))
        cases.append(f"when regexp_full_match({text}, '{pair}') then {total}")
    return f"case {' '.join(cases)} end"


def _sum(text: str, pattern: str, factors: tuple[int, ...]) -> str:
    parts = (
        f"coalesce(try_cast(replace(regexp_extract({text}, {literal(pattern)}, {group}), ',', '.') "
        f"as DOUBLE), 0) * {factor}"
        for group, factor in enumerate(factors, start=1)
    )
    return f"({' + '.join(parts)})"


def day_before(number: str, unit: str, day: date) -> str:
    """SQL of the day that lies a duration before ``day``; null below 0 or above 150 years.

    Whole units tell when something began to a unit only: the latest such day is taken, and at the
    latest the day before ``day``.
    """
    months = DURATIONS[unit]
    most = 150 * 12 / months if months else 150 * 366
    whole, rest = f"floor({number})", f"({number} - floor({number})) * {months * 365.25 / 12}"
    back = f"to_days(cast({whole} as INTEGER))"
    if months:
        back = (
            f"to_months(cast({whole} as INTEGER) * {months}) + "
            f"to_days(cast(floor({rest}) as INTEGER))"
        )
    given = f"DATE {literal(day)}"
    return (
        f"case when {number} between 0 and {most:g} "
        f"then cast(least({given} - ({back}), {given} - interval 1 day) as DATE) end"
    )
