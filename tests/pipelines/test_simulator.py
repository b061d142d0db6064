"""The simulated company keeps the data contract and its own leaving rule."""

from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from pyarrow import parquet

from features.catalog import build_catalog
from features.tables import FORBIDDEN_COLUMNS, MASTER_DATA, PRODUCT_LINES, TABLES
from pipelines.check import check_tables
from pipelines.demo.clock import make_clock
from pipelines.demo.dials import USUAL_TYPES
from pipelines.demo.record import encode, hide_unseen
from pipelines.demo.rule import CAPS, CODES, THE_RULE
from pipelines.demo.simulate import simulate
from pipelines.demo.world import DECAY, Month
from pipelines.demo.writer import CLAIMS, WRITTEN
from pipelines.engine import MatrixJob, build_matrix, catalog_of
from pipelines.settings import load_settings
from pipelines.snapshots.snapshot import take_snapshot

ROOT = Path(__file__).parents[2]

OLDER = {"customers", "contracts", "price_list", "benefits", "consents", "households"}
OLDER |= {"master_data"}
EVENTS = {name for name in WRITTEN if TABLES[name].per_customer}
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


@pytest.fixture(scope="module")
def insured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(
        tmp_path_factory.mktemp("insured"), customers=1_200, products=("electricity", "insurance")
    )


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
    files = [f"tables/{name}.parquet" for name in WRITTEN]
    files += ["truth/hazard.parquet", "truth/customers.parquet"]
    for file in files:
        assert (small / file).read_bytes() == (again / file).read_bytes(), file
        assert (small / file).read_bytes() != (other / file).read_bytes(), file


@pytest.mark.parametrize("name", [*WRITTEN, CLAIMS])
def test_tables_have_the_contract_columns_types_and_values(small, insured, name):
    contract, data = TABLES[name], table(insured if name == CLAIMS else small, name)
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


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - OLDER))
def test_events_lie_within_the_simulated_period(small, name):
    days = happened_on(small, name)
    assert days.min() >= pd.Timestamp(START)
    assert days.max() < pd.Timestamp(END)


def test_nothing_is_revealed_after_the_end(small):
    cases, contacts = frame(small, "cases"), frame(small, "contacts")
    seen = [cases[name] for name in ("closed_at", "reopened_at", "reclosed_at")]
    seen += [frame(small, "complaints")["closed_at"], frame(small, "offers")["answered_at"]]
    seen += [frame(small, "benefits")["used_at"], frame(small, "notifications")["opened_at"]]
    for moments in (*seen, contacts["replied_at"]):
        assert moments.notna().any()
        assert (local(moments.dropna()).dt.tz_localize(None) < pd.Timestamp(END)).all()
    assert (cases["resolved"].isna() == cases["closed_at"].isna()).all()
    assert cases["closed_at"].isna().any()
    delivered = frame(small, "orders")["delivered_on"]
    assert delivered.isna().any()
    assert delivered.max() < pd.Timestamp(END)
    offers = frame(small, "offers")
    assert (offers["accepted"].isna() == offers["answered_at"].isna()).all()
    assert offers.loc[offers["answered_at"].notna(), "opened_at"].notna().all()


def test_some_values_come_later_than_their_rows(large):
    debits = frame(large, "payments").query("failed and method == 'autopay'")
    assert 0.45 < debits["failed_on"].notna().mean() < 0.75
    days = (debits["failed_on"] - debits["paid_on"]).dropna() / timedelta(days=1)
    assert set(days) == {1, 2}
    others = frame(large, "payments").drop(debits.index)
    assert others["failed_on"].isna().all()

    readings = frame(large, "meter_readings")
    later = readings["settled_on"].notna()
    assert (readings["settled_on"][later] > readings["due_on"][later]).all()
    same_month = readings["settled_on"].dt.month == readings["due_on"].dt.month
    assert same_month[later].all()
    share = later.groupby(readings["status"]).mean()
    assert (share["missing"], share["estimated"] > 0.9, 0.15 < share["read"] < 0.3) == (0, 1, 1)

    calls = frame(large, "contacts")
    linked = calls[calls["linked_at"].notna()]
    assert linked["case_id"].notna().all()
    assert linked["case_id"].isin(frame(large, "contacts")["case_id"].drop(linked.index)).all()
    assert (linked["linked_at"] > linked["started_at"]).all()
    assert 0.01 < len(linked) / len(calls) < 0.1


