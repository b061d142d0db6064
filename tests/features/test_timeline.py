"""Days, midnights and the label window."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from companies import company, connect
from hypothesis import given, settings
from hypothesis import strategies as st

from features.timeline import LabelWindow, midnight_utc, month_starts

_DAYS = st.dates(date(1990, 1, 1), date(2036, 12, 31))
_calm = settings(derandomize=True)


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("day", "instant"),
    [
        (date(2024, 1, 1), datetime.fromisoformat("2023-12-31 23:00")),
        (date(2024, 3, 31), datetime.fromisoformat("2024-03-30 23:00")),
        (date(2024, 4, 1), datetime.fromisoformat("2024-03-31 22:00")),
        (date(2024, 10, 27), datetime.fromisoformat("2024-10-26 22:00")),
        (date(2024, 10, 28), datetime.fromisoformat("2024-10-27 23:00")),
    ],
)
def test_midnight_in_oslo_across_clock_changes(day: date, instant: datetime) -> None:
    assert midnight_utc(day, "Europe/Oslo") == instant


@pytest.mark.fault(16)
@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/Havana", "America/Sao_Paulo"])
def test_midnight_begins_its_day(zone: str) -> None:
    days = [date(2008, 1, 1) + timedelta(days) for days in range(5 * 366)]
    for day in days:
        midnight = midnight_utc(day, zone)
        local = midnight.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        before = (midnight - timedelta(seconds=1)).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        assert before.date() < local.date() == day


@pytest.mark.parametrize("zone", ["Europe/Oslo", "Europe/London", "America/New_York", "Asia/Tokyo"])
def test_the_database_agrees_on_midnights_and_local_days(zone: str) -> None:
    with connect(company(), zone) as con:
        for day, midnight, same, before in con.execute(
            "select day, midnight(day), local_day(midnight(day)), "
            "local_day(midnight(day) - interval 1 second) "
            "from (select date '2022-12-01' + n::integer as day from range(800) r(n))"
        ).fetchall():
            assert (midnight, same, before) == (
                midnight_utc(day, zone),
                day,
                day - timedelta(days=1),
            )


@_calm
@given(first=_DAYS, span=st.integers(0, 1200))
def test_month_starts_are_every_first_of_the_range(first: date, span: int) -> None:
    days = [first + timedelta(days=n) for n in range(span + 1)]
    assert list(month_starts(first, days[-1])) == [day for day in days if day.day == 1]


def test_no_months_in_an_empty_range() -> None:
    assert month_starts(date(2024, 2, 1), date(2024, 1, 31)) == ()


@_calm
@given(as_of=_DAYS, lead=st.integers(0, 60), horizon=st.integers(1, 365))
def test_the_label_window_is_half_open(as_of: date, lead: int, horizon: int) -> None:
    window = LabelWindow(lead, horizon)
    assert (window.start(as_of) - as_of).days == lead
    assert (window.end(as_of) - window.start(as_of)).days == horizon
    assert window.complete(as_of, window.end(as_of))
    assert not window.complete(as_of, window.end(as_of) - timedelta(days=1))
    delayed = LabelWindow(lead, horizon, delay_days=3)
    assert delayed.end(as_of) == window.end(as_of)
    assert not delayed.complete(as_of, window.end(as_of) + timedelta(days=2))
    assert delayed.complete(as_of, window.end(as_of) + timedelta(days=3))
