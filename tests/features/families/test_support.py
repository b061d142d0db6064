"""Support waits, checked by hand."""

from datetime import date
from typing import Any

import pytest
from companies import cells, company


def _contacts(*given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"channel": "phone", "direction": "inbound"} | contact for contact in given]


def test_waits_of_the_window_on_calls_the_customer_made() -> None:
    waits = [
        {"started_at": f"2024-03-{day:02} 10:00:00", "wait_seconds": day * 10}
        for day in range(1, 11)
    ]
    outbound = {"started_at": "2024-03-05 12:00:00", "wait_seconds": 9999, "direction": "outbound"}
    rows = company(contacts=_contacts(*waits, outbound))
    names = ("wait_max_30d", "wait_p90_90d", "latest_long_wait_on")
    assert cells(rows, "2024-03-11", *names) == (100, 90, date(2024, 3, 10))
    assert cells(rows, "2024-04-09", "wait_max_30d", "wait_max_90d") == (100, 100)
    assert cells(rows, "2024-04-10", "wait_max_30d", "wait_max_90d") == (None, 100)


def test_a_contact_at_the_as_of_midnight_is_the_future() -> None:
    call = {"started_at": "2024-03-09 23:00:00", "wait_seconds": 60, "abandoned": True}
    rows = company(contacts=_contacts(call))
    names = ("wait_max_30d", "abandoned_30d", "contacts_30d")
    assert cells(rows, "2024-03-10", *names) == (None, 0, 0)
    assert cells(rows, "2024-03-11", *names) == (60, 1, 1)


def test_the_day_without_an_hour_ends_an_hour_earlier() -> None:
    """Oslo's clocks go forward on 31 March 2024: its midnights are 23:00 and then 22:00 UTC."""
    calls = [
        {"started_at": f"2024-03-{at}"} for at in ("30 23:00:00", "31 21:59:59", "31 22:00:00")
    ]
    rows = company(contacts=_contacts(*calls))
    assert cells(rows, "2024-03-31", "contacts_30d") == 0
    assert cells(rows, "2024-04-01", "contacts_30d", "days_since_contact") == (2, 1)
    assert cells(rows, "2024-04-02", "contacts_30d", "last_contact_on") == (3, date(2024, 4, 1))
    assert cells(rows, "2024-05-01", "contacts_30d") == 1


def test_a_reply_counts_once_it_has_come() -> None:
    letter = {"started_at": "2024-03-01 10:00:00", "replied_at": "2024-03-03 11:30:00"}
    rows = company(contacts=_contacts(letter))
    assert cells(rows, "2024-03-03", "first_reply_hours_max_90d") is None
    assert cells(rows, "2024-03-04", "first_reply_hours_max_90d") == 49.5


@pytest.mark.parametrize(
    ("change", "loops"),
    [
        ({}, 1),
        ({"started_at": "2024-03-08 10:00:00"}, 1),
        ({"started_at": "2024-03-08 10:00:01"}, 0),
        ({"topic": "billing"}, 0),
        ({"handled_by": "human"}, 0),
    ],
)
def test_a_bot_again_within_a_week_on_the_topic(change: dict[str, str], loops: int) -> None:
    bot = {"handled_by": "bot", "topic": "fault"}
    first = {"started_at": "2024-03-01 10:00:00"} | bot
    rows = company(contacts=_contacts(first, {"started_at": "2024-03-04 09:00:00"} | bot | change))
    assert cells(rows, "2024-03-20", "bot_loops_30d") == loops


def test_unknown_topics_are_not_the_same_topic() -> None:
    calls = [{"started_at": f"2024-03-0{day} 10:00:00", "handled_by": "bot"} for day in (1, 2)]
    assert cells(company(contacts=_contacts(*calls)), "2024-03-20", "bot_loops_30d") == 0


def test_a_person_asked_for_and_a_bot_answering() -> None:
    calls = [
        {"started_at": "2024-03-01 10:00:00", "human_requested": True, "handled_by": by}
        for by in ("bot", "human", None)
    ]
    assert cells(company(contacts=_contacts(*calls)), "2024-03-20", "human_denied_90d") == 1


_CASE = {
    "case_id": "k",
    "opened_at": "2024-03-01 10:00:00",
    "closed_at": "2024-03-05 10:00:00",
    "resolved": True,
    "reopened_at": "2024-03-08 10:00:00",
    "reclosed_at": "2024-03-12 10:00:00",
}


@pytest.mark.parametrize(
    ("as_of", "open_cases", "open_days", "unresolved", "reopened", "share"),
    [
        ("2024-03-01", 0, 0, 0, 0, None),
        ("2024-03-02", 1, 1, 1, 0, None),
        ("2024-03-05", 1, 4, 1, 0, None),
        ("2024-03-06", 0, 0, 0, 0, 1),
        ("2024-03-09", 1, 8, 1, 1, 1),
        ("2024-03-13", 0, 0, 0, 1, 1),
    ],
)
def test_a_case_is_seen_as_it_was_on_the_day(
    as_of: str, open_cases: int, open_days: int, unresolved: int, reopened: int, share: float
) -> None:
    names = ("open_cases", "open_case_days", "unresolved_cases_90d", "reopened_90d")
    values = (open_cases, open_days, unresolved, reopened, share)
    assert cells(company(cases=[_CASE]), as_of, *names, "resolved_share_365d") == values


def test_a_reopened_case_stays_open_until_it_is_closed_again() -> None:
    rows = company(cases=[_CASE | {"reclosed_at": None}])
    assert cells(rows, "2024-06-01", "open_cases", "unresolved_days_since") == (1, 92)