@pytest.mark.parametrize(
    ("name", "moment", "value", "until_then"),
    [
        ("payments", "failed_on", "failed", [False, True, True]),
        ("meter_readings", "settled_on", "status", ["missing", "estimated", "estimated"]),
        ("claims", "settled_on", "paid", [None, 2, 2]),
    ],
)
def test_what_had_not_come_by_the_end_is_not_told(name, moment, value, until_then):
    clock, contract = make_clock(START, 1), TABLES[name]
    moments = np.array([clock.end() + 3, clock.end() - 3, -1])
    columns = {moment: moments, value: np.full(3, 2)}
    hide_unseen(contract, columns, np.full(3, clock.midnight(np.array([clock.end()]))), clock)
    told = encode(contract, contract.column(value), columns[value]).to_pylist()
    assert told == until_then
    days = encode(contract, contract.column(moment), columns[moment]).to_pylist()
    assert days == [None, date(2022, 1, 29), None]


LATER = ("returned debits", "settled readings", "linked contacts")
REVEALED = {
    "payments": ["failed_on", "failed"],
    "meter_readings": ["settled_on", "status"],
    "contacts": ["linked_at", "case_id"],
}


def test_claims_and_late_moments_are_drawn_apart_from_everything_else(tmp_path, monkeypatch):
    rule = replace(THE_RULE, claims=0.0, claims_honoured=0.0)
    options = {"products": ("electricity", "insurance"), "months": 8, "rule": rule}
    with_them = run(tmp_path / "with", **options)
    draw = Month.rng
    monkeypatch.setattr("pipelines.demo.happenings.make_claims", lambda world, month: None)
    monkeypatch.setattr(
        Month, "rng", lambda month, step: draw(month, f"not {step}" if step in LATER else step)
    )
    without = run(tmp_path / "without", **options)
    for file in (*(f"tables/{n}" for n in WRITTEN), "truth/hazard", "truth/customers"):
        name = file.removeprefix("tables/")
        one, other = (root / f"{file}.parquet" for root in (with_them, without))
        if name in REVEALED:
            tables = [parquet.read_table(path) for path in (one, other)]
            assert not tables[0].equals(tables[1]), name
            assert tables[0].drop(REVEALED[name]).equals(tables[1].drop(REVEALED[name])), name
        else:
            assert one.read_bytes() == other.read_bytes(), name
    assert table(with_them, CLAIMS).num_rows > 0 == table(without, CLAIMS).num_rows


def test_claims_are_made_by_the_insured_and_settled_later(insured):
    claims, contracts = frame(insured, CLAIMS), frame(insured, "contracts")
    holders = set(contracts.query("product_line == 'insurance'")["customer_id"])
    assert set(claims["customer_id"]) <= holders
    days = (claims["settled_on"] - claims["claimed_on"]).dropna() / timedelta(days=1)
    assert days.min() >= 1
    assert (days > 30).mean() > 0.1
    assert (claims["paid"].isna() == claims["settled_on"].isna()).all()
    assert 0 < claims["paid"].isna().mean() < 0.2
    assert claims["settled_on"].max() < pd.Timestamp(END)
    assert (claims["paid"].dropna() < claims["claimed"][claims["paid"].notna()]).all()
    assert 0.05 < (claims["paid"] == 0).mean() < 0.3


def test_a_refused_claim_raises_and_one_paid_at_once_lowers(insured):
    claims = frame(insured, CLAIMS).assign(day=lambda t: t["settled_on"])
    single = claims[~claims["customer_id"].duplicated(keep=False)].dropna(subset="settled_on")
    fast = single["settled_on"] - single["claimed_on"] <= timedelta(days=30)
    share = shares_next_month(insured, "claims", single)
    refused, quick = (single["paid"] == 0).reindex(share.index), fast.reindex(share.index)
    np.testing.assert_allclose(share[refused & quick], THE_RULE.claims, rtol=1e-6)
    assert (share[refused & ~quick] > THE_RULE.claims).all()
    paid = share[~refused & quick].astype("float64").round(4).value_counts()
    assert set(paid.index) == {THE_RULE.claims_honoured, THE_RULE.claims * 0.5}
    assert paid[THE_RULE.claims_honoured] > paid[THE_RULE.claims * 0.5] > 3
    nobody = ~truth(insured)["customer_id"].isin(claims["customer_id"])
    assert (truth(insured).loc[nobody, "share_claims"] == 0).all()
    assert THE_RULE.claims_honoured < 0 < THE_RULE.claims


