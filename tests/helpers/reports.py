"""Facts of a report by hand: one of everything, one of a company that has nothing yet."""

import math
from dataclasses import asdict, replace
from datetime import date

from features.contract import TABLES
from models.causal.contact_value import SavedShare
from models.causal.treatment_effect import Effect
from models.metrics.bootstrap import Interval
from models.metrics.observed_expected import ObservedExpected
from pipelines.config.measurement import MeasurementFile
from pipelines.lists.lanes import RULES
from pipelines.monitoring.performance import plain
from pipelines.publication.status import Notice
from pipelines.reporting.facts import (
    DriverShare,
    Facts,
    Group,
    Health,
    RiskReasons,
    RunFacts,
    TableHealth,
    Tonight,
)
from pipelines.runtime.run_record import Gate

NOTHING = MeasurementFile(None, None)
_UNBOUNDED = Interval(0.0, -math.inf, math.inf)
EXPECTED = (70, 30, 20, 14, 11, 9, 7, 5, 4, 2)
OBSERVED = (74, 27, 22, 12, 9, 10, 6, 7, 3, 1)


def _outcome(name, rows, expected, observed):
    low, high = max(observed - 2 * observed**0.5, 0), observed + 2 * observed**0.5 + 3
    ratio = Interval(observed / expected, low / expected, high / expected)
    return plain(ObservedExpected(name, rows, expected, observed, ratio))


def _performance():
    tenths = enumerate(zip(EXPECTED, OBSERVED, strict=True), start=1)
    card = {
        "lift@10%": Interval(4.3, 3.6, 5.0),
        "calibration_slope": Interval(1.02, 0.87, 1.17),
        "calibration_intercept": Interval(-0.01, -0.2, 0.15),
        "auc": Interval(0.771, 0.73, 0.81),
    }
    return {
        "all": _outcome("all", 20_000, sum(EXPECTED), sum(OBSERVED)),
        "at_capacity": _outcome("first 500", 500, 121, 126),
        "tenths": [_outcome(f"{i:02d}", 2000, e, o) for i, (e, o) in tenths],
        "scorecard": {name: asdict(interval) for name, interval in card.items()},
    }


def _contact():
    effects = (
        Effect(
            *("all", "all", 2310, 190, 2100, 260, 22, 0),
            *(
                Interval(-0.0024, -0.035, 0.031),
                0.02,
                _UNBOUNDED,
                0.4,
                9200,
                "not_measurable_yet",
            ),
        ),
        Effect(
            *("lane", "call", 800, 90, 700, 90, 3, 0),
            *(Interval(0.079, 0.02, 0.13), 0.02, _UNBOUNDED, 0.8, None, "more_leave"),
        ),
        Effect(
            *("lane", "fix", 1510, 100, 1400, 170, 19, 0),
            *(Interval(-0.045, -0.09, -0.002), 0.02, _UNBOUNDED, 0.7, None, "fewer_leave"),
        ),
    )
    return {"waiting": 2100, "effects": [asdict(effect) for effect in effects]}


OVERRIDES = {
    "since": "2025-09-01",
    "nights": 120,
    "contacted": 310,
    "listed": 1480,
    "counts": [
        {"kind": "contacted", "reason": "opted_out", "n": 4},
        {"kind": "contacted", "reason": "holdout", "n": 2},
        {"kind": "listed", "reason": "not_tried", "n": 700},
        {"kind": "listed", "reason": "not_reached", "n": 150},
    ],
}


def _group(kind, group, customers, differs=()):
    share = {"value": 0.07, "low": 0.06, "high": 0.085}
    shares = dict.fromkeys(("called", "left_in_peace", "held_out"), share) if customers else {}
    described = {"kind": kind, "group": group, "customers": customers}
    return described | {"shares": shares, "differs": differs}


def _parity(segment):
    return {
        "as_of_date": "2026-02-01",
        "groups": [
            _group("all", "all", 19_950),
            _group("segment", segment, 14_000, ("called",)),
            _group("segment", None, 5_940),
            _group("age_band", "18–29", 2_100),
            _group("age_band", "90+", None),
            _group("language", "sv", 310),
            _group("preferred_channel", "email", 800),
        ],
    }


def _why(name, segment):
    shares = [("payment_method", 0.32, 0.3), ("binding", 0.21, 0.24), ("price_rise", 0.11, 0.12)]
    drivers = tuple(DriverShare(*each) for each in (*shares, ("unresolved_case", 0.05, 0.0)))
    groups = (Group("product_line", name, 1200, drivers), Group("segment", segment, 800, drivers))
    return RiskReasons(2000, date(2026, 2, 21), 0.004, drivers, groups)