@pytest.mark.parametrize(("resolved", "unresolved"), [(True, 0), (False, 1), (None, 0)])
def test_closed_is_not_resolved(resolved: bool | None, unresolved: int) -> None:
    case = _CASE | {"resolved": resolved, "reopened_at": None, "reclosed_at": None}
    call = {"started_at": "2024-03-02 10:00:00", "wait_seconds": 700, "case_id": "k"}
    rows = company(cases=[case], contacts=_contacts(call))
    names = ("open_cases", "unresolved_cases_30d", "wait_unresolved_max_90d")
    assert cells(rows, "2024-03-05", *names) == (1, 1, 700)
    assert cells(rows, "2024-03-06", *names) == (0, unresolved, 700 * unresolved)


def test_the_oldest_open_case_is_the_one_opened_first() -> None:
    early = {"case_id": "early", "opened_at": "2024-01-01 10:00:00", "known_at": "2024-02-15"}
    late = {"case_id": "late", "opened_at": "2024-02-01 10:00:00"}
    rows = company(cases=[early, late])
    names = ("open_case_id", "open_case_opened_on", "open_case_days")
    assert cells(rows, "2024-02-15", *names) == ("late", date(2024, 2, 1), 14)
    assert cells(rows, "2024-02-16", *names) == ("early", date(2024, 1, 1), 46)


def test_a_promise_is_missed_while_unsolved_and_after() -> None:
    case = {"opened_at": "2024-03-01 10:00:00", "promised_on": "2024-03-05"}
    rows = company(cases=[case | {"closed_at": "2024-03-08 22:59:00"}])
    names = ("delivery_overrun_days_max_90d", "promises_missed_365d", "latest_promise_missed_on")
    assert cells(rows, "2024-03-05", *names) == (0, 0, None)
    assert cells(rows, "2024-03-07", *names) == (2, 1, date(2024, 3, 5))
    assert cells(rows, "2024-04-07", *names) == (3, 1, date(2024, 3, 5))
    kept = company(cases=[case | {"closed_at": "2024-03-05 22:59:00"}])
    assert cells(kept, "2024-04-07", *names) == (0, 0, None)


def test_planned_work_is_no_fault() -> None:
    incidents = [
        {"incident_id": str(planned), "started_at": "2024-03-05 10:00:00", "planned": planned}
        for planned in (True, False, None)
    ]
    rows = company(incidents=incidents)
    assert cells(rows, "2024-03-10", "faults_30d", "latest_fault_on") == (2, date(2024, 3, 5))


def _answer(at: str, **given: Any) -> dict[str, Any]:
    return {"started_at": at, "topic": "fault", "handled_by": "human"} | given


@pytest.mark.parametrize(
    ("answers", "hours"),
    [
        ([_answer("2024-03-05 16:30:00")], 6.5),
        ([_answer("2024-03-05 16:30:00", handled_by="bot")], None),
        ([_answer("2024-03-05 16:30:00", abandoned=True)], None),
        ([_answer("2024-03-05 16:30:00", topic="billing")], None),
        ([_answer("2024-03-19 10:00:00")], 336),
        ([_answer("2024-03-19 10:00:01")], None),
        ([_answer("2024-03-05 11:00:00"), _answer("2024-03-07 10:00:00")], 1),
        ([_answer("2024-03-05 09:00:00"), _answer("2024-03-05 12:00:00")], 2),
    ],
)
def test_a_fault_until_the_first_person_answers(
    answers: list[dict[str, Any]], hours: float | None
) -> None:
    fault = {"started_at": "2024-03-05 10:00:00"}
    rows = company(incidents=[fault], contacts=_contacts(*answers))
    assert cells(rows, "2024-04-01", "fault_to_human_hours_max_90d") == hours


def test_an_order_is_late_from_the_midnight_that_ends_its_promised_day() -> None:
    order = {
        "ordered_on": "2024-03-01",
        "promised_on": "2024-03-10",
        "delivered_on": "2024-03-15",
    }
    names = ("late_orders_30d", "order_overrun_days_max_30d")
    rows = company(orders=[order])
    assert cells(rows, "2024-03-11", *names) == (0, 0)
    assert cells(rows, "2024-03-12", *names) == (1, 2)
    assert cells(rows, "2024-03-15", *names) == (1, 5)
    assert cells(rows, "2024-03-30", *names) == (1, 5)
    assert cells(rows, "2024-03-30", "latest_late_order_promised_on") == date(2024, 3, 10)
    assert cells(rows, "2024-04-12", *names) == (0, 0)


@pytest.mark.parametrize(
    ("order", "late"),
    [
        ({"delivered_on": "2024-03-10"}, 0),
        ({"delivered_on": "2024-03-11"}, 1),
        ({"delivered_on": None}, 1),
        ({"delivered_on": None, "promised_on": None}, 0),
    ],
)
def test_only_an_order_past_its_promise_is_late(order: dict[str, Any], late: int) -> None:
    given = {"ordered_on": "2024-03-01", "promised_on": "2024-03-10"} | order
    assert cells(company(orders=[given]), "2024-04-01", "late_orders_30d") == late


def test_a_delay_stays_however_well_the_help_was_rated() -> None:
    """Late delivery against promise loses customers, however good the help (S1)."""
    order = {"ordered_on": "2024-03-01", "promised_on": "2024-03-10", "delivered_on": "2024-03-20"}
    praise = {"kind": "csat", "answered_at": "2024-03-21 10:00:00", "score": 5}
    helped = {"started_at": "2024-03-15 10:00:00", "wait_seconds": 0, "handled_by": "human"}
    rows = company(orders=[order], surveys=[praise], contacts=[helped])
    assert cells(rows, "2024-04-01", "order_overrun_days_max_90d") == 10