def test_a_company_that_insures_passes_check_and_has_every_feature_of_claims(
    insured, tmp_path, monkeypatch
):
    document = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text("utf-8"))
    document["paths"] = {"data": str(insured)} | {n: str(tmp_path / n) for n in ("var", "out")}
    document["sources"]["claims"] = {"path": "tables/claims.parquet"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.chdir(ROOT)
    check_tables(tmp_path / "config.yaml", END)
    settings = load_settings(tmp_path / "config.yaml")
    snapshot = take_snapshot(settings, tmp_path / "snapshot", as_of=END)
    job = MatrixJob(catalog_of(settings, snapshot), (END,))
    (part,) = build_matrix(settings, snapshot, job, tmp_path / "matrix", lambda: None)
    named = [f for f in build_catalog(TABLES).model_features if f.driver == "claims"]
    matrix = pd.read_parquet(part.features)[[f.name for f in named]]
    assert len(matrix.columns) == 10
    assert (matrix.nunique() > 1).all()


@pytest.mark.parametrize("name", sorted(EVENTS - {"customers", "contracts", "terminations"}))
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
    for name in sorted(EVENTS - {"customers"}):
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
    shares = rows[[f"share_{code}" for code in CODES] + ["share_season", "share_unseen"]]
    total = rows["base"] + shares.astype("float64").sum(axis=1)
    np.testing.assert_allclose(rows["log_odds"], total, rtol=0, atol=1e-9)
    np.testing.assert_allclose(rows["hazard"], 1 / (1 + np.exp(-rows["log_odds"])), rtol=1e-12)


def test_what_comes_later_changes_no_earlier_hazard(small, tmp_path):
    shorter = truth(run(tmp_path, months=12))
    longer = truth(small)
    first = longer[longer["month"] < pd.Timestamp(2023, 1, 1)].reset_index(drop=True)
    pd.testing.assert_frame_equal(shorter, first)
    for file in ("truth/customers", "tables/customers", "tables/orders", "tables/market_price"):
        short, long = (pd.read_parquet(root / f"{file}.parquet") for root in (tmp_path, small))
        keys = ["customer_id"] if "customer_id" in short else ["product_line", "month"]
        both = short[keys].merge(long[keys], how="left", indicator=True)
        assert (both["_merge"] == "both").all(), file
    key = [pd.read_parquet(root / "truth" / "customers.parquet") for root in (tmp_path, small)]
    pd.testing.assert_frame_equal(key[0], key[1].head(len(key[0])))


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


def shares_next_month(root: Path, code: str, rows: pd.DataFrame) -> pd.Series:
    """Each row's share of one driver at the first day of the month after its ``day``."""
    month = rows["day"].dt.to_period("M").dt.to_timestamp() + pd.DateOffset(months=1)
    share = truth(root).set_index(["customer_id", "month"])[f"share_{code}"]
    keys = pd.MultiIndex.from_arrays([rows["customer_id"], month])
    return share.reindex(keys).set_axis(rows.index).dropna()


def test_every_driver_of_the_features_has_a_share_and_the_other_way_round():
    drivers = {feature.driver for feature in build_catalog(TABLES).model_features}
    assert drivers | {"profile"} == set(CODES)


@pytest.mark.parametrize(
    ("code", "sign"),
    [
        ("missing_reading", 1),
        ("complaint", 1),
        ("noise", 1),
        ("contradicting_message", 1),
        ("forced_channel", 1),
        ("household", 1),
        ("benefits_used", -1),
    ],
)
def test_one_sided_drivers_are_at_work_and_never_point_the_other_way(large, code, sign):
    share = sign * truth(large)[f"share_{code}"]
    assert share.min() == 0 < share.max()
    assert 0 < (share > 0).mean() < 0.5


@pytest.mark.parametrize("code", ["channel_mix", "survey_silence", "outreach", "profile"])
def test_some_drivers_change_no_risk(large, code):
    assert (truth(large)[f"share_{code}"] == 0).all()


def told_of_faults(root: Path) -> pd.DataFrame:
    """Faults with what the customer was told of them: before the end, or not."""
    faults = frame(root, "incidents").assign(day=happened_on(root, "incidents"))
    messages = frame(root, "notifications").dropna(subset="incident_id")
    keys = ["incident_id", "customer_id"]
    told = messages.groupby(keys)[["sent_at", "promised_end_at"]].min()
    faults = faults.join(told, on=keys)
    return faults.assign(informed=faults["sent_at"] <= faults["ended_at"])


def test_a_fault_nobody_told_of_raises_and_one_told_of_lowers(large):
    faults = told_of_faults(large)
    only = faults[~faults["customer_id"].duplicated(keep=False) & faults["ended_at"].notna()]
    share = shares_next_month(large, "uninformed_incident", only)
    informed = only["informed"].reindex(share.index)
    kept = ~(only["promised_end_at"] < only["ended_at"]).reindex(share.index)
    assert (share[~informed] >= 0.99 * 0.5 * THE_RULE.uninformed_incident).all()
    np.testing.assert_allclose(share[informed & kept], THE_RULE.kept_informed, rtol=1e-6)
    assert (share[informed & ~kept] > THE_RULE.kept_informed).all()
    assert min((~informed).sum(), (informed & kept).sum(), (informed & ~kept).sum()) > 10


def test_a_complaint_weighs_less_with_those_who_were_kept_informed(large):
    complaints = frame(large, "complaints").assign(day=happened_on(large, "complaints"))
    single = complaints[~complaints["customer_id"].duplicated(keep=False)]
    share = shares_next_month(large, "complaint", single)
    last = told_of_faults(large).sort_values("day").groupby("customer_id")["informed"].agg(set)
    informed = single["customer_id"].map(last).reindex(share.index)
    always, never = (
        informed.map(lambda seen, only=only: seen == only) for only in ({True}, {False})
    )
    light = share[always].value_counts(normalize=True)
    assert light.idxmax() == pytest.approx(0.4 * THE_RULE.complaint, rel=1e-6)
    np.testing.assert_allclose(share[never], THE_RULE.complaint, rtol=1e-6)
    assert min(always.sum(), never.sum()) > 3


def test_a_notice_in_the_household_raises_the_hazard_of_the_others(large):
    homes = frame(large, "households")
    notices_ = frame(large, "terminations").query("outcome == 'voluntary'")
    gone = notices_.drop_duplicates("customer_id")[["customer_id", "notified_on"]]
    steady = homes[~homes["customer_id"].duplicated(keep=False)]
    left = steady.merge(gone, on="customer_id").merge(
        steady, on="household_id", suffixes=("_left", "")
    )
    others = left[left["customer_id"] != left["customer_id_left"]]
    others = others[
        others["valid_from"] < others["notified_on"].dt.to_period("M").dt.to_timestamp()
    ]
    share = shares_next_month(large, "household", others.assign(day=others["notified_on"]))
    assert len(share) > 30
    assert (share >= 0.99 * THE_RULE.household).all()
    alone = ~truth(large)["customer_id"].isin(homes["customer_id"])
    assert (truth(large).loc[alone, "share_household"] == 0).all()


def test_a_missed_delivery_weighs_from_the_promised_day_on(large):
    orders = frame(large, "orders")
    missed = orders["delivered_on"].isna() | (orders["delivered_on"] > orders["promised_on"])
    due = orders.assign(day=orders["promised_on"] + timedelta(days=1))
    assert (
        shares_next_month(large, "late_delivery", due[missed & due["delivered_on"].notna()]) > 0
    ).all()
    promised = frame(large, "cases").dropna(subset="promised_on")["customer_id"]
    calm = due[~due["customer_id"].isin({*due["customer_id"][missed], *promised})]
    assert (shares_next_month(large, "late_delivery", calm) == 0).all()
    assert 0.08 < missed.mean() < 0.30


def test_self_service_lowers_unless_it_ends_at_the_telephone(large):
    sessions = frame(large, "self_service").assign(day=happened_on(large, "self_service"))
    single = sessions[~sessions["customer_id"].duplicated(keep=False)]
    share = shares_next_month(large, "self_service", single)
    done = single["completed"].reindex(share.index)
    np.testing.assert_allclose(share[done], THE_RULE.self_service_success, rtol=1e-6)
    assert set(share[~done].round(3).astype(str)) == {"0.0", str(THE_RULE.self_service)}
    calls = frame(large, "contacts").query("direction == 'inbound'")
    pushed = single.loc[share[~done].index[share[~done] > 0]].merge(calls, on="customer_id")
    lag = pushed["started_at_y"] - pushed["started_at_x"]
    soon = lag.between(timedelta(0), timedelta(hours=48)).groupby(pushed["session_id"]).any()
    assert len(soon) > 20
    assert soon.mean() > 0.9


def test_a_benefit_lowers_and_its_absence_raises_after_two_years(large):
    rows = truth(large)
    held = frame(large, "benefits")
    joined = frame(large, "customers").set_index("customer_id")["joined_on"]
    never = rows[~rows["customer_id"].isin(held["customer_id"])]
    long_ago = (never["month"] - never["customer_id"].map(joined)) / timedelta(days=1) > 730
    np.testing.assert_allclose(never["share_loyalty_benefit"], long_ago * THE_RULE.no_benefit)
    span = held.drop_duplicates("customer_id", keep=False).set_index("customer_id")
    some = rows[rows["customer_id"].isin(span.index)]
    since, until = (some["customer_id"].map(span[name]) for name in ("granted_on", "ends_on"))
    inside = (since < some["month"]) & (until >= some["month"])
    assert np.allclose(some["share_loyalty_benefit"][inside], THE_RULE.loyalty_benefit)
    assert (some["share_loyalty_benefit"][~inside] >= 0).all()


def test_a_price_above_last_months_market_weighs(large):
    contracts = frame(large, "contracts")
    single = contracts[~contracts["customer_id"].duplicated(keep=False)]
    moved = set(frame(large, "price_changes")["customer_id"])
    single = single[~single["customer_id"].isin(moved)]
    market = frame(large, "market_price").assign(
        month=lambda t: t["month"] + pd.DateOffset(months=1)
    )
    rows = truth(large).merge(single[["customer_id", "product_line", "price"]], on="customer_id")
    rows = rows.merge(market, on=["product_line", "month"], how="left", suffixes=("", "_asked"))
    gap = rows["price"].astype(float) / rows["price_asked"].astype(float) - 1 - THE_RULE.gap_noticed
    assert (rows["share_market_gap"][gap.isna()] == 0).all()
    assert (rows["share_market_gap"][gap < -1e-9] == 0).all()
    plain = (gap > 0) & (gap < 0.6) & (rows["share_repeat_contact"] == 0)
    auto = rows["share_payment_method"] < -0.2
    weight = rows["share_market_gap"][plain] / gap[plain]
    calm = 1 - THE_RULE.autopay_dampens
    np.testing.assert_allclose(weight[~auto], THE_RULE.market_gap, rtol=1e-5)
    np.testing.assert_allclose(weight[auto], THE_RULE.market_gap * calm, rtol=1e-5)


def test_missing_readings_lead_to_estimated_bills(large):
    readings = frame(large, "meter_readings")
    bills = frame(large, "invoices").query("corrects_invoice_id.isna()")
    bills = bills[bills["known_at"].isna()].sort_values("issued_on")
    readings = readings[readings["due_on"] < pd.Timestamp(2023, 1, 1)].sort_values("due_on")
    next_bill = pd.merge_asof(
        readings.assign(after=readings["due_on"] + pd.offsets.MonthBegin()),
        bills[["customer_id", "issued_on", "estimated"]],
        left_on="after",
        right_on="issued_on",
        by="customer_id",
        direction="forward",
        tolerance=timedelta(days=25),
    ).dropna(subset="estimated")
    share = next_bill["estimated"].astype(bool).groupby(next_bill["status"]).mean()
    assert min(share["missing"], share["estimated"]) > 0.97
    assert share["read"] < 0.06


def test_a_closed_channel_is_another_than_the_one_used(large):
    calls = frame(large, "contacts")
    shut = calls[calls["unavailable_channel"].notna()].assign(day=happened_on(large, "contacts"))
    assert (shut["unavailable_channel"] != shut["channel"]).all()
    assert (shares_next_month(large, "forced_channel", shut) > 0).all()
    assert 0.02 < len(shut) / len(calls) < 0.15


def test_a_no_to_marketing_ends_it_and_is_remembered(large):
    consents = frame(large, "consents").query("purpose == 'marketing'")
    consents = consents.assign(day=happened_on(large, "consents")[consents.index])
    no = consents[~consents["allowed"]]
    assert (shares_next_month(large, "noise", no) >= 0.99 * THE_RULE.noise).all()
    last = no[
        ~no["customer_id"].isin(
            consents[consents["allowed"] & (consents["day"] >= pd.Timestamp(START))]["customer_id"]
        )
    ]
    sent = frame(large, "notifications").query("kind == 'marketing'")
    after = sent.merge(last[["customer_id", "changed_at"]], on="customer_id")
    month = [
        local(after[name]).dt.tz_localize(None).dt.to_period("M")
        for name in ("sent_at", "changed_at")
    ]
    assert len(after) > 50
    assert not (month[0] > month[1]).any()


def test_messages_state_the_new_price_and_few_another(large):
    notices_ = frame(large, "notifications").query("kind == 'price'")
    changes = frame(large, "price_changes").dropna(subset="notified_on")
    days = happened_on(large, "notifications")[notices_.index]
    pairs = notices_.assign(notified_on=days).merge(changes, on=["customer_id", "notified_on"])
    pairs = pairs[~pairs["notification_id"].duplicated(keep=False)]
    wrong = pairs[pairs["stated_price"] != pairs["new_price"]].assign(day=pairs["notified_on"])
    assert 0.03 < len(wrong) / len(pairs) < 0.09
    assert (shares_next_month(large, "contradicting_message", wrong) > 0).all()
    others = frame(large, "notifications").query("kind != 'price'")
    assert others["stated_price"].isna().all()
    opened = frame(large, "notifications").dropna(subset="opened_at")
    assert (opened["opened_at"] >= opened["sent_at"]).all()
    assert (opened["channel"] != "post").all()


def test_nobody_held_out_is_contacted(large):
    treated = frame(large, "treatments")
    held_out = treated["arm"] == "holdout"
    assert 0.1 < held_out.mean() < 0.3
    assert not treated["contacted"][held_out].any()
    assert treated["contacted"][~held_out].any()
    assert treated["channel"][held_out].isna().all()


def test_master_data_follow_what_customers_do(large):
    master = frame(large, "master_data")
    assert set(master["attribute"]) == set(MASTER_DATA) - {"segment"}
    done = frame(large, "payment_method_events").query("step == 'completed' and known_at.isna()")
    noted = master.query("attribute == 'payment_method'")
    found = done.merge(
        noted,
        left_on=["customer_id", "occurred_at", "method"],
        right_on=["customer_id", "valid_from", "value"],
    )
    assert len(found) == len(done) > 100
    first = master.sort_values("valid_from").groupby(["customer_id", "attribute"])["value"].first()
    plans = frame(large, "contracts").drop_duplicates("customer_id").set_index("customer_id")
    same = first.xs("plan", level="attribute").reindex(plans.index) == plans["plan_id"]
    assert same.mean() > 0.99


def test_the_sure_and_the_lost_answer_nothing_and_the_others_opposite_things(large):
    key = parquet.read_table(large / "truth" / "customers.parquet").to_pandas()
    assert key["customer_id"].tolist() == frame(large, "customers")["customer_id"].tolist()
    shares = key["type"].value_counts(normalize=True)
    for name, share in USUAL_TYPES.items():
        assert shares[name] == pytest.approx(share, abs=0.025), name
    effect = key.groupby("type")["effect_of_contact"].agg(["min", "max"])
    assert effect.loc["persuadable", "max"] < 0 < effect.loc["sleeping_dog", "min"]
    assert (effect.loc[["sure", "lost"]] == 0).all(axis=None)


def test_types_change_nothing_but_the_key_to_them(small, tmp_path):
    types = {"persuadable": 0.5, "sure": 0.0, "lost": 0.0, "sleeping_dog": 0.5}
    run(tmp_path, types=types)
    for file in [f"tables/{name}.parquet" for name in WRITTEN] + ["truth/hazard.parquet"]:
        assert (small / file).read_bytes() == (tmp_path / file).read_bytes(), file
    key = parquet.read_table(tmp_path / "truth" / "customers.parquet")
    assert set(key["type"].to_pylist()) == {"persuadable", "sleeping_dog"}


def test_only_those_on_autopay_sleep_and_nobody_who_dealt_with_the_company_lately(large):
    hazards = truth(large).set_index(["customer_id", "month"])
    month = pd.Timestamp("2023-01-01")
    asleep = hazards["asleep"].xs(month, level="month")
    assert 0.2 < (asleep > 0).mean() < 0.6
    assert (asleep == 1).mean() > 0.05
    for name in ("contacts", "self_service", "complaints", "orders", "payment_method_events"):
        on = happened_on(large, name)
        lately = (on < month) & (on >= month - timedelta(days=30))
        seen = asleep.reindex(frame(large, name).loc[lately, "customer_id"]).dropna()
        assert len(seen) > 20, name
        assert (seen == 0).all(), name
    told = frame(large, "contacts").loc[happened_on(large, "contacts") < month, "customer_id"]
    assert (asleep[~asleep.index.isin(told)] > 0).mean() > asleep.gt(0).mean()
    paid = frame(large, "payments")
    by_hand = paid[(paid["method"] != "autopay") & (paid["paid_on"].between("2022-12-02", month))]
    assert (asleep.reindex(by_hand["customer_id"]).dropna() == 0).all()


def test_the_silent_by_nature_are_oftener_sleeping_dogs_and_talk_less(large):
    key = pd.read_parquet(large / "truth" / "customers.parquet").set_index("customer_id")
    dogs, rest = key["type"].eq("sleeping_dog"), key["type"].eq("persuadable")
    assert dogs[key["quiet"] < 0.1].mean() > 3 * dogs[key["quiet"] > 0.1].mean()
    assert rest[key["quiet"] < 0.1].mean() < 0.7 * rest.mean()
    contacts = frame(large, "contacts")["customer_id"].value_counts().reindex(key.index).fillna(0)
    quietest = key["quiet"].between(0, 0.1)
    assert contacts[quietest].mean() < contacts.mean() / 2


def test_lateness_can_be_turned_and_changes_no_hazard(small, tmp_path):
    often = run(tmp_path, late_share=0.3)
    for name in ("invoices", "offers", "meter_readings"):
        assert 0.2 < frame(often, name)["known_at"].notna().mean() < 0.4, name
    pd.testing.assert_frame_equal(truth(often), truth(small))


def test_corrections_and_lateness_can_be_turned_off(small, tmp_path):
    run(tmp_path / "none", corrections=0.0, late_share=0.0, months=6)
    run(tmp_path / "many", corrections=0.05, months=6)
    for name in ("invoices", "offers", "meter_readings"):
        assert frame(tmp_path / "none", name)["known_at"].isna().all(), name
    share = {
        name: frame(root, "invoices")["corrects_invoice_id"].notna().mean()
        for name, root in (
            ("none", tmp_path / "none"),
            ("usual", small),
            ("many", tmp_path / "many"),
        )
    }
    assert share["none"] == 0 < share["usual"] < 0.04 < share["many"] < 0.15
    assert (truth(tmp_path / "none")["share_bill_correction"] == 0).all()
    again = frame(small, "invoices").dropna(subset="corrects_invoice_id")
    assert (again["amount"] < 0).any()
    assert (again["amount"] > 0).any()


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("dirty"), dirty=0.03)


