"""Contacts, cases, faults and messages of one customer, read as a person would."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from benchmarks.sentences.bills import contracts
from benchmarks.sentences.person import Person, Row


def inbound(p: Person, days: int | None = None) -> list[Row]:
    """Contacts that the customer made."""
    return p.rows("contacts", days, lambda r: (r.get("direction") or "inbound") == "inbound")


def near(one: datetime, other: datetime, days: int) -> bool:
    """Whether two moments lie within so many days of each other."""
    return abs(one - other) <= timedelta(days)


def case_at_first(contact: Row) -> Any:
    """The case that a contact was linked to when it came to be known."""
    linked = contact.get("linked_at")
    return contact.get("case_id") if linked is None or linked <= contact["_known"] else None


def before(p: Person, contact: Row, same: Any) -> Row | None:
    """The contact known before this one that is the same in what ``same`` gives of it."""
    earlier = [r for r in inbound(p) if same(r) is not None and same(r) == same(contact)]
    at = next((i for i, r in enumerate(earlier) if r is contact), 0)
    return earlier[at - 1] if at else None


def again(p: Person, days: int, within: int) -> list[Row]:
    """Contacts on the same topic or case within so many days of the one before."""
    return [
        row
        for row in inbound(p, days)
        if any(near(row["_at"], last["_at"], within) for last in _before(p, row))
    ]


def again_elsewhere(p: Person, days: int) -> list[Row]:
    """Contacts on the same topic or case in another channel, within 14 days."""
    return [
        r
        for r in inbound(p, days)
        if any(
            near(r["_at"], b["_at"], 14) and b["channel"] and r["channel"] != b["channel"]
            for b in _before(p, r)
        )
    ]


def _before(p: Person, contact: Row) -> list[Row]:
    found = [before(p, contact, lambda r: r.get("topic")), before(p, contact, case_at_first)]
    return [row for row in found if row is not None]


def unlinked(p: Person, days: int) -> list[Row]:
    """Repeats on a topic within 30 days that came in without a case."""
    found = []
    for row in inbound(p, days):
        last = before(p, row, lambda r: r.get("topic"))
        if last and near(row["_at"], last["_at"], 30) and case_at_first(row) is None:
            found.append(row)
    return found


def bots_again(p: Person, days: int) -> list[Row]:
    """Contacts met by a bot again within a week, on the same topic."""
    found = []
    for row in inbound(p, days):
        last = before(p, row, lambda r: r.get("topic"))
        if row["handled_by"] == "bot" and last and last["handled_by"] == "bot":
            found += [row] if near(row["_at"], last["_at"], 7) else []
    return found


def is_open(p: Person, case: Row) -> bool:
    """Whether a case was open at the as-of date, by what was known."""
    if p.by_now(case["closed_at"]) is None:
        return True
    return p.by_now(case["reopened_at"]) is not None and p.by_now(case["reclosed_at"]) is None


def unresolved(p: Person, case: Row) -> bool:
    """Open, or closed without being resolved."""
    return is_open(p, case) or case["resolved"] is False


def late_cases(p: Person, days: int | None) -> list[tuple[Row, int]]:
    """Cases with a promised day that was not met, and by how many days."""
    found = []
    for case in p.rows("cases", days, lambda r: r["promised_on"] is not None):
        closed = p.by_now(case["closed_at"])
        end = p.clock.as_of if closed is None else p.clock.day(closed)
        if case["promised_on"] < end:
            found.append((case, (end - case["promised_on"]).days))
    return found


def late_orders(p: Person, days: int | None) -> list[tuple[Row, int]]:
    """Orders not delivered on the promised day, and by how many days; late from the day after."""
    found = []
    for order in p.rows("orders", None, lambda r: r["promised_on"] is not None):
        delivered = order["delivered_on"]
        late_from = order["promised_on"] + timedelta(1)
        shown = delivered if p.by_now(delivered) is not None else p.clock.as_of
        is_late = delivered is None or delivered > order["promised_on"]
        if is_late and p.by_now(late_from) and (days is None or p.ago(late_from) <= days):
            found.append((order, (shown - order["promised_on"]).days))
    return found


def faults(p: Person, days: int | None = None) -> list[Row]:
    """Unplanned faults."""
    return p.rows("incidents", days, lambda r: not r.get("planned"))


def hours_to_a_person(p: Person, days: int) -> list[float]:
    """Hours from the latest fault to the first answer of a person about it, within two weeks."""
    answers = p.rows(
        "contacts",
        None,
        lambda r: r["handled_by"] == "human" and r["topic"] == "fault" and not r["abandoned"],
    )
    started, found = p.clock.midnight(p.clock.as_of - timedelta(days)), []
    for i, answer in enumerate(answers):
        had = [f["_at"] for f in faults(p) if f["_known"] <= answer["_known"]]
        if not had or not timedelta(0) <= answer["_at"] - max(had) <= timedelta(14):
            continue
        earlier = max((a["_at"] for a in answers[:i]), default=None)
        if answer["_at"] >= started and (earlier is None or earlier < max(had)):
            minutes = (answer["_at"].replace(second=0) - max(had).replace(second=0)).seconds // 60
            found.append((answer["_at"] - max(had)).days * 24 + minutes / 60)
    return found


def informed_in_time(p: Person, incident: Row) -> bool:
    """Whether a service message about an incident was sent before it ended."""
    sent = [
        r["_at"]
        for r in p.rows("notifications", None, lambda r: r["kind"] != "marketing")
        if r.get("incident_id") == incident["incident_id"]
    ]
    ended = p.by_now(incident["ended_at"])
    return bool(sent) and (ended is None or min(sent) <= ended)


def ends_missed(p: Person) -> list[datetime]:
    """The promised ends of faults that passed while the fault lasted."""
    found = set()
    for row in p.rows("notifications", None, lambda r: r["kind"] != "marketing"):
        promised = row.get("promised_end_at")
        for incident in p.rows("incidents"):
            if promised is None or incident["incident_id"] != row["incident_id"]:
                continue
            ended = incident["ended_at"]
            if p.by_now(promised) is not None and (ended is None or ended > promised):
                found.add((incident["incident_id"], promised))
    return sorted(moment for _, moment in found)


def faults_again(p: Person, days: int | None) -> list[Row]:
    """Unplanned faults within 90 days of the one before at the same site."""
    every, found = faults(p), []
    for i, row in enumerate(every):
        same = [f for f in every[:i] if f["site_id"] == row["site_id"] and row["site_id"]]
        found += [row] if same and near(row["_at"], same[-1]["_at"], 90) else []
    return [row for row in found if days is None or row in p.rows("incidents", days)]


def outage_hours(p: Person, days: int) -> float:
    """Hours of faults and outages that began within the days, to the minute."""
    total = 0.0
    for row in p.rows("incidents", days):
        end = p.by_now(row["ended_at"]) or p.clock.now
        total += (end.replace(second=0) - row["_at"].replace(second=0)).total_seconds() / 3600
    return total


def failed_self_service(p: Person, days: int | None) -> list[Row]:
    """The first contact within 48 hours of a task that was not finished."""
    tasks = p.rows("self_service", None, lambda r: r["completed"] is False)
    found, talks = [], inbound(p)
    for i, row in enumerate(talks):
        had = [t["_at"] for t in tasks if t["_known"] <= row["_known"]]
        if had and timedelta(0) <= row["_at"] - max(had) <= timedelta(hours=48):
            earlier = max((t["_at"] for t in talks[:i]), default=None)
            found += [row] if earlier is None or earlier < max(had) else []
    return [row for row in found if days is None or row in inbound(p, days)]


def contradictions(p: Person, days: int | None) -> list[Row]:
    """Messages with a price more than 1 % off each that the customer had, or was told to get."""
    found = []
    for row in p.rows("notifications", days, lambda r: r.get("stated_price") is not None):
        prices = []
        for contract in p.rows("contracts"):
            if contract["_known"] > row["_known"]:
                continue
            changes = [
                c
                for c in p.rows("price_changes")
                if c["contract_id"] == contract["contract_id"] and c["_known"] <= row["_known"]
            ]
            in_force = [c for c in changes if p.clock.midnight(c["effective_on"]) <= row["_known"]]
            last = max(in_force, key=lambda c: c["effective_on"], default=None)
            prices += [contract["price"] if last is None else last["new_price"]]
            prices += [c["new_price"] for c in changes if c not in in_force]
        if prices and all(abs(row["stated_price"] - price) > price / 100 for price in prices):
            found.append(row)
    return found


def sent_again(p: Person, days: int) -> list[Row]:
    """Messages of the kind and template of one sent before, within a day; outages are apart."""
    found: list[Row] = []
    last: dict[Any, Row] = {}
    for row in p.rows("notifications", None, lambda r: r["kind"] != "outage" and r["template_id"]):
        same = (row["kind"], row["template_id"])
        found += [row] if same in last and near(row["_at"], last[same]["_at"], 1) else []
        last[same] = row
    return [row for row in found if row in p.rows("notifications", days)]


def unsubscribed(p: Person) -> list[Row]:
    """When the customer said no to marketing where it was allowed, or nothing had been said."""
    last: dict[str, bool] = {}
    found = []
    for row in p.rows("consents", None, lambda r: r["purpose"] == "marketing"):
        found += [row] if not row["allowed"] and last.get(row["channel"], True) else []
        last[row["channel"]] = row["allowed"]
    return found


def unanswered(p: Person, days: int) -> list[Row]:
    """Invitations to a survey with no answer within 14 days, counted when they have passed."""
    found = []
    first = p.clock.midnight(p.clock.as_of - timedelta(days))
    for row in p.rows("notifications", None, lambda r: r["kind"] == "survey"):
        end = row["_at"] + timedelta(14)
        before_end = row["_known"] + timedelta(14)
        answers = [
            s for s in p.rows("surveys") if s["_at"] >= row["_at"] and s["_known"] < before_end
        ]
        if first <= end < p.clock.now and not answers:
            found.append(row)
    return found


def broken_bundles(p: Person) -> list[Row]:
    """Notices of contracts that were sold in a bundle."""
    bundled = {r["contract_id"] for r in p.rows("contracts") if r["bundle_id"] is not None}
    return [r for r in p.rows("terminations") if r["contract_id"] in bundled]


def lines(p: Person) -> set[str]:
    """Product lines of the contracts that have not ended."""
    return {c["product_line"] for c in contracts(p)}


def since(p: Person) -> date | None:
    """The first day as a customer."""
    found: Iterable[Row] = p.rows("customers")
    return max((r["joined_on"] for r in found), default=None)


def benefits(p: Person) -> list[Row]:
    """Benefits in force on the day."""
    return p.rows("benefits", None, lambda r: r["ends_on"] is None or r["ends_on"] >= p.clock.as_of)
