"""The simulated company keeps its own leaving rule."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from simulated import frame, happened_on, local, notices, run, shares_next_month, truth

from features.contract import MASTER_DATA
from pipelines.simulator.clock import START
from pipelines.simulator.options import CODES, THE_RULE, USUAL_TYPES
from pipelines.simulator.writer import WRITTEN


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


def test_every_driver_of_the_features_acts_on_somebody_but_those_that_change_no_risk(large):
    shares = truth(large)[[f"share_{code}" for code in CODES]]
    idle = {name.removeprefix("share_") for name in shares if not shares[name].any()}
    # Outreach acts where lists are acted on, claims and renewals where insurance is sold; the rule
    # was set before the rest.
    assert idle == {
        *("payment_due", "contrary_price_rise", "plan_fit", "bundle_offer", "consumption_bonus"),
        *("uninformed_progress", "felt_informed"),
        "channel_mix",
        "survey_silence",
        "outreach",
        "contact_volume",
        "claims",
        "renewal",
        "profile",
    }


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
