"""The lot by hand: whom each of the spared stands for, and what it makes of rows."""

import numpy as np
import pandas as pd
import pytest

from models.causal.lot import exposure_of, weigh_lot
from models.dataset.exposure import NEVER

DAY = pd.Timestamp("2024-03-01")


def record(*rows):
    """Rows of (customer, day counted from 1 March 2024, treated, by lot)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "treated", "by_lot"])
    days = DAY + pd.to_timedelta(frame["day"].astype("int64"), unit="D")
    return frame.astype({"treated": bool, "by_lot": bool}).assign(day=days)


def drawn(treated, spared, day=0, first=0):
    """So many customers drawn on a day."""
    total = treated + spared
    return [(f"{first + i:05d}", day, i < treated, True) for i in range(total)]


def test_each_of_the_spared_stands_for_a_months_drawn():
    marks = weigh_lot(record(*drawn(60, 20), *drawn(90, 30, 31, 1_000), *drawn(5, 2, 61, 2_000)), 0)
    spared = marks[~marks["treated"]]
    by_month = spared.groupby(spared["day"].dt.month)["held_out_for"].unique()
    assert by_month[3].tolist() == [4]
    assert by_month[4].tolist() == [4]
    # Two are too few to tell a share: that of all months, 52 of 207.
    assert by_month[5].tolist() == [pytest.approx(207 / 52)]


def test_a_share_that_was_changed_is_counted_as_it_was():
    marks = weigh_lot(record(*drawn(80, 20), *drawn(60, 40, 31, 1_000)), 0)
    assert set(marks.loc[~marks["treated"], "held_out_for"]) == {5.0, 2.5}


def test_a_customer_counts_once_a_month_and_a_contact_of_the_spared_loses_it():
    rows = [*drawn(60, 20), *drawn(60, 20, 1), ("00079", 2, True, True)]
    marks = weigh_lot(record(*rows), 0)
    assert set(marks.loc[~marks["treated"], "held_out_for"]) == {81 / 20}


def test_months_without_a_lot_are_told_apart():
    marks = weigh_lot(record(*drawn(300, 0), *drawn(90, 30, 31, 1_000), ("x", 40, True, False)), 0)
    month = marks["day"].dt.month
    assert not marks.loc[month == 3, "by_lot"].any()
    assert marks.loc[(month == 4) & (marks["customer_id"] != "x"), "by_lot"].all()
    assert not marks.loc[marks["customer_id"] == "x", "by_lot"].any()
    nobody = weigh_lot(record(*drawn(200, 19)), 0)
    assert not nobody["by_lot"].any()
    assert nobody["treated"].all()


def test_the_spared_rest_as_long_as_the_treated():
    rows = [*drawn(60, 20), *[("00070", day, False, True) for day in (10, 29, 30, 45, 60)]]
    marks = weigh_lot(record(*rows), 30)
    days = (marks.loc[marks["customer_id"] == "00070", "day"] - DAY).dt.days
    assert days.tolist() == [0, 30, 60]


def test_rows_see_the_first_mark_of_a_lot_from_90_days_before_their_day_on():
    others = [("00000", 40, True, False), ("00001", -3, True, False)]
    marks = weigh_lot(record(*drawn(60, 20), *others), 0)
    rows = [
        # Customer, as-of date, days to the first treatment, by lot, days to the lot, weight.
        ("00000", 0, 0, True, NEVER, 0),
        ("00000", 1, -1, True, NEVER, 0),
        ("00000", 90, -90, True, NEVER, 0),
        # What was done without a lot before the as-of date does not count.
        ("00000", 91, NEVER, False, NEVER, 1),
        ("00001", -4, 1, False, NEVER, 0),
        ("00070", -5, NEVER, False, 5, 4),
        ("00070", 90, NEVER, False, -90, 4),
        ("00070", 91, NEVER, False, NEVER, 1),
        ("no", 0, NEVER, False, NEVER, 1),
    ]
    ids, as_of, *wanted = (np.array(each, dtype=object) for each in zip(*rows, strict=True))
    as_of = np.datetime64("2024-03-01") + as_of.astype(np.int64)
    ended = np.full(len(rows), 90)
    seen = exposure_of(ids, as_of, ended, marks)
    found = seen.treated_after, seen.by_lot, seen.held_out_after, seen.weights(104)
    assert [each.tolist() for each in found] == [each.tolist() for each in wanted]
    other = exposure_of(ids[::-1], as_of[::-1], ended, marks.sample(frac=1, random_state=1))
    assert other.weights(104).tolist() == wanted[-1].tolist()[::-1]
    nothing = exposure_of(ids, as_of, ended, marks.iloc[:0])
    assert nothing.weights(104).tolist() == [1] * len(rows)


@pytest.mark.parametrize("rests", [0, 1, 2], ids=["no cooldown", "one list off", "two lists off"])
@pytest.mark.parametrize("listed", [0.3, 1.0], ids="listed {}".format)
@pytest.mark.parametrize("held_out", [0.1, 0.5], ids="held out {}".format)
def test_the_untreated_weigh_as_much_as_all_whatever_cooldown_is_kept(rests, listed, held_out):
    """A list a month; the configuration has a cooldown of 90 days, the company its own."""
    rng = np.random.default_rng(1)
    customers, months = 4_000, 12
    spared, rest = rng.random(customers) < held_out, np.zeros(customers)
    rows = []
    for month in range(months):
        chosen = (rng.random(customers) < listed) & (rest <= 0) & (np.arange(customers) < 2_000)
        rows += [(f"{i:05d}", 30 * month, not spared[i], True) for i in np.flatnonzero(chosen)]
        # The spared are drawn again from whatever list they are on.
        rest = np.where(chosen & ~spared, rests, rest - 1)
    marks = weigh_lot(record(*rows), 90)
    ids = np.repeat(np.array([f"{i:05d}" for i in range(customers)], dtype=object), months)
    as_of = np.tile(np.datetime64("2024-03-01") + 30 * np.arange(months), customers)
    seen = exposure_of(ids, as_of, np.full(len(ids), NEVER), marks)
    inside = np.tile(np.arange(months) < months - 3, customers)
    assert seen.weights(80)[inside].mean() == pytest.approx(1, abs=0.04)
