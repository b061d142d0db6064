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


@pytest.mark.parametrize(
    ("at", "case", "channel", "crossed"),
    [
        ("2024-03-15 10:00:00", "k", "email", 1),
        ("2024-03-15 10:00:01", "k", "email", 0),
        ("2024-03-02 10:00:00", "k", "phone", 0),
        ("2024-03-02 10:00:00", "other", "email", 0),
        ("2024-03-02 10:00:00", None, "email", 0),
    ],
)
def test_the_same_case_under_another_topic_is_a_repeat_in_another_channel(
    at: str, case: str | None, channel: str, crossed: int
) -> None:
    other = {"started_at": at, "topic": "price", "case_id": case, "channel": channel}
    rows = company(contacts=[_FIRST | {"topic": "fault", "case_id": "k"}, _FIRST | other])
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


_NOW = "2024-04-16"
_45_DAYS_BEFORE = "2024-03-01 22:00:00"
"""45 days before the midnight of ``_NOW``, when a point is half a point."""


def _effort(*contacts: dict[str, Any], cases: tuple[dict[str, Any], ...] = ()) -> Any:
    numbered = [
        {"started_at": _45_DAYS_BEFORE, "topic": "fault", "contact_id": str(number)} | contact
        for number, contact in enumerate(contacts)
    ]
    return 2 * cells(company(contacts=numbered, cases=cases), _NOW, "effort_index")


@pytest.mark.parametrize(
    ("contacts", "points"),
    [
        ([{}], 0),
        ([{"case_id": "k"}, {"case_id": "k"}], 1),
        ([{}, {}], 2),
        ([{"case_id": "k"}, {"case_id": "k", "transfers": 3}], 3),
        ([{"transfers": 2}], 1),
        ([{"channel": "phone"}, {"channel": "email"}], 3),
        ([{"case_id": "k", "channel": "phone"}, {"case_id": "k", "channel": "email"}], 2),
        ([{}, {"topic": "billing"}], 0),
        ([{"topic": None, "transfers": 1}, {"topic": None, "transfers": 1}], 2),
    ],
)
def test_each_kind_of_effort_is_a_point(contacts: list[dict[str, Any]], points: int) -> None:
    """Again, passed on, another channel, and told again: not linked, or passed on."""
    assert _effort(*contacts) == pytest.approx(points)


def test_one_root_cause_is_counted_once_across_channels() -> None:
    """Phone, e-mail, chat and phone about one fault: again, another channel, told again."""
    channels = [{"channel": channel} for channel in ("phone", "email", "chat", "phone")]
    assert _effort(*channels) == pytest.approx(3)
    two_faults = [{**channel, "topic": "move"} for channel in channels]
    assert _effort(*channels, *two_faults) == pytest.approx(6)


def test_a_contact_not_linked_belongs_to_the_case_last_linked_on_its_topic() -> None:
    linked, loose = {"case_id": "k"}, {"case_id": None}
    assert _effort(linked, loose, linked, loose) == pytest.approx(2)
    assert _effort(loose, loose) == pytest.approx(2)
    assert _effort(linked, linked | {"case_id": "m"}, loose) == pytest.approx(2)


def test_a_problem_counts_from_its_latest_time_and_a_topic_is_another_after_thirty_days() -> None:
    def index(*days: str, case: str | None = None) -> Any:
        contacts = [
            {"started_at": f"{day} 22:00:00", "topic": "fault", "case_id": case} for day in days
        ]
        return cells(company(contacts=contacts), _NOW, "effort_index")

    half, double = pytest.approx(0.5, abs=1e-6), pytest.approx(1, abs=1e-6)
    assert index("2024-01-15", "2024-01-20", "2024-03-01", case="k") == pytest.approx(
        0.5 ** (86 / 45), abs=1e-6
    )
    assert index("2024-02-10", "2024-02-20", "2024-03-01", case="k") == half
    again_later = index("2023-12-01", "2023-12-02", "2024-02-28", "2024-03-01", case="k")
    assert again_later == half
    assert index("2024-02-10", "2024-02-20", "2024-03-01") == double
    apart = index("2024-01-01", "2024-01-02", "2024-02-28", "2024-03-01")
    assert apart == pytest.approx(2 * (0.5 + 0.5 ** (104 / 45)), abs=1e-6)


