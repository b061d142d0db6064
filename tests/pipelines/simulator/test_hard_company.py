"""A dial of the hard company changes what it says and nothing else; the kind one stays as it is."""

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv
from simulated import frame, happened_on, notices, run, table, truth

from pipelines.simulator.clock import START
from pipelines.simulator.hazard import _jump
from pipelines.simulator.options import CODES, HARD, KIND, LATER, THE_RULE
from pipelines.simulator.writer import WRITTEN

FIRST = pd.Timestamp(START)
SECOND = FIRST + pd.DateOffset(months=1)
ADDED = ("usage",)
ADDED_COLUMNS = {
    "customers": ["age_band", "language"],
    "price_changes": ["reason_kind"],
    "price_list": ["usage"],
}
DIGEST = "872e5c00b45d6cb01c179712ebba672fc4d1e9240715fef9a9216c24fde017aa"


def delimited(rows: pa.Table, path: Path) -> bytes:
    """The rows as a delimited file shows them, instants to the second."""
    seconds = [
        field.with_type(pa.timestamp("s")) if pa.types.is_timestamp(field.type) else field
        for field in rows.schema
    ]
    csv.write_csv(rows.cast(pa.schema(seconds)), path)
    return path.read_bytes()


def at(root: Path, month: pd.Timestamp) -> pd.DataFrame:
    return truth(root)[lambda t: t["month"] == month].set_index("customer_id")


def test_the_kind_company_is_the_one_it_was(tmp_path):
    """The rows as text, and hazards to nine places: what no library's version changes.

    A table or column that was added since is left out: the others are the same byte for byte.
    """
    run(tmp_path, customers=200, months=8, seed=3, dials=KIND)
    found = hashlib.sha256()
    for name in (name for name in WRITTEN if name not in ADDED):
        rows = table(tmp_path, name).drop_columns(ADDED_COLUMNS.get(name, []))
        found.update(delimited(rows, tmp_path / "rows.csv"))
    found.update(np.rint(truth(tmp_path)["hazard"] * 1e9).to_numpy(dtype=np.int64).tobytes())
    assert found.hexdigest() == DIGEST


def test_the_hard_company_is_the_same_for_a_seed_and_a_longer_one_begins_the_same(tmp_path):
    roots = [tmp_path / name for name in ("one", "two", "long")]
    for root, months in zip(roots, (10, 10, 11), strict=True):
        run(root, customers=150, months=months, dials=HARD)
    for name in WRITTEN:
        assert table(roots[0], name).equals(table(roots[1], name)), name
    shorter, longer = truth(roots[0]), truth(roots[2])
    pd.testing.assert_frame_equal(shorter, longer.head(len(shorter)))


@pytest.mark.parametrize(
    ("dial", "value", "columns"),
    [
        ("level", -0.9, {"base"}),
        ("frailty", 1.0, {"share_unseen"}),
        ("rival", 0.8, {"share_unseen"}),
        ("month_shock", 0.2, {"share_unseen"}),
        ("jump", 1.2, set()),
        ("drift", 0.3, set()),
        ("delay", 6, set()),
        ("sleepers", "price", {"asleep"}),
        ("bursts", 0.5, set()),
        ("win_backs", 0.5, set()),
        ("fit", (0.5, 0.1), set()),
        ("accept", 0.9, set()),
        ("household_spill", 1.0, set()),
        ("regime", START, {"share_payment_method", "share_binding"}),
    ],
)
def test_a_dial_moves_its_own_part_of_the_first_month(small, tmp_path, dial, value, columns):
    before, after = at(small, FIRST), at(run(tmp_path, months=1, **{dial: value}), FIRST)
    changed = {name for name in before if not before[name].equals(after[name])}
    assert changed == columns | ({"hazard", "log_odds"} if columns - {"asleep"} else set())


def test_a_month_is_bad_for_all_and_a_rival_for_whole_areas(small, tmp_path):
    unseen = "share_unseen"
    shock = at(run(tmp_path / "shock", months=1, month_shock=0.2), FIRST)[unseen]
    np.testing.assert_allclose(
        shock - at(small, FIRST)[unseen],
        shock.iloc[0] - at(small, FIRST)[unseen].iloc[0],
        atol=1e-6,
    )
    rival = (
        at(run(tmp_path / "rival", months=1, rival=0.8), FIRST)[unseen] - at(small, FIRST)[unseen]
    )
    assert set(rival.round(4)) == {0.0, np.float32(0.8)}
    assert 0.02 < (rival > 0.1).mean() < 0.3
    faults = frame(small, "incidents").dropna(subset="site_id").drop_duplicates("customer_id")
    area = faults.set_index("customer_id")["site_id"].str[1:].astype(int) // 2
    by_area = rival.reindex(area.index).groupby(area).agg(lambda own: own.round(4).nunique())
    assert (by_area.dropna() <= 1).all()


def test_traits_drift_and_keep_their_spread(tmp_path):
    rule = THE_RULE.__class__(monthly_sd=0.0)
    root = run(tmp_path, customers=3_000, months=5, rule=rule, frailty=1.0, drift=0.2)
    then, now = (at(root, FIRST + pd.DateOffset(months=k))["share_unseen"] for k in (0, 4))
    both = pd.concat([then, now], axis=1).dropna()
    assert np.corrcoef(both.to_numpy().T)[0, 1] == pytest.approx(0.8**4, abs=0.06)
    assert now.std() == pytest.approx(1.0, abs=0.06)


