"""A row that was overwritten counts, at a past day, as it was known then; checked by hand."""

from datetime import date
from typing import Any

import pytest
from binding import bind
from companies import FULL, VERSIONED, cells, company, matrices

from features.catalog import build_catalog
from features.contract import TABLES

_GRANTED = {"benefit_id": "b", "granted_on": "2024-01-01"}
_DUE = {"reading_id": "r", "due_on": "2024-03-01"}
_ORDER = {"order_id": "o", "ordered_on": "2024-03-01"}


def _benefits(*versions: dict[str, Any]) -> Any:
    return company(benefits=[_GRANTED | version for version in versions])


def test_each_version_counts_from_its_own_moment_until_the_next_is_known() -> None:
    rows = _benefits(
        {"ends_on": "2024-06-30"},
        {"ends_on": "2024-12-31", "known_at": "2024-03-05 12:00:00"},
        {"ends_on": "2024-03-09", "known_at": "2024-03-09 12:00:00"},
    )
    names = ("loyalty_benefit", "benefit_days_left", "benefit_ended_on")
    assert cells(rows, "2024-03-01", *names) == (1, 121, None)
    assert cells(rows, "2024-03-05", *names) == (1, 117, None)
    assert cells(rows, "2024-03-06", *names) == (1, 300, None)
    assert cells(rows, "2024-03-10", *names) == (0, None, date(2024, 3, 9))


def test_the_order_of_versions_in_a_file_is_nothing() -> None:
    first, second = {}, {"ends_on": "2024-02-01", "known_at": "2024-03-05 12:00:00"}
    for versions in ((first, second), (second, first)):
        assert cells(_benefits(*versions), "2024-03-05", "loyalty_benefit") == 1
        assert cells(_benefits(*versions), "2024-03-06", "loyalty_benefit") == 0


def test_a_version_that_has_not_happened_any_more_takes_its_event_back() -> None:
    used = {"used_at": "2024-02-10 12:00:00"}
    rows = _benefits(used, {"known_at": "2024-03-05 12:00:00"})
    name = "benefits_used_90d"
    assert cells(rows, "2024-03-05", name) == 1
    assert cells(rows, "2024-03-06", name) == 0


def test_a_late_order_stops_being_late_when_a_later_promise_is_known() -> None:
    rows = company(
        orders=[
            _ORDER | {"promised_on": "2024-03-04"},
            _ORDER | {"promised_on": "2024-03-20", "known_at": "2024-03-08 12:00:00"},
        ]
    )
    assert cells(rows, "2024-03-08", "late_orders_30d") == 1
    assert cells(rows, "2024-03-09", "late_orders_30d") == 0
    assert cells(rows, "2024-03-23", "late_orders_30d") == 1


def test_a_version_still_hides_what_its_own_moments_reveal() -> None:
    settled = {"status": "read", "settled_on": "2024-03-20", "known_at": "2024-03-05 12:00:00"}
    rows = company(meter_readings=[_DUE | {"status": "estimated"}, _DUE | settled])
    names = ("missing_readings_30d", "estimated_readings_30d")
    assert cells(rows, "2024-03-05", *names) == (0, 1)
    assert cells(rows, "2024-03-06", *names) == (1, 0)
    assert cells(rows, "2024-03-21", *names) == (0, 0)


def test_a_stream_is_derived_again_whenever_one_of_its_bases_is() -> None:
    catalog = build_catalog(TABLES, versioned=["payment_method_events"])
    again = {stream.name for stream in catalog.streams if stream.as_known}
    assert {"payments", "abandoned_switches"} <= again
    assert "contacts" not in again
    bind(catalog, "UTC")


_LOGS = build_catalog(TABLES, versioned=["contacts", "cases"])
_CALL = {"topic": "billing", "channel": "phone"}


def test_a_topic_that_is_put_right_takes_back_what_it_had_said_of_another_row() -> None:
    """The second call repeats the first until its topic is known to be another."""
    second = _CALL | {"contact_id": "l", "started_at": "2024-03-04 09:00:00"}
    rows = company(
        contacts=[
            _CALL | {"contact_id": "k", "started_at": "2024-03-01 09:00:00"},
            second,
            second | {"topic": "fault", "known_at": "2024-03-08 09:00:00"},
        ]
    )
    repeats = [
        cells(rows, f"2024-03-{day:02}", "repeats_30d_count_90d", catalog=_LOGS)
        for day in (2, 5, 8, 9, 20)
    ]
    assert repeats == [0, 1, 1, 0, 0]


def test_a_row_written_again_stays_where_the_company_first_heard_of_it() -> None:
    """The second call is still the repeat, although the first was changed after it."""
    first = _CALL | {"contact_id": "k", "started_at": "2024-03-01 09:00:00"}
    rows = company(
        contacts=[
            first,
            _CALL | {"contact_id": "l", "started_at": "2024-03-04 09:00:00"},
            first | {"channel": "email", "known_at": "2024-03-08 09:00:00"},
        ]
    )
    for day in ("2024-03-06", "2024-03-12"):
        assert cells(rows, day, "latest_repeat_on", catalog=_LOGS) == date(2024, 3, 4)


def test_a_closing_that_is_taken_back_leaves_the_case_open() -> None:
    case = {"case_id": "s", "opened_at": "2024-03-01 09:00:00"}
    rows = company(
        cases=[
            case,
            case | {"closed_at": "2024-03-03 09:00:00", "known_at": "2024-03-03 09:00:00"},
            case | {"known_at": "2024-03-06 09:00:00"},
        ]
    )
    opened = [
        cells(rows, f"2024-03-{day:02}", "open_cases", catalog=_LOGS) for day in (2, 3, 4, 6, 7)
    ]
    assert opened == [1, 1, 0, 0, 1]


def test_rows_of_a_table_without_versions_count_for_ever() -> None:
    rows = _benefits({}, {"known_at": "2024-03-05 12:00:00"})
    for versioned, count in (((), 2), (VERSIONED, 1)):
        [table] = matrices(
            rows,
            [date(2024, 4, 1)],
            catalog=FULL.only(["loyalty_benefit"]),
            everyone=True,
            versioned=versioned,
        )
        assert table["loyalty_benefit"].to_pylist() == [count]


@pytest.mark.parametrize("stream", FULL.streams, ids=lambda stream: stream.name)
def test_versions_are_taken_one_by_one_or_not_at_all(stream: Any) -> None:
    tables = (*stream.reads, *stream.optional)
    versioned = [name for name in tables if TABLES[name].versions]
    named = [table.name for table in TABLES.values() if f"versions_{table.name}()" in stream.sql]
    assert named == versioned
    if versioned and not stream.versions:  # which says itself for how long a row counts
        text = stream.sql.replace("versions_", "").lower()
        assert len(tables) == 1
        assert not stream.bases
        assert not [word for word in (" over ", " join ", "group by", "union") if word in text]
        assert "replaced_at" in stream.sql