def test_a_reopened_case_is_effort_from_when_it_was_reopened() -> None:
    case = {
        "case_id": "k",
        "opened_at": "2024-01-01 10:00:00",
        "closed_at": "2024-01-02 10:00:00",
        "reopened_at": _45_DAYS_BEFORE,
    }
    assert _effort(cases=(case,)) == pytest.approx(1)
    rows = company(contacts=[], cases=[case])
    assert cells(rows, "2024-03-01", "effort_index") == 0


def test_effort_halves_in_45_days_and_never_goes_away_at_once() -> None:
    rows = company(contacts=[{"started_at": _45_DAYS_BEFORE, "transfers": 7}])
    assert cells(rows, _NOW, "effort_index", "transfers_90d") == (pytest.approx(0.5), 7)
    assert cells(rows, "2024-05-31", "effort_index") == pytest.approx(0.25, abs=1e-6)


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


_FAILED = {"started_at": "2024-03-01 10:00:00", "completed": False, "seconds": 90}


@pytest.mark.parametrize(
    ("contacts", "count"),
    [
        (["2024-03-03 10:00:00"], 1),
        (["2024-03-03 10:00:01"], 0),
        (["2024-03-01 09:59:59"], 0),
        (["2024-03-01 10:00:00"], 1),
        (["2024-03-01 11:00:00", "2024-03-01 12:00:00"], 1),
    ],
)
def test_a_task_not_finished_that_leads_to_a_contact(contacts: list[str], count: int) -> None:
    rows = company(
        self_service=[_FAILED], contacts=[{"started_at": at, "topic": "fault"} for at in contacts]
    )
    name = "self_service_fail_then_contact_48h_30d"
    assert cells(rows, "2024-03-20", name) == count
    done = company(
        self_service=[_FAILED | {"completed": True}], contacts=[{"started_at": contacts[0]}]
    )
    assert cells(done, "2024-03-20", name) == 0


def test_a_call_back_by_the_company_follows_from_no_failure() -> None:
    call = {"started_at": "2024-03-01 11:00:00", "direction": "outbound"}
    rows = company(self_service=[_FAILED], contacts=[call])
    assert cells(rows, "2024-03-20", "self_service_fail_then_contact_48h_30d") == 0


def test_self_service_that_works() -> None:
    done = _FAILED | {"completed": True, "seconds": 30}
    rows = company(self_service=[_FAILED, done, done])
    names = (
        "self_service_success_30d",
        "self_service_success_share_365d",
        "self_service_seconds_max_90d",
    )
    assert cells(rows, "2024-03-20", *names) == (2, pytest.approx(2 / 3), 90)


def test_complaints_are_open_until_they_are_decided() -> None:
    complaints = [
        {"opened_at": "2024-03-01 10:00:00", "closed_at": "2024-03-10 10:00:00"},
        {"opened_at": "2024-03-05 10:00:00"},
    ]
    rows = company(complaints=complaints)
    names = ("complaints_30d", "open_complaints", "open_complaint_days")
    assert cells(rows, "2024-03-10", *names) == (2, 2, 9)
    assert cells(rows, "2024-03-11", *names) == (2, 1, 6)
    facts = ("latest_complaint_on", "open_complaint_opened_on")
    assert cells(rows, "2024-03-11", *facts) == (date(2024, 3, 5), date(2024, 3, 5))


def test_a_complaint_weighs_with_the_faults_that_nobody_told_of() -> None:
    complaint = {"opened_at": "2024-03-01 10:00:00"}
    faults = [
        {"incident_id": name, "started_at": "2024-02-20 10:00:00", "ended_at": "2024-02-21"}
        for name in ("f", "g")
    ]
    told = {"incident_id": "f", "sent_at": "2024-02-20 11:00:00", "kind": "outage"}
    name = "complaint_x_uninformed"
    rows = company(complaints=[complaint], incidents=faults, notifications=[told])
    assert cells(rows, "2024-03-20", name) == 0.5
    assert cells(company(complaints=[complaint], incidents=faults), "2024-03-20", name) == 1
    assert cells(company(complaints=[complaint], incidents=[]), "2024-03-20", name) == 0
