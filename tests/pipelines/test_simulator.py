"""The simulated company keeps the data contract and its own leaving rule."""

from dataclasses import asdict
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from features.tables import FORBIDDEN_COLUMNS, PRODUCT_LINES, TABLES
from pipelines.demo.hazard import CAPS, CODES, THE_RULE
from pipelines.demo.simulate import simulate
from pipelines.demo.world import DECAY
from pipelines.demo.writer import WRITTEN

START, MONTHS = date(2022, 1, 1), 18
END = date(2023, 7, 1)
ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": pa.int64(),
    "price": pa.decimal128(18, 6),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us"),
}


def run(root: Path, **options) -> Path:
    settings = {"customers": 400, "months": MONTHS, "seed": 5} | options
    simulate(root, **settings)
    return root


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("large"), customers=6_000, months=14)


def table(root: Path, name: str) -> pa.Table:
    return parquet.read_table(root / "tables" / f"{name}.parquet")


@cache
def frame(root: Path, name: str) -> pd.DataFrame:
    rows = table(root, name).to_pandas()
    for column in TABLES[name].columns:
        if column.type == "date":
            rows[column.name] = pd.to_datetime(rows[column.name])
    return rows


@cache
def truth(root: Path) -> pd.DataFrame:
    rows = parquet.read_table(root / "truth" / "hazard.parquet").to_pandas()
    return rows.assign(month=pd.to_datetime(rows["month"]))


def local(instants: pd.Series) -> pd.Series:
    return instants.dt.tz_localize("UTC").dt.tz_convert(ZoneInfo("Europe/Oslo"))


@cache
def happened_on(root: Path, name: str) -> pd.Series:
    """Local day of each row, read with pandas' own time zones."""
    rows = frame(root, name)
    days = []
    for column in TABLES[name].event_at:
        instant = TABLES[name].column(column).type == "instant"
        days.append(local(rows[column]).dt.tz_localize(None) if instant else rows[column])
    return pd.concat(days, axis=1).min(axis=1).dt.normalize()


def notices(root: Path) -> pd.DataFrame:
    """First notice of each customer who left with everything."""
    ended = frame(root, "terminations")
    return ended[ended["outcome"] != "company"].groupby("customer_id").first()


def test_the_same_seed_gives_the_same_files_and_another_seed_does_not(small, tmp_path):
    again, other = run(tmp_path / "again"), run(tmp_path / "other", seed=6)
    files = [f"tables/{name}.parquet" for name in WRITTEN] + ["truth/hazard.parquet"]
    for file in files:
        assert (small / file).read_bytes() == (again / file).read_bytes(), file
        assert (small / file).read_bytes() != (other / file).read_bytes(), file


@pytest.mark.parametrize("name", WRITTEN)
def test_tables_have_the_contract_columns_types_and_values(small, name):
    contract, data = TABLES[name], table(small, name)
    assert data.num_rows > 0
    names = [column.name for column in contract.columns]
    assert [column for column in data.column_names if column != "known_at"] == names
    assert not set(data.column_names) & set(FORBIDDEN_COLUMNS)
    for column in contract.columns:
        values = data[column.name]
        assert values.type == ARROW_TYPES[column.type], column.name
        assert not (column.required and values.null_count), column.name
        if column.allowed:
            assert set(values.drop_null().to_pylist()) <= set(column.allowed), column.name
        if column.minimum is not None and values.null_count < len(values):
            assert pc.min(values).as_py() >= column.minimum, column.name


@pytest.mark.parametrize("name", WRITTEN)
def test_keys_are_unique_and_rows_sorted_by_them(small, name):
    keys = frame(small, name)[list(TABLES[name].key)]
    assert not keys.duplicated().any()
    assert keys.equals(keys.sort_values(list(keys.columns), ignore_index=True))


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - {"customers", "contracts", "price_list"}))
def test_events_lie_within_the_simulated_period(small, name):
    days = happened_on(small, name)
    assert days.min() >= pd.Timestamp(START)
    assert days.max() < pd.Timestamp(END)


def test_nothing_is_revealed_after_the_end(small):
    cases, contacts = frame(small, "cases"), frame(small, "contacts")
    seen = [cases[name] for name in ("closed_at", "reopened_at", "reclosed_at")]
    for moments in (*seen, contacts["replied_at"]):
        assert moments.notna().any()
        assert (local(moments.dropna()).dt.tz_localize(None) < pd.Timestamp(END)).all()
    assert (cases["resolved"].isna() == cases["closed_at"].isna()).all()
    assert cases["closed_at"].isna().any()


