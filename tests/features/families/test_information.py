"""Information, noise and contradiction, checked by hand."""

from datetime import date
from typing import Any

import pytest
from companies import cells, company

_FAULT = {
    "incident_id": "f",
    "started_at": "2024-03-10 10:00:00",
    "ended_at": "2024-03-10 16:00:00",
}
_TOLD = {"incident_id": "f", "sent_at": "2024-03-10 12:30:00", "kind": "outage"}
_INFORMED = ("informed_share_90d", "uninformed_incidents_90d", "information_lag_hours_max_90d")


def _informed(*messages: dict[str, Any], as_of: str = "2024-03-20") -> Any:
    return cells(company(incidents=[_FAULT], notifications=messages), as_of, *_INFORMED)


def test_a_message_before_the_end_informs() -> None:
    assert _informed(_TOLD) == (1, 0, 2.5)
    assert _informed(_TOLD | {"sent_at": "2024-03-10 16:00:00"}) == (1, 0, 6)


def test_a_message_after_the_end_comes_too_late() -> None:
    assert _informed(_TOLD | {"sent_at": "2024-03-10 16:00:01"}) == (0, 1, 6)


def test_no_message_is_no_information_and_has_no_lag() -> None:
    assert _informed() == (0, 1, None)
    assert _informed(_TOLD | {"incident_id": "other"}) == (0, 1, None)
    assert cells(company(incidents=[_FAULT]), "2024-03-20", "latest_uninformed_on") == date(
        2024, 3, 10
    )


def test_marketing_is_never_information() -> None:
    assert _informed(_TOLD | {"kind": "marketing"}) == (0, 1, None)
    assert _informed(_TOLD | {"kind": None}) == (1, 0, 2.5)


def test_planned_work_that_was_told_of_before_has_no_lag() -> None:
    assert _informed(_TOLD | {"sent_at": "2024-03-01 08:00:00"}) == (1, 0, 0)


def test_a_message_known_late_informs_from_the_day_it_is_known() -> None:
    late = _TOLD | {"known_at": "2024-03-15 12:00:00"}
    assert _informed(late, as_of="2024-03-15") == (0, 1, None)
    assert _informed(late, as_of="2024-03-16") == (1, 0, 2.5)


def test_outages_last_until_they_end_or_until_now() -> None:
    open_fault = _FAULT | {"incident_id": "g", "ended_at": None}
    rows = company(incidents=[_FAULT, open_fault])
    assert cells(rows, "2024-03-11", "outage_hours_30d") == 6 + 13
    later = company(incidents=[_FAULT | {"ended_at": "2024-03-12 10:00:00"}])
    assert cells(later, "2024-03-11", "outage_hours_30d") == 13
    assert cells(later, "2024-03-13", "outage_hours_30d") == 48


@pytest.mark.parametrize(
    ("second", "repeats"),
    [
        ({"started_at": "2024-05-30 10:00:00"}, 1),
        ({"started_at": "2024-06-08 10:00:01"}, 0),
        ({"started_at": "2024-05-30 10:00:00", "site_id": "t"}, 0),
        ({"started_at": "2024-05-30 10:00:00", "site_id": None}, 0),
        ({"started_at": "2024-05-30 10:00:00", "planned": True}, 0),
    ],
)
def test_a_fault_that_comes_back_at_the_same_site(second: dict[str, Any], repeats: int) -> None:
    first = _FAULT | {"site_id": "s"}
    rows = company(incidents=[first, first | {"incident_id": "g"} | second])
    assert cells(rows, "2024-06-20", "repeat_faults_same_site_90d") == repeats


@pytest.mark.parametrize(
    ("ended", "missed"),
    [("2024-03-10 15:00:00", 0), ("2024-03-10 15:00:01", 1), (None, 1)],
)
def test_a_promised_end_is_missed_when_the_fault_outlasts_it(
    ended: str | None, missed: int
) -> None:
    promise = _TOLD | {"promised_end_at": "2024-03-10 15:00:00"}
    repeated = promise | {"sent_at": "2024-03-10 14:00:00"}
    rows = company(incidents=[_FAULT | {"ended_at": ended}], notifications=[promise, repeated])
    assert cells(rows, "2024-03-20", "eta_missed_30d") == missed
    assert cells(rows, "2024-03-10", "eta_missed_30d") == 0


def test_each_promised_end_that_passes_is_missed() -> None:
    promises = [
        _TOLD | {"promised_end_at": f"2024-03-10 {hour}:00:00"} for hour in ("13", "15", "17")
    ]
    rows = company(incidents=[_FAULT], notifications=promises)
    assert cells(rows, "2024-03-20", "eta_missed_90d") == 2


