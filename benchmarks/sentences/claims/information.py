"""Claims about information, channels and surveys."""

from datetime import timedelta
from statistics import median
from typing import Any

from benchmarks.sentences import bills as b
from benchmarks.sentences import dealings as d
from benchmarks.sentences.claims.reading import count, day, half_up, latest, says, within
from benchmarks.sentences.person import Person, Row


def _untold(p: Person, days: int | None) -> list[Row]:
    return p.rows("incidents", days, lambda r: not d.informed_in_time(p, r))


@says(
    r"The customer was not told in time about N faults and outages in the last 90 days, "
    r"the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    return len(_untold(p, 90)) == count(n) and latest(p, _untold(p, 90), on)


@says(r"The customer was not told in time about the fault or outage on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(_untold(p, 90)) == 1 and latest(p, _untold(p, 90), on)


@says(r"The customer was told in time about every fault and outage in the last year\.")
def _(p: Person) -> bool:
    return bool(p.rows("incidents", 365)) and not _untold(p, 365)


@says(r"No fault or outage at the customer's in the last year\.")
def _(p: Person) -> bool:
    return not p.rows("incidents", 365)


@says(
    r"N times in the last 90 days a fault lasted longer than we had promised, the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = [moment for moment in d.ends_missed(p) if within(p, moment, 90)]
    return len(found) == count(n) and p.clock.day(max(found)) == day(on)


@says(r"The fault that was to be repaired on DATE lasted longer than we had promised\.")
def _(p: Person, on: str) -> bool:
    found = [moment for moment in d.ends_missed(p) if within(p, moment, 90)]
    return len(found) == 1 and p.clock.day(found[0]) == day(on)


@says(r"N times in the last 90 days a fault came back at the same place, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(d.faults_again(p, 90)) == count(n) and latest(p, d.faults_again(p, 90), on)


@says(r"A fault came back at the same place on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.faults_again(p, 90)) == 1 and latest(p, d.faults_again(p, 90), on)


@says(r"Faults and outages at the customer's lasted N hours? in all in the last 90 days\.")
def _(p: Person, n: str) -> bool:
    return count(n) == half_up(d.outage_hours(p, 90))


def _quiet(p: Person, what: str, days: int) -> list[Any]:
    """What moved on, or did not, with no word about it in the week before it was due."""
    if what == "order":
        due = {
            order["order_id"]: p.clock.midnight(order["promised_on"] + timedelta(1))
            for order, _ in d.late_orders(p, None)
        }
    elif what == "case":
        due = {r["case_id"]: r["_at"] + timedelta(7) for r in p.rows("cases")}
        closed = {r["case_id"]: r["closed_at"] for r in p.rows("cases")}
        due = {k: end for k, end in due.items() if closed[k] is None or closed[k] > end}
    else:
        standing = sorted(b.bills(p), key=lambda r: (r["_known"], r["_at"], r["invoice_id"]))
        due = {
            bill["invoice_id"]: bill["_at"] + timedelta(4)
            for i, bill in enumerate(standing)
            if i > 2 and bill["owed"] >= 1.35 * median(r["owed"] for r in standing[:i][-12:])
        }
    word = p.rows("notifications", None, lambda r: r["kind"] != "marketing")
    return [
        key
        for key, end in due.items()
        if within(p, end, days)
        and not any(
            r.get(f"{what}_id") == key and end - timedelta(7) <= r["_at"] < end for r in word
        )
    ]


@says(
    r"(?:N|An) orders? (?:was|were) late in the last year without word from us in the week up to "
    r"the promised day\."
)
def _(p: Person, n: str | None) -> bool:
    return len(_quiet(p, "order", 365)) == (1 if n is None else count(n))


@says(r"In the last year (?:N|a) cases? (?:was|were) open for a week without word from us\.")
def _(p: Person, n: str | None) -> bool:
    return len(_quiet(p, "case", 365)) == (1 if n is None else count(n))


@says(
    r"(?:N|An) unusually high bills? in the last year came without word from us within three days\."
)
def _(p: Person, n: str | None) -> bool:
    return len(_quiet(p, "invoice", 365)) == (1 if n is None else count(n))


@says(r"No late order, slow case or high bill in the last year was left without word from us\.")
def _(p: Person) -> bool:
    return not any(_quiet(p, what, 365) for what in ("order", "case", "invoice"))


@says(r"(?:N|One) of our messages in the last 90 days came at night\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("notifications", 90, lambda r: r["kind"] != "outage")
    at_night = [r for r in found if not 7 <= p.clock.hour(r["_at"]) < 22]
    return len(at_night) == (1 if n is None else count(n))


@says(r"(?:N times|Once) in the last 90 days we sent the same message again within a day\.")
def _(p: Person, n: str | None) -> bool:
    return len(d.sent_again(p, 90)) == (1 if n is None else count(n))


@says(r"The customer opted out of marketing on DATE\.")
def _(p: Person, on: str) -> bool:
    return latest(p, d.unsubscribed(p), on) and p.ago(day(on)) <= 365


def _turned_down(p: Person, days: int | None) -> list[Row]:
    return p.rows("offers", days, lambda r: r["accepted"] is False and p.by_now(r["answered_at"]))


def _said_no(p: Person, on: str) -> bool:
    return max(p.clock.day(r["answered_at"]) for r in _turned_down(p, None)) == day(on)


@says(r"The customer turned down (?:N offers of the last 90 days, the latest|an offer) on DATE\.")
def _(p: Person, n: str | None, on: str) -> bool:
    found = len(_turned_down(p, 90)) == (1 if n is None else count(n))
    return found and _said_no(p, on)


def _generic(p: Person, days: int) -> list[Row]:
    return p.rows(
        "notifications", days, lambda r: r["kind"] == "marketing" and not r["personalised"]
    )


@says(r"The customer got (?:N|no) general advertisements in the last 30 days\.")
def _(p: Person, n: str | None) -> bool:
    return len(_generic(p, 30)) == (0 if n is None else count(n))


@says(
    r"N messages in the last 90 days stated another price than the "
    r"customer's own, the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = d.contradictions(p, 90)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The message of DATE stated another price than the customer's own\.")
def _(p: Person, on: str) -> bool:
    return len(d.contradictions(p, 90)) == 1 and latest(p, d.contradictions(p, 90), on)


@says(r"No message in the last year stated another price than the customer's own\.")
def _(p: Person) -> bool:
    return not d.contradictions(p, 365)


@says(
    r"(?:N|One) messages? in the last 90 days (?:was|were) written without an approved template\."
)
def _(p: Person, n: str | None) -> bool:
    found = p.rows("notifications", 90, lambda r: r["template_id"] is None)
    return len(found) == (1 if n is None else count(n))


def _shut(p: Person, days: int) -> list[Row]:
    return [r for r in d.inbound(p, days) if r["unavailable_channel"] is not None]


def _forced(p: Person, days: int) -> list[Row]:
    """Contacts elsewhere, as the channel that the customer preferred at the time was closed."""
    told = p.rows("master_data", None, lambda r: r["attribute"] == "preferred_channel")
    found = []
    for row in _shut(p, days):
        preferred = b.newest([r for r in told if r["_known"] < row["_at"]])
        if row["unavailable_channel"] == preferred != row["channel"]:
            found.append(row)
    return found


@says(
    r"N times in the last 90 days the customer's preferred channel was "
    r"closed and another had to do\."
)
def _(p: Person, n: str) -> bool:
    return len(_forced(p, 90)) == count(n)


@says(
    r"The customer's preferred channel was closed once in the last 90 days, and another had to do\."
)
def _(p: Person) -> bool:
    return len(_forced(p, 90)) == 1


@says(r"The customer found a channel closed (?:N times in the last 90 days, the latest )?on DATE\.")
def _(p: Person, n: str | None, on: str) -> bool:
    return len(_shut(p, 90)) == (1 if n is None else count(n)) and latest(p, _shut(p, 90), on)


@says(r"The customer has found no channel closed in the last 90 days\.")
def _(p: Person) -> bool:
    return not _shut(p, 90)


_CHANNELS = {"e-mail": "email", "text messages": "sms", "the app": "app", "the website": "web"}
_CHANNELS |= {"the shop": "store", "phone": "phone", "chat": "chat", "post": "post"}


@says(r"The customer used N channels in the last year(?: and prefers (.+))?\.")
def _(p: Person, n: str, preferred: str | None) -> bool:
    told = p.rows("master_data", None, lambda r: r["attribute"] == "preferred_channel")
    right = preferred is None or b.newest(told) == _CHANNELS[preferred]
    return right and len({r["channel"] for r in d.inbound(p, 365)} - {None}) == count(n)


def _answer(p: Person, kind: str, n: str, scale: int, on: str) -> bool:
    """The latest answer, on the day written and not over a year old."""
    found = p.rows("surveys", None, lambda r: r["kind"] == kind)
    last = max(found, key=lambda r: (r["_at"], r["survey_id"]))
    right = p.day(last) == day(on) and p.ago(day(on)) <= 365
    return right and half_up(last["score"], 1) == count(n) <= scale


@says(r"The customer gave us N of 5 for satisfaction on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "csat", n, 5, on)


@says(r"The customer answered N of 10 on recommending us, on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "loyalty", n, 10, on)


@says(r"The customer answered N of 7 on how hard it was to get help, on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "ces", n, 7, on)


@says(r"The customer gave us N of 5 for keeping them informed, on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "informed", n, 5, on)


@says(r"The customer left (?:N|one) surveys? unanswered in the last year\.")
def _(p: Person, n: str | None) -> bool:
    return len(d.unanswered(p, 365)) == (1 if n is None else count(n))


@says(r"The customer answered (?:N|one|(no)) surveys? in the last year\.")
def _(p: Person, n: str | None, none: str | None) -> bool:
    return len(p.rows("surveys", 365)) == (0 if none else 1 if n is None else count(n))