@pytest.mark.parametrize(
    "name", sorted(set(WRITTEN) - {"customers", "contracts", "price_list", "terminations"})
)
def test_customers_who_gave_notice_are_silent_but_for_a_last_invoice(small, name):
    left = notices(small)
    rows = frame(small, name).assign(day=happened_on(small, name))
    rows = rows.join(left[["notified_on", "effective_on"]].add_prefix("left_"), on="customer_id")
    after = rows[rows["day"] >= rows["left_notified_on"]]
    if name == "invoices":
        assert len(after) > 0
        assert (after["day"] > after["left_effective_on"]).all()
        assert not after["customer_id"].duplicated().any()
    else:
        assert after.empty


def test_leaving_ends_every_contract_but_a_withdrawn_product_only_one(large):
    contracts, ended = frame(large, "contracts"), frame(large, "terminations")
    left = notices(large)
    held = contracts[contracts["customer_id"].isin(left.index)]
    assert set(held["contract_id"]) <= set(ended["contract_id"])
    withdrawn = ended[ended["outcome"] == "company"]
    assert len(withdrawn) > 0
    kept = contracts[contracts["customer_id"].isin(set(withdrawn["customer_id"]) - set(left.index))]
    assert (kept.groupby("customer_id").size() == 2).all()


def test_every_row_belongs_to_a_customer_who_had_joined(small):
    joined = frame(small, "customers").set_index("customer_id")["joined_on"]
    for name in sorted(set(WRITTEN) - {"customers", "price_list"}):
        since = frame(small, name)["customer_id"].map(joined)
        assert since.notna().all(), name
        assert (happened_on(small, name) >= since).all(), name


def test_few_rows_become_known_late_and_never_early(large):
    for name in ("invoices", "contacts", "payments"):
        rows = frame(large, name)
        late = rows["known_at"].notna()
        assert 0.01 < late.mean() < 0.02, name
        assert (rows["known_at"][late] > happened_on(large, name)[late]).all(), name


def test_log_odds_are_the_base_and_the_shares(small):
    rows = truth(small)
    shares = rows[[f"share_{code}" for code in CODES] + ["share_season", "share_noise"]]
    total = rows["base"] + shares.astype("float64").sum(axis=1)
    np.testing.assert_allclose(rows["log_odds"], total, rtol=0, atol=1e-9)
    np.testing.assert_allclose(rows["hazard"], 1 / (1 + np.exp(-rows["log_odds"])), rtol=1e-12)


def test_what_comes_later_changes_no_earlier_hazard(small, tmp_path):
    shorter = truth(run(tmp_path, months=12))
    longer = truth(small)
    first = longer[longer["month"] < pd.Timestamp(2023, 1, 1)].reset_index(drop=True)
    pd.testing.assert_frame_equal(shorter, first)


def test_customers_leave_as_often_as_the_hazard_says(large):
    rows, left = truth(large), notices(large)
    expected = rows["hazard"].sum()
    spread = np.sqrt((rows["hazard"] * (1 - rows["hazard"])).sum())
    voluntary = (left["outcome"] == "voluntary").sum()
    assert abs(voluntary - expected) < 4 * spread
    assert 0.01 < rows["hazard"].mean() < 0.02
    others = set(left["outcome"].unique()) - {"voluntary"}
    assert others == {"moved", "deceased", "non_payment"}


def test_the_base_does_not_shrink(large):
    alive = truth(large).groupby("month").size()
    assert (alive - 6_000).abs().max() < 300


def test_truth_rows_are_the_customers_without_a_notice(small):
    month = pd.Timestamp(2023, 3, 1)
    customers = frame(small, "customers").set_index("customer_id")
    left = notices(small)["notified_on"]
    alive = set(customers.index[customers["joined_on"] < month]) - set(left.index[left < month])
    rows = truth(small)
    assert set(rows["customer_id"][rows["month"] == month]) == alive


def test_binding_holds_until_its_end_then_lets_go(large):
    bound = frame(large, "contracts").groupby("customer_id")["binding_until"].max()
    single = frame(large, "terminations").query("outcome == 'company'")["customer_id"]
    rows = truth(large).assign(until=lambda t: t["customer_id"].map(bound))
    rows = rows[~rows["customer_id"].isin(single)]
    left = (rows["until"] - rows["month"]) / timedelta(days=1)
    share = rows["share_binding"]
    assert np.allclose(share[left >= THE_RULE.binding_fades_days], THE_RULE.binding)
    assert np.allclose(share[(left < 0) & (left >= -60)], THE_RULE.binding_cliff)
    assert (share[left.isna() | (left < -60)] == 0).all()
    assert THE_RULE.binding < 0 < THE_RULE.binding_cliff