@pytest.mark.parametrize("name", WRITTEN)
def test_dirt_lies_upon_the_same_rows(small, dirty, name):
    clean, soiled = table(small, name), table(dirty, name)
    assert soiled.schema == clean.schema
    log = parquet.read_table(dirty / "truth" / "dirty.parquet").to_pandas()
    log = log[log["table"] == name]
    assert soiled.num_rows == clean.num_rows + (log["fault"] == "duplicate").sum()
    key = TABLES[name].key[0]
    broken = pa.array(log["key"].tolist(), pa.string())
    same = [
        rows.filter(pc.invert(pc.is_in(rows[key].cast(pa.string()), broken)))
        for rows in (clean, soiled)
    ]
    orphans = (
        pc.starts_with(same[1]["customer_id"], "C9")
        if name != "customers" and TABLES[name].per_customer
        else None
    )
    assert same[0].equals(same[1] if orphans is None else same[1].filter(pc.invert(orphans)))


def test_all_dirt_is_set_aside_and_nothing_else(dirty, tmp_path):
    document = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text("utf-8"))
    assert set(document["sources"]) == set(WRITTEN)
    document["paths"] = {"data": str(dirty), "var": str(tmp_path / "var"), "out": str(tmp_path)}
    document["quality"] = {"max_quarantine_share": 0.5}
    for source in document["sources"].values():
        source["duplicates"] = "drop"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    taken = take_snapshot(load_settings(tmp_path / "config.yaml"), tmp_path / "snapshot", as_of=END)
    log = parquet.read_table(dirty / "truth" / "dirty.parquet").to_pandas()
    assert set(log["fault"]) == {"null", "date", "duplicate", "orphan", "negative"}
    for name in WRITTEN:
        found = sum(taken.tables[name].quarantined.values())
        assert found == (log["table"] == name).sum(), name


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
    [
        {"products": ("gas",)},
        {"products": ()},
        {"start": date(2022, 1, 15)},
        {"months": 0},
        {"dirty": 1.5},
        {"late_share": -0.1},
        {"types": {"persuadable": 1.0}},
        {"types": {"persuadable": 0.5, "sure": 0.5, "lost": 0.5, "sleeping_dog": 0.5}},
    ],
)
def test_impossible_orders_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"products|start|dirty|late_share|types"):
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
    remains = {row[0]: (row[2], row[3]) for row in cells if row[2]}
    assert {code: float(value[0]) for code, value in remains.items()} == dict(DECAY)
    caps = {code: float(value[1]) for code, value in remains.items()}
    assert caps == {code: CAPS.get(code, 2.0) for code in DECAY}


