"""The simulated company keeps the data contract."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import yaml
from companies import ARROW_TYPES
from pyarrow import parquet
from simulated import (
    END,
    EVENTS,
    OLDER,
    ROOT,
    frame,
    happened_on,
    local,
    notices,
    run,
    shares_next_month,
    table,
    truth,
)

from features.catalog import build_catalog
from features.contract import FORBIDDEN_COLUMNS, TABLES
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import CHECK
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.simulator.clock import START, make_clock
from pipelines.simulator.options import THE_RULE
from pipelines.simulator.record import columns_of, encode, hide_unseen
from pipelines.simulator.world import Month
from pipelines.simulator.writer import CLAIMS, WRITTEN
from pipelines.snapshots.snapshot import take_snapshot


def test_the_same_seed_gives_the_same_files_and_another_seed_does_not(small, tmp_path):
    again, other = run(tmp_path / "again"), run(tmp_path / "other", seed=6)
    files = [f"tables/{name}.parquet" for name in WRITTEN]
    files += ["truth/hazard.parquet", "truth/customers.parquet"]
    for file in files:
        assert (small / file).read_bytes() == (again / file).read_bytes(), file
        assert (small / file).read_bytes() != (other / file).read_bytes(), file


@pytest.mark.parametrize("name", [*WRITTEN, CLAIMS])
def test_tables_have_the_contract_columns_types_and_values(small, insured, name):
    contract, data = TABLES[name], table(insured if name in (CLAIMS, "contracts") else small, name)
    assert data.num_rows > 0
    names = [column.name for column in columns_of(contract)]
    assert [column for column in data.column_names if column != "known_at"] == names
    assert not set(data.column_names) & set(FORBIDDEN_COLUMNS)
    for column in columns_of(contract):
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
    clock, contract = make_clock(1), TABLES[name]
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
    monkeypatch.setattr("pipelines.simulator.dealings.make_claims", lambda world, month: None)
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


def test_a_company_that_insures_passes_check_and_has_every_feature_of_policies(
    insured, tmp_path, monkeypatch
):
    document = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text("utf-8"))
    document["paths"] = {"data": str(insured)} | {n: str(tmp_path / n) for n in ("var", "out")}
    document["sources"]["claims"] = {"path": "tables/claims.parquet"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.chdir(ROOT)
    CHECK.start(tmp_path / "config.yaml", END)
    settings = load_settings(tmp_path / "config.yaml")
    snapshot = take_snapshot(settings, tmp_path / "snapshot", as_of=END)
    job = MatrixJob(catalog_of(settings.sources, snapshot), (END,))
    (part,) = build_matrix(settings, snapshot, job, tmp_path / "matrix", lambda: None)
    drivers = ("claims", "renewal")
    named = [f for f in build_catalog(TABLES).model_features if f.driver in drivers]
    matrix = pd.read_parquet(part.features)[[f.name for f in named]]
    assert len(matrix.columns) == 12
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