def test_two_heavy_irritations_jump_together_and_one_does_not():
    """Sums 0.4 and 0.8 + 1.2: half of the jump for each of the two that are heavy."""
    shares = {f"share_{code}": np.zeros(2) for code in CODES}
    shares["share_wait"], shares["share_noise"] = np.array([0.4, 0.4]), np.array([0.2, 0.4])
    _jump(shares, 1.2)
    np.testing.assert_allclose(shares["share_wait"], [0.4, 1.0])
    np.testing.assert_allclose(shares["share_noise"], [0.2, 1.0])
    assert sum(share.sum() for share in shares.values()) == pytest.approx(2.6)


def test_a_change_of_regime_changes_nothing_before_its_day(small, tmp_path):
    turn = date(2022, 4, 1)
    root = run(tmp_path, months=4, regime=turn)
    pd.testing.assert_frame_equal(
        truth(root)[lambda t: t["month"] < pd.Timestamp(turn)],
        truth(small)[lambda t: t["month"] < pd.Timestamp(turn)],
    )
    before, after = at(small, pd.Timestamp(turn)), at(root, pd.Timestamp(turn))
    assert list(before.index) == list(after.index)
    changed = {
        name
        for name in before
        if name.startswith("share_") and not before[name].equals(after[name])
    }
    drivers = {"autopay": "payment_method"}
    assert changed == {f"share_{drivers.get(name, name)}" for name in LATER}


def test_the_slow_feel_it_months_later(small, tmp_path):
    slow = run(tmp_path, months=8, delay=6)
    felt = [at(root, SECOND)["share_unclear_bill"] for root in (small, slow)]
    heavy = felt[0][felt[0] > 0]
    later = felt[1].reindex(heavy.index)
    assert ((later == heavy) | (later == 0)).all()
    assert 0.3 < (later == 0).mean() < 0.7
    waiting = later.index[later == 0]
    months = [FIRST + pd.DateOffset(months=k) for k in range(2, 8)]
    shares = [at(slow, month)["share_unclear_bill"].reindex(waiting) for month in months]
    assert (shares[0].dropna() == 0).all()
    lived = shares[-1].notna()
    assert lived.sum() > 3
    assert (pd.concat(shares, axis=1).max(axis=1)[lived] > 0).all()


def test_feeds_that_fail_lose_rows_or_change_their_unit_and_no_hazard(small, tmp_path):
    root = run(tmp_path, months=18, bursts=0.2)
    pd.testing.assert_frame_equal(truth(root), truth(small))
    feeds = {"contacts", "self_service", "notifications", "surveys", "orders"}
    for name in set(WRITTEN) - feeds:
        assert table(root, name).equals(table(small, name)), name
    for name in feeds:
        key = frame(small, name).columns[0]
        before, after = (frame(r, name).set_index(key) for r in (small, root))
        assert set(after.index) < set(before.index), name
        gone = happened_on(small, name)[~before.index.isin(after.index)]
        assert gone.nunique() > 8, name
        assert gone.nunique() < happened_on(small, name).nunique() / 2, name
    waits = [frame(r, "contacts").set_index("contact_id")["wait_seconds"] for r in (small, root)]
    both = pd.concat(waits, axis=1, keys=["was", "now"]).dropna()
    minutes = both["was"] != both["now"]
    assert 0 < minutes.mean() < 0.5
    assert (both["now"][minutes] == both["was"][minutes] // 60).all()


def test_some_who_left_come_back_with_a_new_contract(tmp_path):
    root = run(tmp_path, customers=1_000, months=16, win_backs=0.1)
    left = notices(root)
    ends = left[["notified_on", "outcome"]]
    contracts = frame(root, "contracts").join(ends, on="customer_id")
    back = contracts[contracts["started_on"] > contracts["notified_on"]]
    assert back["customer_id"].nunique() > 20
    assert (back["outcome"] == "voluntary").all()
    assert ((back["started_on"] - back["notified_on"]).dt.days > 210).all()
    assert not frame(root, "customers")["customer_id"].duplicated().any()
    assert not frame(root, "contracts")["contract_id"].duplicated().any()
    since = back.groupby("customer_id")["started_on"].min()
    bills = frame(root, "invoices")
    bills = bills[bills["customer_id"].isin(since.index)]
    again = (
        bills[bills["issued_on"] > bills["customer_id"].map(since)].groupby("customer_id").size()
    )
    settled = since.index[since < pd.Timestamp("2023-03-01")]
    assert len(settled) > 10
    assert (again.reindex(settled).fillna(0) > 0).mean() > 0.95
    months = truth(root)[lambda t: t["customer_id"].isin(since.index)]
    lived = months["month"] > months["customer_id"].map(since)
    away = months["month"] > months["customer_id"].map(left["notified_on"])
    assert lived.any()
    assert (lived == away).all()


def test_who_sleeps_by_price_pays_more_than_the_market_and_is_dealt_by_lot(tmp_path):
    root = run(tmp_path, customers=3_000, months=2, sleepers="price")
    now, share = at(root, SECOND), "share_market_gap"
    assert (at(root, FIRST)["asleep"] == 0).all()
    assert (now["asleep"][now[share] > 0] > 0).all()
    assert (now[share][now["asleep"] * 0.25 < THE_RULE.gap_noticed - 1e-6] == 0).all()
    key = pd.read_parquet(root / "truth" / "customers.parquet")
    dogs = key["type"].eq("sleeping_dog")
    assert dogs[key["quiet"] < 0.2].mean() == pytest.approx(dogs.mean(), abs=0.04)
