"""Claims about waits, cases and repeated contacts."""

from datetime import date
from statistics import mean

from benchmarks.sentences import dealings as d
from benchmarks.sentences.claims.reading import count, day, half_up, latest, same_days, says
from benchmarks.sentences.person import Person, Row


def _waits(p: Person, days: int) -> list[float]:
    return [r["wait_seconds"] for r in d.inbound(p, days) if r["wait_seconds"] is not None]


def _minutes(text: str, seconds: float) -> bool:
    return count(text) == half_up(seconds / 60)


@says(
    r"The customer gave up waiting (?:N times|once) in the last 90 days; "
    r"the longest wait was N minutes?\."
)
def _(p: Person, n: str | None, longest: str) -> bool:
    found = [r for r in d.inbound(p, 90) if r["abandoned"]]
    return len(found) == (1 if n is None else count(n)) and _minutes(longest, max(_waits(p, 90)))


@says(
    r"The customer waited N minutes? for an answer on average in the last "
    r"90 days, at most N minutes?\."
)
def _(p: Person, average: str, most: str) -> bool:
    waits = _waits(p, 90)
    return _minutes(average, half_up(mean(waits))) and _minutes(most, max(waits))


@says(r"The customer waited N minutes? for an answer on DATE\.")
def _(p: Person, wait: str, on: str) -> bool:
    longest = max(_waits(p, 90))
    days = [p.day(r) for r in d.inbound(p, 90) if r["wait_seconds"] == longest]
    return _minutes(wait, longest) and day(on) in days


@says(r"The customer waited up to N (day|hour)s? for a written reply in the last 90 days\.")
def _(p: Person, n: str, unit: str) -> bool:
    found = [
        (r["replied_at"].replace(second=0) - r["_at"].replace(second=0)).total_seconds() / 3600
        for r in d.inbound(p, 90)
        if p.by_now(r["replied_at"]) is not None
    ]
    return count(n) == half_up(max(found) / (24 if unit == "day" else 1))


@says(r"The customer was answered within a minute every time in the last 90 days\.")
def _(p: Person) -> bool:
    return max(_waits(p, 90)) <= 60 and not any(r["abandoned"] for r in d.inbound(p, 90))


@says(r"The customer's longest wait for an answer in the last 90 days was N minutes?\.")
def _(p: Person, longest: str) -> bool:
    return _minutes(longest, max(_waits(p, 90)))


def _open(p: Person) -> list[date]:
    return [p.day(r) for r in p.rows("cases", None, lambda r: d.is_open(p, r))]


@says(r"The customer has had an open case since DATE, for DAYS\.")
def _(p: Person, on: str, days: str) -> bool:
    return min(_open(p)) == day(on) and same_days(days, p.ago(day(on)))