def test_autopay_lowers_and_manual_paying_raises(large):
    payments = frame(large, "payments")
    ways = payments.groupby("customer_id")["method"].agg(["nunique", "first"])
    steps = set(frame(large, "payment_method_events")["customer_id"])
    steady = ways[(ways["nunique"] == 1) & ~ways.index.isin(steps)]["first"]
    share = truth(large).set_index("customer_id")["share_payment_method"]
    assert (share[share.index.isin(steady.index[steady == "autopay"])] < 0).all()
    assert (share[share.index.isin(steady.index[steady == "manual"])] > 0).all()


def test_a_price_rise_weighs_from_the_notice_on_and_less_with_autopay(large):
    changes = frame(large, "price_changes")
    changes = changes.assign(known=changes[["notified_on", "effective_on"]].min(axis=1))
    rises = changes[changes["new_price"] > changes["old_price"]]
    first = rises.groupby("customer_id")["known"].min()
    rows = truth(large).assign(known=lambda t: t["customer_id"].map(first))
    before = rows["known"].isna() | (rows["known"] >= rows["month"])
    assert (rows["share_price_rise"][before] == 0).all()
    assert (rows["share_price_rise"][~before] > 0).all()
    recent = rows[~before & (rows["month"] - rows["known"] < timedelta(days=31))]
    auto = recent["share_payment_method"] < 0
    weight = recent["share_price_rise"].groupby(auto).mean()
    assert weight[True] < 0.75 * weight[False]


def test_unsolved_cases_weigh_more_than_waits_and_delight_nothing(large):
    rows = truth(large)
    spread = rows.std(numeric_only=True)
    assert spread["share_unresolved_case"] > 4 * spread["share_wait"]
    assert spread["share_repeat_contact"] > 10 * spread["share_satisfaction"]
    surveys = frame(large, "surveys")
    content = surveys["kind"].map({"csat": 4, "loyalty": 7, "ces": 9})
    pleased = surveys[(surveys["score"] >= content) | (surveys["kind"] == "ces")]
    pleased = pleased[(pleased["kind"] != "ces") | (pleased["score"] <= 4)]
    only_pleased = set(pleased["customer_id"]) - set(surveys.drop(pleased.index)["customer_id"])
    late = set(surveys.loc[surveys["known_at"].notna(), "customer_id"])
    share = rows[rows["customer_id"].isin(only_pleased - late)]["share_satisfaction"]
    assert len(share) > 0
    assert (share == 0).all()


def test_delimited_files_hold_the_same_rows(small, tmp_path):
    run(tmp_path, fmt="csv")
    for name in ("contacts", "contracts", "payments"):
        expected, read = frame(small, name), pd.read_csv(tmp_path / "tables" / f"{name}.csv")
        assert list(read.columns) == list(expected.columns)
        assert len(read) == len(expected)
    contracts = pd.read_csv(tmp_path / "tables" / "contracts.csv")
    assert (contracts["price"] == frame(small, "contracts")["price"].astype(float)).all()
    contacts = pd.read_csv(tmp_path / "tables" / "contacts.csv", parse_dates=["started_at"])
    same = frame(small, "contacts")["started_at"].dt.floor("s")
    assert (contacts["started_at"] == same).all()


def test_other_products_can_be_sold(tmp_path):
    run(tmp_path, products=PRODUCT_LINES, months=3)
    assert set(frame(tmp_path, "contracts")["product_line"]) == set(PRODUCT_LINES)
    run(tmp_path / "one", products=("insurance",), months=3)
    one = frame(tmp_path / "one", "contracts")
    assert set(one["product_line"]) == {"insurance"}
    assert not one["customer_id"].duplicated().any()


@pytest.mark.parametrize(
    "wrong",
    [{"products": ("gas",)}, {"products": ()}, {"start": date(2022, 1, 15)}, {"months": 0}],
)
def test_impossible_orders_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"products|start"):
        run(tmp_path, **wrong)


def test_progress_is_told_month_by_month(tmp_path):
    told: list[int] = []
    run(tmp_path, customers=50, months=3, on_month=told.append)
    assert told == [1, 2, 3]


def test_the_page_about_the_simulation_gives_every_coefficient():
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text(encoding="utf-8")
    table = [line.strip("| ").split("|") for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row] for row in table][1:]
    assert {row[0]: float(row[1]) for row in cells} == asdict(THE_RULE)
    remains = {row[0].replace("_broken", ""): (row[2], row[3]) for row in cells if row[2]}
    assert {code: float(value[0]) for code, value in remains.items()} == dict(DECAY)
    caps = {code: float(value[1]) for code, value in remains.items() if code != "bundle"}
    assert caps == {code: CAPS.get(code, 2.0) for code in DECAY if code != "bundle"}
