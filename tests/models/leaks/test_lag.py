"""The lag test and the pairs that tell only together, on small companies."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaky import PLANTS, WINDOW, Company, honest

from models.dataset.examples import Examples
from models.leaks.column_pairs import joint_findings
from models.leaks.lag import earlier, lag_blind_spot, lag_findings
from models.leaks.rows import LeakRows
from models.leaks.search import find_leaks
from models.leaks.verdict import refusal


@pytest.fixture(scope="module")
def clean() -> Examples:
    return honest(3, customers=600, months=14)


def rows_of(examples: Examples) -> LeakRows:
    return LeakRows.of(examples, len(examples))


def test_the_table_behind_a_closeness_to_the_notice_is_named_with_its_column(clean):
    planted = PLANTS["a closeness to the notice"](Company.of(clean, 1)).examples
    tables = {"closeness": ("contacts",), "contacts_90d": ("contacts", "cases")}
    (told,) = lag_findings(rows_of(planted), tables)
    assert (told.kind, told.column, told.refuses) == ("fades", "contacts", True)
    assert "(above all closeness)" in told.message
    evidence = told.evidence
    assert evidence["lag_days"] == 30
    assert min(evidence["auc"] - evidence["auc_before"], evidence["fall_by_this"]) > 0.1
    said = refusal([told], {}, "out/leaks.json")
    assert said is not None
    assert "known_delay_days" in said
    assert refusal([told], {"contacts": "dated when taken; asked the owner"}, "x") is None
    assert lag_findings(rows_of(planted), tables, skip={"closeness"}) == ()


def test_what_a_lag_does_not_change_is_no_leak(clean, monkeypatch):
    """Values of a customer that stay as they are: known a month earlier, they rank as well."""
    c = Company.of(clean, 1)
    fixed = c.with_columns(wish=c.left + c.rng.normal(0, 0.5, len(c)))
    x = fixed.x.copy()
    first = np.flatnonzero(np.diff(c.customer, prepend=-1))
    x[:, :-1] = x[first[c.customer], :-1]
    assert lag_findings(rows_of(replace(fixed, x=x)), {}) == ()
    for name in ("_NOTICE", "_NOTICE_LOW"):
        monkeypatch.setattr(f"models.leaks.lag.{name}", 0.0)
    told = lag_findings(rows_of(replace(fixed, x=x)), {})
    assert told[0].evidence["auc"] == told[0].evidence["auc_before"] > 0.8


def test_one_date_is_said_to_be_blind_to_the_lag(clean):
    newest = clean.take(clean.as_of == clean.as_of.max())
    assert "as-of dates 21 to 45 days after other ones" in lag_blind_spot(newest)
    assert lag_findings(rows_of(newest), {}) == ()
    assert lag_blind_spot(clean) == ""


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8, unique=True), st.data())
def test_the_row_before_is_the_customers_own_and_21_to_45_days_older(offsets, data):
    days = np.datetime64("2024-01-01") + np.sort(offsets)
    kept = [data.draw(st.booleans()) for _ in range(3 * len(days))]
    customer = np.repeat(np.arange(3), len(days))[kept]
    day = np.tile(np.arange(len(days)), 3)[kept]
    then = earlier(customer, days, day)
    for at, before in enumerate(then):
        ago = (days[day[at]] - days).astype(int)
        near = np.flatnonzero((ago >= 21) & (ago <= 45))
        best = near[np.abs(ago[near] - 30).argmin()] if len(near) else -1
        there = np.flatnonzero((customer == customer[at]) & (day == best))
        assert before == (there[0] if len(there) else -1)


@pytest.mark.parametrize("kind", ["flags", "thresholds", "texts", "flag and missing"])
def test_two_columns_that_tell_only_together_are_found(clean, kind):
    c = Company.of(clean, 2)
    one = c.rng.random(len(clean)) < 0.5
    told = (clean.y == 1) ^ (c.rng.random(len(clean)) < 0.1)
    a, b = one * 1.0, (one ^ told) * 1.0
    if kind == "thresholds":
        a, b = a + c.rng.random(len(a)), 1_000 * b + c.rng.exponential(200, len(b))
    elif kind == "texts":
        b = np.where(b == 1, "on", "off").astype(object)
    elif kind == "flag and missing":
        b = np.where(b == 1, np.nan, c.rng.normal(size=len(b)))
    examples = c.with_columns(a=a, b=b)
    (found,) = (f for f in find_leaks(examples, WINDOW) if f.refuses)
    assert (found.kind, found.column) == ("only_together", "a & b")
    assert found.evidence["auc"] > 0.8
    assert found.evidence["auc_alone"] < 0.6


def test_columns_that_add_up_do_not_tell_only_together(clean):
    c = Company.of(clean, 2)
    one, two = (clean.y + c.rng.normal(0, 1.2, len(clean)) for _ in range(2))
    examples = c.with_columns(one=one, two=two)
    positions = range(len(examples.spec.columns))
    assert joint_findings(rows_of(examples), [0.5] * len(positions), positions) == ()