def test_generic_marketing_is_noise_and_service_is_not() -> None:
    sent = {"sent_at": "2024-03-10 10:00:00", "kind": "marketing"}
    messages = [sent, sent | {"personalised": True}, sent | {"kind": "outage"}]
    rows = company(notifications=messages)
    assert cells(rows, "2024-03-20", "generic_messages_30d") == 1


def test_opened_messages_and_offers_count_from_when_they_were_opened() -> None:
    sent = {
        "sent_at": "2024-03-10 10:00:00",
        "personalised": True,
        "opened_at": "2024-03-12 10:00:00",
    }
    rows = company(notifications=[sent, sent | {"opened_at": None}], offers=[sent])
    names = ("personal_message_open_share_365d", "relevant_open_share_365d")
    assert cells(rows, "2024-03-12", *names) == (0, 0)
    assert cells(rows, "2024-03-13", *names) == (0.5, 1)
    generic = company(offers=[sent | {"personalised": False}])
    names = ("relevant_open_share_365d", "generic_offers_30d")
    assert cells(generic, "2024-03-13", *names) == (None, 1)


def test_an_offer_is_rejected_when_the_answer_is_no() -> None:
    offer = {"sent_at": "2024-03-10 10:00:00", "answered_at": "2024-03-12 10:00:00"}
    answers = [offer | {"accepted": value} for value in (True, False, None)]
    rows = company(offers=[*answers, offer | {"answered_at": None}])
    names = ("rejected_offers_30d", "latest_offer_rejected_on")
    assert cells(rows, "2024-03-12", *names) == (0, None)
    assert cells(rows, "2024-03-13", *names) == (1, date(2024, 3, 12))


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ([("email", False)], 1),
        ([("email", True), ("email", False)], 1),
        ([("email", False), ("email", False)], 1),
        ([("email", True), ("sms", False)], 1),
        ([("email", True)], 0),
    ],
)
def test_unsubscribing_is_a_no_where_there_was_none(
    changes: list[tuple[str, bool]], count: int
) -> None:
    consents = [
        {
            "changed_at": f"2024-03-{day} 10:00:00",
            "channel": channel,
            "purpose": "marketing",
            "allowed": allowed,
        }
        for day, (channel, allowed) in enumerate(changes, start=10)
    ]
    assert cells(company(consents=consents), "2024-03-20", "unsubscribes_30d") == count
    service = [row | {"purpose": "service"} for row in consents]
    assert cells(company(consents=service), "2024-03-20", "unsubscribes_30d") == 0


@pytest.mark.parametrize(
    ("stated", "sent", "contradicts"),
    [
        ("100", "2024-03-10 10:00:00", 0),
        ("101", "2024-03-10 10:00:00", 0),
        ("101.01", "2024-03-10 10:00:00", 1),
        ("120", "2024-03-10 10:00:00", 0),
        ("120", "2024-02-10 10:00:00", 1),
        ("100", "2024-04-10 10:00:00", 1),
        ("120", "2024-04-10 10:00:00", 0),
        ("100", "2024-03-31 21:59:59", 0),
        ("100", "2024-03-31 22:00:00", 1),
    ],
)
def test_a_price_contradicts_every_price_in_force_or_told(
    stated: str, sent: str, contradicts: int
) -> None:
    """A rise from 100 to 120 was told on 1 March and is in force from 1 April."""
    rows = company(
        contracts=[{"contract_id": "k", "started_on": "2023-01-01", "price": 100}],
        price_changes=[
            {
                "contract_id": "k",
                "notified_on": "2024-03-01",
                "effective_on": "2024-04-01",
                "old_price": 100,
                "new_price": 120,
            }
        ],
        notifications=[{"sent_at": sent, "kind": "price", "stated_price": stated}],
    )
    assert cells(rows, "2024-04-20", "contradicting_price_messages_90d") == contradicts


def test_marketing_and_customers_without_a_price_contradict_nothing() -> None:
    message = {"sent_at": "2024-03-10 10:00:00", "stated_price": 50}
    contract = {"contract_id": "k", "started_on": "2023-01-01", "price": 100}
    name = "contradicting_price_messages_30d"
    marketing = company(contracts=[contract], notifications=[message | {"kind": "marketing"}])
    assert cells(marketing, "2024-03-20", name) == 0
    priceless = company(contracts=[contract | {"price": None}], notifications=[message])
    assert cells(priceless, "2024-03-20", name) == 0
    assert cells(company(contracts=[contract], notifications=[message]), "2024-03-20", name) == 1


def test_messages_made_from_no_template() -> None:
    sent = {"sent_at": "2024-03-10 10:00:00", "kind": "price"}
    rows = company(notifications=[sent, sent | {"template_id": "t"}])
    assert cells(rows, "2024-03-20", "non_template_messages_30d") == 1
