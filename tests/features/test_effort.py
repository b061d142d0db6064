"""Contact repeats and effort, checked by hand."""

from datetime import date
from typing import Any

import pytest
from companies import cells, company

_FIRST = {"started_at": "2024-03-01 10:00:00", "topic": "fault", "channel": "phone"}


@pytest.mark.parametrize(
    ("at", "within_7", "within_30"),
    [
        ("2024-03-08 10:00:00", 1, 1),
        ("2024-03-08 10:00:01", 0, 1),
        ("2024-03-31 10:00:00", 0, 1),
        ("2024-03-31 10:00:01", 0, 0),
    ],
)
def test_a_repeat_comes_within_days_of_the_contact_before(
    at: str, within_7: int, within_30: int
) -> None:
    rows = company(contacts=[_FIRST, _FIRST | {"started_at": at}])
    names = ("repeats_7d_count_90d", "repeats_30d_count_90d")
    assert cells(rows, "2024-04-10", *names) == (within_7, within_30)


@pytest.mark.parametrize(
    ("second", "repeats"),
    [
        ({}, 1),
        ({"topic": "billing"}, 0),
        ({"topic": None}, 0),
        ({"direction": "outbound"}, 0),
        ({"direction": None}, 1),
    ],
)
def test_a_repeat_is_on_the_same_topic_and_the_customers_own(
    second: dict[str, Any], repeats: int
) -> None:
    again = _FIRST | {"started_at": "2024-03-03 10:00:00"} | second
    rows = company(contacts=[_FIRST, again])
    assert cells(rows, "2024-03-10", "repeats_7d_count_30d") == repeats


def test_a_repeat_may_share_the_case_and_not_the_topic() -> None:
    second = {"started_at": "2024-03-20 10:00:00", "topic": "billing", "case_id": "k"}
    rows = company(contacts=[_FIRST | {"case_id": "k"}, second])
    names = ("repeats_7d_count_30d", "repeats_30d_count_30d", "days_since_repeat")
    assert cells(rows, "2024-03-25", *names) == (0, 1, 5)
    assert cells(rows, "2024-03-20", *names) == (0, 0, None)


def test_a_contact_known_late_repeats_from_the_day_it_is_known() -> None:
    late = _FIRST | {"started_at": "2024-02-28 10:00:00", "known_at": "2024-03-10 12:00:00"}
    rows = company(contacts=[_FIRST, late])
    assert cells(rows, "2024-03-10", "repeats_7d_count_30d", "latest_repeat_on") == (0, None)
    assert cells(rows, "2024-03-11", "repeats_7d_count_30d", "latest_repeat_on") == (
        1,
        date(2024, 2, 28),
    )


@pytest.mark.parametrize(
    ("at", "channel", "crossed"),
    [
        ("2024-03-15 10:00:00", "email", 1),
        ("2024-03-15 10:00:01", "email", 0),
        ("2024-03-02 10:00:00", "phone", 0),
        ("2024-03-02 10:00:00", None, 0),
    ],
)
def test_a_repeat_in_another_channel(at: str, channel: str | None, crossed: int) -> None:
    rows = company(contacts=[_FIRST, _FIRST | {"started_at": at, "channel": channel}])
    assert cells(rows, "2024-03-20", "cross_channel_repeats_30d") == crossed


def test_unlinked_repeats_and_switches_within_a_case() -> None:
    contacts = [
        _FIRST | {"case_id": "k"},
        _FIRST | {"started_at": "2024-03-02 10:00:00", "case_id": None},
        _FIRST | {"started_at": "2024-03-03 10:00:00", "case_id": "k", "channel": "email"},
    ]
    names = ("case_unlinked_90d", "channel_switches_in_case_90d", "cross_channel_repeats_90d")
    assert cells(company(contacts=contacts), "2024-03-10", *names) == (1, 1, 1)
    assert cells(company(contacts=contacts[:1]), "2024-03-10", *names) == (0, 0, 0)


def test_effort_counts_one_root_cause_once_and_halves_in_45_days() -> None:
    """As of 15 April 22:00 UTC, both contacts are 45 days old; the second is one point."""
    first = {"started_at": "2024-03-01 22:00:00", "topic": "fault", "channel": "phone"}
    again = first | {"channel": "email", "transfers": 1}
    rows = company(contacts=[first | {"contact_id": "1"}, again | {"contact_id": "2"}])
    assert cells(rows, "2024-04-16", "effort_index_365d") == pytest.approx(0.75)
    assert cells(rows, "2024-05-31", "effort_index_365d") == pytest.approx(0.375, abs=1e-6)


def test_more_than_two_transfers_are_two() -> None:
    call = {"started_at": "2024-03-01 22:00:00", "transfers": 7}
    rows = company(contacts=[call])
    names = ("effort_index_365d", "transfers_90d")
    assert cells(rows, "2024-04-16", *names) == (pytest.approx(0.5), 7)


def test_first_contact_resolution_waits_for_its_thirty_days() -> None:
    second = _FIRST | {"started_at": "2024-03-20 10:00:00"}
    other = _FIRST | {"started_at": "2024-03-02 10:00:00", "topic": "billing"}
    rows = company(contacts=[_FIRST, second, other])
    name = "first_contact_resolution_365d"
    assert cells(rows, "2024-03-31", name) is None
    assert cells(rows, "2024-04-01", name) == 0
    assert cells(rows, "2024-04-02", name) == 0.5
    assert cells(rows, "2024-04-20", name) == pytest.approx(2 / 3)


def test_resolution_is_counted_thirty_days_after_the_contact_was_known() -> None:
    rows = company(contacts=[_FIRST | {"known_at": "2024-03-20 10:00:00"}])
    assert cells(rows, "2024-04-19", "first_contact_resolution_365d") is None
    assert cells(rows, "2024-04-20", "first_contact_resolution_365d") == 1


def test_a_contact_without_a_topic_says_nothing_about_resolution() -> None:
    rows = company(contacts=[_FIRST | {"topic": None}])
    assert cells(rows, "2024-06-01", "first_contact_resolution_365d") is None
