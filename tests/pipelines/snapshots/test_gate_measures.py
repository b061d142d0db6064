"""What a table's own past allows, found by hand: silence, rows a day, and two units in a month."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import floor, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.snapshots.daily_volume import (
    days_before,
    history_begins,
    strangest_day,
    usual_silence,
)
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.gate_measures import PreviousTables, measures, own_measures
from pipelines.snapshots.profiling import ColumnProfile, TableProfile
from pipelines.snapshots.unit_levels import BANDS, mixed_share

AS_OF = date(2026, 3, 2)
YESTERDAY = AS_OF - timedelta(days=1)


def every(days, rows=100, until=YESTERDAY, count=400):
    return {until - timedelta(days=days * n): rows for n in range(count // days)}


def text(days):
    return {str(day): rows for day, rows in days.items()}


def facts(days, lag=0.0, **profile):
    return TableFacts(
        rows=sum(days.values()) or 1000,
        source_rows=1000,
        quarantined={},
        columns=(),
        absent=(),
        unread=(),
        forbidden=(),
        first_event=None,
        last_event=datetime.fromisoformat("2026-03-01 10:00"),
        profile=TableProfile(profile.pop("columns", {}), days=text(days), lag=lag, **profile),
    )


@pytest.mark.parametrize(
    ("step", "allowed"), [(1, 3), (2, 4), (7, 14), (30, 60), (60, None)], ids=str
)
def test_silence_is_twice_the_longest_pause(step, allowed):
    assert usual_silence(every(step)) == allowed


def test_a_table_that_closes_at_weekends_may_be_silent_for_six_days():
    office = {day: n for day, n in every(1).items() if day.weekday() < 5}
    assert usual_silence(office) == 6


def test_a_rare_or_a_young_table_is_left_alone():
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23, 61, 101, 211)
    assert usual_silence({YESTERDAY - timedelta(days=n): 1 for n in primes}) is None
    assert usual_silence(every(1, count=50)) is None
    assert usual_silence({}) is None


def test_rows_after_the_date_are_not_looked_at():
    days = text(every(1) | {AS_OF: 5000, AS_OF + timedelta(days=9): 1})
    assert max(days_before(days, AS_OF)) == YESTERDAY


@given(st.integers(0, 20))
def test_a_day_is_judged_by_its_weekday_and_holidays_open_the_band(holidays):
    days = every(1)
    for n in range(holidays):
        days[YESTERDAY - timedelta(days=20 + 9 * n)] = 0
    days[YESTERDAY - timedelta(days=2)] = 2
    _, share, low, high = strangest_day(days, YESTERDAY, 0.1, 5)
    assert (share, high) == (0.02 if holidays < 3 else share, 5)
    assert low == (0.1 if holidays < 3 else 0.0)


def test_a_day_of_few_rows_is_not_judged():
    assert strangest_day(every(1, rows=29) | {YESTERDAY: 0}, YESTERDAY, 0.1, 5) is None
    found = strangest_day(every(1, rows=30) | {YESTERDAY: 0}, YESTERDAY, 0.1, 5)
    assert found[:2] == (YESTERDAY, 0.0)


def test_a_rush_is_seen_in_smaller_tables_too():
    def rush(rows):
        uneven = {day: rows + n % 3 for n, day in enumerate(every(1))}
        return strangest_day(uneven | {YESTERDAY: 10 * rows}, YESTERDAY, 0.1, 5)

    assert rush(8) is None
    day, share, _, high = rush(11)
    assert day == YESTERDAY
    assert share > high == 5


def closed(found):
    return [
        each.name.partition(": ")[2]
        for each in found
        if (each.low is not None and each.value < each.low)
        or (each.high is not None and each.value > each.high)
    ]


def own(settings, as_of, tables):
    return own_measures(settings.quality, settings.company.timezone, as_of, tables)


def test_silence_counts_the_days_until_rows_are_known(company):
    days = every(1, until=AS_OF - timedelta(days=6))
    silent = ["days since the newest event"]
    assert closed(own(company(), AS_OF, {"contacts": facts(days)})) == silent
    assert closed(own(company(), AS_OF, {"contacts": facts(days, lag=2.2)})) == []


def test_the_same_days_pass_at_any_date_of_the_past(company):
    now = {"contacts": facts(every(1))}
    for back in range(0, 300, 7):
        assert closed(own(company(), AS_OF - timedelta(days=back), now)) == []


@pytest.mark.parametrize(
    ("quality", "rang"),
    [
        ({}, ["days since the newest event"]),
        ({"freshness_days": {"contacts": 40}}, []),
        ({"freshness_days": {"contacts": None}}, []),
        ({"learned_days": False}, []),
    ],
    ids=str,
)
def test_what_is_learned_gives_way_to_what_is_declared(company, quality, rang):
    now = {"contacts": facts(every(1, until=AS_OF - timedelta(days=30)))}
    assert closed(own(company(quality=quality), AS_OF, now)) == rang


def bands(values):
    return Counter(floor(log10(value) * BANDS) for value in values)


USUAL = [100 + n % 150 for n in range(1000)]


@pytest.mark.parametrize("factor", [0.001, 0.01, 0.1, 10, 100, 1000])
def test_two_units_in_a_month_are_seen(factor):
    two = [value * factor if n % 5 < 2 else value for n, value in enumerate(USUAL)]
    assert mixed_share(bands(two), [bands(USUAL)] * 3) == pytest.approx(0.4, abs=0.03)


def test_prices_that_spread_or_come_once_a_year_are_no_second_unit():
    assert mixed_share(bands(USUAL), [bands(USUAL)]) == 0
    assert mixed_share(bands([3 * value for value in USUAL]), [bands(USUAL)]) == 0
    january = [value * 10 if n % 3 == 0 else value for n, value in enumerate(USUAL)]
    year = [bands(january), *[bands(USUAL)] * 11]
    assert mixed_share(bands(january), year) == 0


@pytest.mark.parametrize(
    ("origin", "rang"), [("topic", ["rows with a value"]), ({"value": None}, [])], ids=str
)
def test_what_the_company_says_that_it_has_none_of_may_be_empty(company, origin, rang):
    mapped = {name: name for name in ("contact_id", "customer_id", "started_at", "channel")}
    contacts = {"path": "contacts.csv", "columns": {**mapped, "topic": origin}}
    now = {"contacts": facts({}, columns={"topic": ColumnProfile(nulls=1000)})}
    assert closed(measures(company(sources={"contacts": contacts}), AS_OF, now)) == rang


def test_keys_that_point_nowhere_and_columns_without_values(company):
    column = ColumnProfile(nulls=0)
    columns = {"case_id": column, "topic": ColumnProfile(nulls=1000)}
    what = "case_id not in cases"

    def rang(orphans, before=None):
        now = {"contacts": facts({}, columns=columns, orphans={what: orphans})}
        return closed(measures(company(), AS_OF, now, PreviousTables(before or {})))

    assert rang(600) == ["rows with a value", f"share of {what}"]
    assert rang(400) == ["rows with a value"]
    before = facts({}, columns=columns, orphans={what: 50})
    assert rang(400, {"contacts": before}) == [f"share of {what}"]
    let_through = replace(before, profile=replace(before.profile, orphans={what: 400}))
    assert rang(400, {"contacts": let_through}) == []


def test_the_moment_of_values_that_count_at_once_may_be_empty(company):
    columns = {"linked_at": ColumnProfile(nulls=1000)}
    assert closed(measures(company(), AS_OF, {"contacts": facts({}, columns=columns)})) == []


def test_a_history_begins_with_the_rows_of_a_table_that_is_seldom_silent():
    first = date(2024, 3, 1)
    daily = {first + timedelta(days=n): 5 for n in range(60)}
    as_of = date(2024, 5, 1)
    assert history_begins(daily, as_of) == date(2024, 2, 23)
    weekdays = {day: 5 for day in daily if day.weekday() < 5}
    assert history_begins(weekdays, as_of) == date(2024, 2, 23)
    assert history_begins(dict(list(daily.items())[:29]), as_of) is None
    assert history_begins({day: 5 for day in daily if day.day == 1}, as_of) is None
    assert history_begins({}, as_of) == as_of
    dispute = {date(2018, 1, 1): 2} | daily
    assert history_begins(dispute, as_of) == date(2024, 2, 23)
