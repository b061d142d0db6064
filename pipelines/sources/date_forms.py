"""Days and instants of any source in SQL: as text, as typed values, and days that are instants."""

from datetime import date, timedelta

from features.contract import POSSIBLE_DAYS
from pipelines.runtime.duckdb_connection import Connection, literal, local_to_utc
from pipelines.sources.forms import Forms, as_text

OUT_OF_RANGE = "out of range"
"""The rule of a date that no business has; a year of two digits read as four is one."""

_USUAL = date(2000, 1, 1)
_LOOKED_UP = (date(2005, 1, 1), date(2039, 12, 31))
AWARE = "TIMESTAMP WITH TIME ZONE"
_CLOCKS = ("%H", "%I", "%T", "%X", "%c", "%z", "%Z")


def has_zone(form: str) -> bool:
    """Whether a text form says the zone of each instant.

    >>> has_zone("%Y-%m-%dT%H:%M:%SZ"), has_zone("%d.%m.%Y %H:%M")
    (True, False)
    """
    return _names_zone(form) or form.endswith("Z")


def is_moment(stored: str, forms: Forms) -> bool:
    """Whether a day column of this DuckDB type holds instants, of which a day must be made."""
    if stored == "DATE" or stored.startswith("TIMESTAMP"):
        return stored != "DATE"
    return any(clock in forms.dialect.date for clock in _CLOCKS)


def clock_time(expression: str, stored: str, forms: Forms, form: str = "") -> str:
    """SQL for the naive time that a column shows, texts in ``form``, in ``zone_of_days``.

    Without a ``form`` texts are days in the dialect's.
    """
    if stored == AWARE:
        return f"timezone('UTC', {expression})"
    if stored.startswith("TIMESTAMP"):
        return f"cast({expression} as TIMESTAMP)"
    return _parsed(as_text(expression, stored), form or forms.dialect.date)


def zone_of_days(stored: str, forms: Forms, form: str = "") -> str:
    """The zone of ``clock_time``."""
    if stored.startswith("TIMESTAMP"):
        return "UTC" if stored == AWARE else forms.zone
    # A closing Z is UTC (ISO 8601), unless the source declares what its clock shows.
    form = form or forms.dialect.date
    by_letter = form.endswith("Z") and not forms.zone_given
    return "UTC" if _names_zone(form) or by_letter else forms.zone


def local_day(instant: str, zone: str) -> str:
    """SQL for the day in ``zone`` of a naive UTC instant."""
    if zone == "UTC":
        return f"cast({instant} as DATE)"
    return f"cast(timezone({literal(zone)}, timezone('UTC', {instant})) as DATE)"


def define_midnights(connection: Connection, zone: str) -> None:
    """Define ``midnight_utc(day)``: looked up where nearly all days lie, at a tenth of the cost."""
    first, last = (literal(day) for day in _LOOKED_UP)
    connection.execute(
        "create temp table if not exists midnights as "
        f"select list({local_to_utc('day', zone)} order by day) as utc "
        f"from generate_series(DATE {first}, DATE {last}, interval 1 day) as t(day)"
    )
    connection.execute(
        f"""create temp macro if not exists midnight_utc(day) as
            case when day between DATE {first} and DATE {last}
            then (select utc from midnights)[1 + datediff('day', DATE {first}, day)]
            else {local_to_utc("cast(day as TIMESTAMP)", zone)} end"""
    )


def midnight(day: str, zone: str) -> str:
    """SQL for the naive UTC instant of a day's midnight in ``zone``."""
    return f"cast({day} as TIMESTAMP)" if zone == "UTC" else f"midnight_utc({day})"


def day(expression: str, stored: str, forms: Forms, *, as_shown: bool) -> str:
    """SQL for the local day: of an instant that of the company's zone, or the one it shows."""
    if stored == "DATE":
        return expression
    shown, zone = clock_time(expression, stored, forms), zone_of_days(stored, forms)
    if as_shown or not is_moment(stored, forms) or zone == forms.company_zone:
        return f"cast({shown} as DATE)"
    return local_day(local_to_utc(shown, zone), forms.company_zone)


def instant(expression: str, stored: str, forms: Forms) -> str:
    """SQL for the naive UTC instant."""
    if stored == "DATE":
        return local_to_utc(f"cast({expression} as TIMESTAMP)", forms.company_zone)
    form = forms.dialect.instant
    shown = clock_time(expression, stored, forms, form)
    return local_to_utc(shown, zone_of_days(stored, forms, form))


def _names_zone(form: str) -> bool:
    return "%z" in form or "%Z" in form


def _parsed(text: str, form: str) -> str:
    if "%z" in form:
        # DuckDB reads offsets in digits only.
        text = f"case when ends_with({text}, 'Z') then left({text}, -1) || '+00' else {text} end"
    parsed = f"try_strptime({text}, {literal(form)})"
    return f"timezone('UTC', {parsed})" if _names_zone(form) else parsed


def stands_for_none(value: str, forms: Forms, *, is_day: bool) -> str:
    """SQL condition for an infinite date or one of the dialect's ``null_dates``, never for null.

    An instant is one when its day in UTC or in the company's zone is.
    """
    none = forms.dialect.null_dates
    if not none:
        return f"isinf({value})"
    # Of IN DuckDB makes a join that looks at every row, also inside of a case.
    days = f"[{', '.join(f'DATE {literal(each)}' for each in none)}]"
    test = f"list_position({days}, {value}) is not null or isinf({value})"
    if not is_day:
        utc, local = f"cast({value} as DATE)", local_day(value, forms.company_zone)
        found = f"coalesce(list_position({days}, {utc}), list_position({days}, {local}))"
        test = f"{found} is not null or isinf({value})"
    # Nearly every date lies between the two of them that are around the year 2000, which is cheap.
    first = max((d for d in none if d < _USUAL), default=date.min)
    last = min((d for d in none if d >= _USUAL), default=date.max)
    usual = f"{value} > DATE {literal(first)} + 1 and {value} < DATE {literal(last)} - 1"
    return f"(case when {usual} or {value} is null then false else {test} end)"


def in_range(value: str) -> str:
    """SQL condition for a day or instant that a business can have; null for null."""
    first, last = POSSIBLE_DAYS
    after = last + timedelta(days=1)
    return f"({value} >= DATE {literal(first)} and {value} < DATE {literal(after)})"