@says(r"(?:N|One) cases? of the last 90 days (?:was|were) reopened\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("cases", 90, lambda r: p.by_now(r["reopened_at"]) is not None)
    return len(found) == (1 if n is None else count(n))


@says(r"(?:N|One) cases? of the last 90 days (?:is|are) not resolved\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("cases", 90, lambda r: d.unresolved(p, r))
    return len(found) == (1 if n is None else count(n))


@says(r"No case of the last year was reopened or noted as unresolved\.")
def _(p: Person) -> bool:
    bad = p.rows("cases", 365, lambda r: d.unresolved(p, r) or p.by_now(r["reopened_at"]))
    return not bad and not _open(p)


@says(r"The delivery promised for DATE was late\. At worst we were DAYS late in the last 90 days\.")
def _(p: Person, on: str, days: str) -> bool:
    every = max(order["promised_on"] for order, _ in d.late_orders(p, None))
    return every == day(on) and same_days(days, max(late for _, late in d.late_orders(p, 90)))


@says(
    r"We missed the date promised in a case, DATE\. At worst we were DAYS late with cases of the "
    r"last 90 days\."
)
def _(p: Person, on: str, days: str) -> bool:
    every = max(case["promised_on"] for case, _ in d.late_cases(p, None))
    return every == day(on) and same_days(days, max(late for _, late in d.late_cases(p, 90)))


@says(
    r"No missed promises in (the customer's cases in )?the last year(?:, in cases or deliveries)?\."
)
def _(p: Person, cases: str | None) -> bool:
    return not d.late_cases(p, 365) and (bool(cases) or not d.late_orders(p, 365))


def _denied(p: Person, days: int) -> list[Row]:
    return [r for r in d.inbound(p, days) if r["human_requested"] and r["handled_by"] == "bot"]


@says(
    r"The customer asked for a person but was met by a bot (?:N times|once) in the last 90 days\."
)
def _(p: Person, n: str | None) -> bool:
    return len(_denied(p, 90)) == (1 if n is None else count(n))


@says(
    r"The customer was met by a bot again about the same thing (?:N "
    r"times|once) in the last 90 days\."
)
def _(p: Person, n: str | None) -> bool:
    return len(d.bots_again(p, 90)) == (1 if n is None else count(n))


@says(r"The customer has not been met by a bot twice about the same thing in the last 90 days\.")
def _(p: Person) -> bool:
    return not d.bots_again(p, 90)


@says(
    r"It took up to N (day|hour)s? from a fault until a person answered in the last 90 days\. "
    r"The latest fault was on DATE\."
)
def _(p: Person, n: str, unit: str, on: str) -> bool:
    hours = max(d.hours_to_a_person(p, 90))
    right = count(n) == half_up(hours / (24 if unit == "day" else 1))
    return right and latest(p, d.faults(p), on)


@says(r"N faults at the customer's in the last 90 days, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(d.faults(p, 90)) == count(n) and latest(p, d.faults(p, 90), on)


@says(r"There was a fault at the customer's on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.faults(p, 90)) == 1 and latest(p, d.faults(p, 90), on)


@says(r"A person answered within an hour of a fault at the longest in the last year\.")
def _(p: Person) -> bool:
    return max(d.hours_to_a_person(p, 365)) <= 1


@says(r"The longest time from a fault until a person answered in the last year was N hours?\.")
def _(p: Person, n: str) -> bool:
    return count(n) == half_up(max(d.hours_to_a_person(p, 365)))


@says(
    r"The customer came back about the same thing N times in the last 90 days, the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = d.again(p, 90, 30)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The customer came back about the same thing on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.again(p, 90, 30)) == 1 and latest(p, d.again(p, 90, 30), on)


@says(r"The customer has not come back about the same thing in the last 90 days\.")
def _(p: Person) -> bool:
    return not d.again(p, 90, 30)


@says(r"The customer was transferred (?:N times|once) in the last 90 days\.")
def _(p: Person, n: str | None) -> bool:
    found = sum(r["transfers"] or 0 for r in d.inbound(p, 90))
    return found == (1 if n is None else count(n))


@says(
    r"The customer raised the same thing in a new channel N times in the last 90 days, "
    r"the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = d.again_elsewhere(p, 90)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The customer raised the same thing in a new channel on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.again_elsewhere(p, 90)) == 1 and latest(p, d.again_elsewhere(p, 90), on)


@says(r"(?:N|One) repeated contacts? in the last 90 days (?:was|were) linked to no case\.")
def _(p: Person, n: str | None) -> bool:
    return len(d.unlinked(p, 90)) == (1 if n is None else count(n))


@says(r"The customer has not raised the same thing in several channels in the last 90 days\.")
def _(p: Person) -> bool:
    return not d.again_elsewhere(p, 90)


@says(
    r"Self-service did not work out, and the customer contacted us (?:N "
    r"times in 90 days, the latest "
    r")?on DATE\."
)
def _(p: Person, n: str | None, on: str) -> bool:
    found = d.failed_self_service(p, 90)
    return len(found) == (1 if n is None else count(n)) and latest(p, found, on)


@says(r"The customer finished (?:N|one) tasks? in self-service in the last 90 days\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("self_service", 90, lambda r: r["completed"])
    return len(found) == (1 if n is None else count(n))


@says(r"The complaint of DATE is still open after DAYS\.")
def _(p: Person, on: str, days: str) -> bool:
    found = [p.day(r) for r in p.rows("complaints", None, lambda r: not p.by_now(r["closed_at"]))]
    return min(found) == day(on) and same_days(days, p.ago(day(on)))


@says(r"The customer complained N times in the last year, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(p.rows("complaints", 365)) == count(n) and latest(p, p.rows("complaints", 90), on)


@says(r"The customer complained on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(p.rows("complaints", 90)) == 1 and latest(p, p.rows("complaints", 90), on)


@says(r"The customer has not complained in the last year\.")
def _(p: Person) -> bool:
    return not p.rows("complaints", 365)
