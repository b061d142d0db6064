"""What the company's own tables answer, counted by hand."""

from datetime import date
from typing import Any

import pytest
from companies import ZONE, Company, company, connect

from features.contract import TABLES
from features.timeline import midnight_utc
from models.causal.risk_difference import ONE_LOOK
from pipelines.monitoring.questions import QUESTIONS, answer

AS_OF = midnight_utc(date(2024, 6, 1), ZONE)


def answer_to(question: str, rows: Company) -> dict[str, Any]:
    with connect(rows) as con:
        return answer(con, question, AS_OF)


def figures(found: dict[str, Any]) -> tuple[Any, ...]:
    shares = (found[name] and found[name]["value"] for name in ("share", "other_share"))
    return (found["customers"], found["others"], *shares)


def wilson(yes: int, n: int) -> tuple[float, float]:
    """Wilson 1927, as in any textbook."""
    z, p = ONE_LOOK, yes / n
    middle, scale = (p + z**2 / (2 * n)), 1 + z**2 / n
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    return (middle - half) / scale, (middle + half) / scale


def test_complaints_of_those_who_were_told_of_a_fault_and_of_the_others() -> None:
    faults, told, complaints = [], [], []
    for n in range(20):
        who = {"customer_id": f"c{n}"}
        fault = {"incident_id": f"f{n}", "started_at": "2024-03-01 10:00:00"}
        faults.append(who | fault | {"ended_at": "2024-03-01 16:00:00"})
        if n < 10:
            hour = "12" if n else "17"  # one is told when the fault is over
            about = {"incident_id": f"f{n}", "kind": "outage"}
            told.append(who | about | {"sent_at": f"2024-03-01 {hour}:00:00"})
        if n in (1, 10, 11, 12):
            complaints.append(who | {"opened_at": "2024-03-20 10:00:00"})
        if n == 2:
            complaints.append(who | {"opened_at": "2024-04-20 10:00:00"})
    rows = company(incidents=faults, notifications=told, complaints=complaints)
    found = answer_to("informed_complaints", rows)
    assert figures(found) == (9, 11, 1 / 9, 3 / 11)
    assert (found["share"]["low"], found["share"]["high"]) == pytest.approx(wilson(1, 9))
    difference = found["difference"]
    assert difference["value"] == pytest.approx(1 / 9 - 3 / 11)
    assert difference["low"] < difference["value"] < 0 < difference["high"]


def test_solving_and_speed_are_each_compared_with_the_other_held_fast() -> None:
    """Everybody with an unsolved case leaves, fast or slow: speed makes no difference."""
    cases, notices = [], []
    for n in range(40):
        solved, fast = n % 2 == 0, n < 10 or n >= 36
        case = {"customer_id": f"c{n}", "case_id": f"s{n}", "resolved": solved}
        case |= {"opened_at": "2024-01-10 10:00:00"}
        cases.append(case | {"closed_at": f"2024-01-{12 if fast else 20} 10:00:00"})
        if not solved:
            notice = {"customer_id": f"c{n}", "contract_id": f"k{n}", "outcome": "voluntary"}
            notices.append(notice | {"notified_on": "2024-02-01", "effective_on": "2024-03-01"})
    rows = company(cases=cases, terminations=notices)
    by_solving, by_speed = answer_to("solved_leaving", rows), answer_to("fast_leaving", rows)
    assert figures(by_solving) == (20, 20, 0, 1)
    assert by_solving["difference"]["value"] == -1
    assert by_speed["customers"] == 14
    assert by_speed["difference"]["value"] == 0


def test_a_person_is_reached_at_once_or_within_two_days() -> None:
    calls = []
    for n, later in enumerate((None, "2024-05-03 09:00:00", "2024-05-03 11:00:00")):
        request = {"customer_id": f"c{n}", "contact_id": f"t{n}", "human_requested": True}
        request |= {"started_at": "2024-05-01 10:00:00", "handled_by": "bot" if n else "human"}
        calls.append(request)
        if later:
            call = {"customer_id": f"c{n}", "contact_id": f"u{n}", "handled_by": "human"}
            calls.append(call | {"started_at": later})
    found = answer_to("person_reached", company(contacts=calls))
    assert figures(found) == (3, 0, 2 / 3, None)
    assert found["difference"] is None


def test_the_first_rise_of_each_customer_is_at_short_notice_or_not() -> None:
    lines = {"a": "electricity", "b": "broadband", "c": "alarm"}
    contracts = [
        {"customer_id": who, "contract_id": f"k{who}", "product_line": line}
        | {"started_on": "2020-01-01"}
        for who, line in lines.items()
    ]
    rises = [
        {"customer_id": who, "contract_id": f"k{who}", "change_id": f"x{who}{day}"}
        | {"notified_on": f"2024-03-{day:02}", "effective_on": "2024-04-15"}
        | {"old_price": 100, "new_price": 110}
        for who, day in (("a", 30), ("b", 30), ("b", 1), ("c", 30))
    ]
    found = answer_to("short_notice", company(contracts=contracts, price_changes=rises))
    assert figures(found) == (2, 0, 1 / 2, None)


def test_no_customer_gives_no_share() -> None:
    empty: Company = {name: [] for name in TABLES if name != "labels"}
    for question in QUESTIONS:
        assert figures(answer_to(question, empty)) == (0, 0, None, None)


def test_the_columns_that_are_needed_are_in_the_contract() -> None:
    for *_, needs in QUESTIONS.values():
        for need in needs:
            table, _, column = need.partition(".")
            assert TABLES[table].column(column)


def test_a_case_is_not_chosen_by_what_came_after_it() -> None:
    """The first counts, which nobody left after: the last is always the one before leaving."""
    days = {"s1": "2024-01-10", "s2": "2024-02-20"}
    cases = [
        {"case_id": case, "resolved": True, "opened_at": f"{day} 08:00:00"}
        | {"closed_at": f"{day} 10:00:00"}
        for case, day in days.items()
    ]
    notice = {"contract_id": "k", "outcome": "voluntary", "effective_on": "2024-06-30"}
    rows = company(cases=cases, terminations=[notice | {"notified_on": "2024-05-01"}])
    assert figures(answer_to("solved_leaving", rows)) == (1, 0, 0, None)