def full(name="electricity", segment="private"):
    """Facts with every part measured; the names are of a product line and of a segment."""
    return Facts(
        run=RunFacts(
            *("Demo Kraft", date(2026, 3, 1), "churn/3", 14, 90, date(2026, 2, 28)),
            (
                Notice("bad", "harm", 1),
                Notice("look", "gates", 2),
                Notice("look", "unused_minutes", 1400, "not_worth_it"),
            ),
        ),
        tonight=Tonight(
            *(
                19_950,
                1080.4,
                240,
                31,
                date(2026, 2, 21),
                92.3,
                58,
                1260,
                (372_310.0, 476_920.0),
                "NOK",
            ),
            *(2400.0, ("09:00", "20:00"), (("A6", 150), ("A4", 90))),
            SavedShare(0.3, 0.08, 0.05, date(2026, 2, 1)),
        ),
        reach=((100, 52.4), (500, 190.2), (1000, 301.9)),
        reasons=_why(name, segment),
        monitored=MeasurementFile(date(2026, 2, 1), _monitored(segment)),
        contact=MeasurementFile(date(2026, 2, 1), _contact()),
        causes=[
            cause("wait", 4100, 31.2, 46_000.0, "not_measured"),
            cause("price_rise", 800, 12.0, None, "measured_none"),
        ],
        lanes=(("call", 240), ("fix", 900), ("service", 360), ("leave_in_peace", 700)),
        rules=(("leave_in_peace", "not_worth_it", 500), ("suppressed", "opted_out", 200)),
        health=Health(
            tables=(
                TableHealth("contacts", 230_000, 3, date(2026, 2, 28)),
                TableHealth("market_price", 31, 0, None),
            ),
            gates=(
                Gate("rows of contacts", 1.02, 0.7, 1.5, passed=True),
                Gate("newest day of payments", None, None, 4, passed=False),
            ),
            qualities=(("ok", 18_000), ("partial", 1950)),
            drift_limit=0.25,
        ),
    )


def cause(name, customers, leavers, value, evidence):
    figures = {"customers": customers, "leavers": leavers, "value": value}
    return {"cause": name, **figures, "evidence": evidence}


def _monitored(segment):
    return {
        "performance": _performance(),
        "publications": {"complete": ["2025-09-01", "2025-10-01"], "immature": [1, 2, 3, 4]},
        "overrides": OVERRIDES,
        "parity": _parity(segment),
        "inputs": {"families": {"support_wait": 0.0, "price": 0.12}},
        "answers": [
            _answer("informed_complaints", 4210, 0.012, 3100, 0.031),
            _answer("person_reached", 1800, 0.61, 0, None),
        ],
    }


def _answer(question, customers, share, others, other_share):
    def interval(value):
        return value and {"value": value, "low": value - 0.004, "high": value + 0.004}

    return {
        **{"question": question, "customers": customers, "share": interval(share)},
        **{"others": others, "other_share": interval(other_share)},
        "difference": interval(other_share and share - other_share),
    }


def bare():
    """Facts of a company's first night, without economics, monitoring, effect or explanations."""
    facts = full()
    return replace(
        facts,
        run=replace(facts.run, data_until=None, notices=()),
        tonight=replace(
            facts.tonight, value=None, called=0, called_leavers=0.0, actions=(), saved=None
        ),
        reach=((40, 12.0),),
        reasons=RiskReasons(0, None, None, (), ()),
        monitored=NOTHING,
        contact=NOTHING,
        causes=[],
        lanes=(("call", 0),),
        rules=(),
        health=replace(facts.health, gates=()),
    )


def many():
    """Facts with many notices, rules and tables, as a large company has them."""
    facts = full()
    looks = ("gates", "alarms", "old_data", "degraded", "no_consents", "register_old")
    notices = (*facts.run.notices, *(Notice("look", code, 3) for code in looks))
    rules = tuple(("suppressed", rule, 10 + n) for n, rule in enumerate(RULES))
    table = facts.health.tables[0]
    tables = tuple(replace(table, table=name) for name in TABLES)
    return replace(
        facts,
        run=replace(facts.run, notices=notices),
        rules=rules,
        health=replace(facts.health, tables=tables),
    )