def test_margins_are_log_normal_by_product_line_and_rise_with_tenure(large: Path) -> None:
    customers = pd.read_parquet(large / "tables" / "customers.parquet").set_index("customer_id")
    contracts = pd.read_parquet(large / "tables" / "contracts.parquet")
    lines = contracts.groupby("customer_id")["product_line"].agg(lambda own: "+".join(sorted(own)))
    logs = np.log(customers["margin_per_year"].astype(float))
    level = logs.groupby(lines).mean()
    assert level["electricity"] < level["broadband"] < level["broadband+electricity"]
    rest = logs - lines.map(level)
    assert rest.std() == pytest.approx(0.5, abs=0.03)
    assert abs(rest.skew()) < 0.15
    years = (pd.Timestamp(START) - pd.to_datetime(customers["joined_on"])).dt.days.clip(0) / 365
    assert 0.05 < np.corrcoef(rest, np.log1p(years))[0, 1] < 0.3


def test_a_list_that_is_acted_on_calls_the_same_share_and_lowers_what_follows(tmp_path):
    run(tmp_path, acted_on=0.8, months=8)
    hazards, treated = truth(tmp_path), frame(tmp_path, "treatments")
    listed = treated.groupby("customer_id")["arm"].nunique()
    calls = treated.assign(month=treated["treated_at"].dt.to_period("M").dt.to_timestamp())
    felt = hazards.set_index(["customer_id", "month"])["share_unresolved_case"]
    keys = pd.MultiIndex.from_frame(calls[["customer_id", "month"]])
    on_list = calls[(felt.reindex(keys) >= 0.5 * THE_RULE.unresolved_case - 1e-6).to_numpy()]
    assert on_list["treated_at"].dt.day.quantile(0.95) <= 4
    assert 0.65 < (on_list["arm"] == "treat").mean() < 0.95
    assert (listed.loc[on_list["customer_id"].unique()] == 1).mean() > 0.9
    called = on_list.loc[on_list["arm"] == "treat", "customer_id"].unique()
    shares = hazards.groupby("customer_id")["share_outreach"].min()
    assert (shares.reindex(called) <= 0).all()
    assert (shares.reindex(called) < -1).mean() > 0.6
    never = set(shares.index) - set(treated.loc[treated["arm"] == "treat", "customer_id"])
    assert (shares.loc[sorted(never)] == 0).all()
