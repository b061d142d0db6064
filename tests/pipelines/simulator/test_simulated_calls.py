"""Calls of a list move those whom they reach, by their type, and the answer key says how far."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import ROOT, run, table, truth

from benchmarks.acted_on.expected_effect import expected_effect
from pipelines.lists.actions import load_actions
from pipelines.simulator.calling import FITTING, OFFERING
from pipelines.simulator.options import OwnList
from pipelines.simulator.record import ACTIONS
from pipelines.simulator.writer import WRITTEN

NOBODY_MOVES = {"persuadable": 0.0, "sure": 1.0, "lost": 0.0, "sleeping_dog": 0.0}
NIGHTS = pd.to_datetime(["2022-05-01", "2022-07-01"])
MONTHS = 10
MOVING = {"months": MONTHS, "reach": 1.0, "fit": (1.5, 0.5), "accept": 0.4}


def everybody(root: Path, nights=NIGHTS, action="A9") -> pd.DataFrame:
    """A call to every other customer of some nights; one in ten of them held out."""
    rows = truth(root)[["customer_id", "month"]]
    rows = rows[rows["month"].isin(nights)].iloc[::2]
    arm = np.where(np.arange(len(rows)) % 10 == 0, "holdout", "treat")
    return rows.rename(columns={"month": "published_on"}).assign(action=action, arm=arm)


def key(root: Path, name: str) -> pd.DataFrame:
    rows = pd.read_parquet(root / "truth" / f"{name}.parquet")
    return rows.assign(month=pd.to_datetime(rows["month"]))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory) -> Path:
    """Nobody is called."""
    return run(tmp_path_factory.mktemp("quiet"), **MOVING)


@pytest.fixture(scope="module")
def busy(quiet, tmp_path_factory) -> Path:
    return run(tmp_path_factory.mktemp("busy"), calls=everybody(quiet), **MOVING)


def test_the_actions_answer_the_drivers_that_the_product_means():
    rules = load_actions(ROOT / "configs" / "actions.yaml").drivers
    for action in ACTIONS:
        meant = {driver for driver, rule in rules.items() if action in rule.codes}
        assert set(FITTING.get(action, ())) <= meant, action
    assert set(OFFERING) <= set(ACTIONS)


def test_a_call_is_reported_as_it_was_made(quiet, busy):
    calls = everybody(quiet)
    log = key(busy, "calls")
    assert len(log) == len(calls)
    told = table(busy, "treatments").to_pandas()
    told = told[told["action"].eq("A9") & pd.to_datetime(told["published_on"]).isin(NIGHTS)]
    assert sorted(told["arm"]) == sorted(calls["arm"])
    assert (told["contacted"] == (told["arm"] == "treat")).all()
    assert set(told["treated_at"].dt.day) == {1, 2, 3}


def test_calls_of_a_night_change_nothing_before_it(quiet, busy, tmp_path):
    before = [truth(root)[lambda t: t["month"] < NIGHTS[0]] for root in (quiet, busy)]
    pd.testing.assert_frame_equal(*before)
    calls = everybody(quiet)
    shorter = run(
        tmp_path, calls=calls[calls["published_on"] < NIGHTS[1]], **MOVING | {"months": 6}
    )
    pd.testing.assert_frame_equal(truth(shorter), truth(busy)[lambda t: t["month"] < NIGHTS[1]])
    again = run(tmp_path / "again", calls=calls, **MOVING)
    for name in WRITTEN:
        assert table(again, name).equals(table(busy, name)), name


def test_calls_that_move_nobody_change_no_hazard(quiet, tmp_path):
    calls = everybody(quiet)
    moved = run(tmp_path, calls=calls, **MOVING | {"types": NOBODY_MOVES})
    pd.testing.assert_series_equal(
        truth(moved)["share_outreach"] * 0, truth(moved)["share_outreach"]
    )
    first = truth(moved)["month"] <= NIGHTS[0]
    columns = ["customer_id", "hazard"]
    pd.testing.assert_frame_equal(
        truth(moved).loc[first, columns], truth(quiet).loc[first, columns]
    )


def test_a_call_moves_by_type_and_by_what_it_answers(busy):
    log = key(busy, "calls").merge(pd.read_parquet(busy / "truth" / "customers.parquet"))
    reached = log[log["reached"]]
    part = reached["effect"] / reached["effect_of_contact"]
    persuadable = reached["type"].eq("persuadable")
    np.testing.assert_allclose(part[persuadable & reached["fits"]], 1.5)
    np.testing.assert_allclose(part[persuadable & ~reached["fits"]], 0.5)
    assert (reached["effect"][reached["type"].isin(["sure", "lost"])] == 0).all()
    assert (part[reached["type"].eq("sleeping_dog")].between(0, 1)).all()
    assert (log["effect"][~log["reached"]] == 0).all()
    lived = truth(busy).merge(log, on=["customer_id", "month"])
    first = lived["month"] == NIGHTS[0]
    np.testing.assert_allclose(lived["share_outreach"][first], lived["effect"][first], rtol=1e-6)


def test_the_company_calls_its_own_list_until_an_outside_policy_begins(quiet, tmp_path):
    own = OwnList(0.2, 0.25)
    root = run(tmp_path, own_list=own, calls=everybody(quiet), **MOVING)
    log = key(root, "calls")
    assert set(log["month"]) == {*pd.date_range("2022-01-01", "2022-04-01", freq="MS"), *NIGHTS}
    first = log[log["month"] == pd.Timestamp("2022-01-01")]
    hazards = key(root, "responses").set_index(["customer_id", "month"])["hazard_untouched"]
    now = hazards.xs(pd.Timestamp("2022-01-01"), level="month")
    assert now[first["customer_id"]].min() >= now.drop(first["customer_id"]).max()
    assert len(first) == round(0.2 * len(now))
    assert 0.1 < first["held_out"].mean() < 0.4
    arms = log[log["month"] < NIGHTS[0]].groupby("customer_id")["held_out"].nunique()
    assert (arms == 1).all()


@pytest.mark.parametrize(("kind", "action"), [("persuadable", "A4"), ("sleeping_dog", "A9")])
def test_the_expected_effect_of_a_call_is_what_simulating_again_gives(
    quiet, tmp_path, kind, action
):
    calls = everybody(quiet, NIGHTS[:1], action).assign(arm="treat")
    found = expected_effect(quiet / "truth", calls, 104)
    types = pd.read_parquet(quiet / "truth" / "customers.parquet").set_index("customer_id")["type"]
    lived = leaves(quiet, calls["customer_id"]).notna().to_numpy()
    own = found[lived & types.reindex(calls["customer_id"]).eq(kind).to_numpy()]
    most = calls.loc[[own["reduction"].abs().idxmax()]]
    again = leaves(run(tmp_path, calls=most, **MOVING), most["customer_id"]).iloc[0]
    expected = found.loc[most.index[0]]
    assert leaves(quiet, most["customer_id"]).iloc[0] == pytest.approx(expected["alone"], rel=1e-6)
    assert again == pytest.approx(expected["if_reached"], rel=1e-6)
    assert (expected["reduction"] > 0.01) == (kind == "persuadable")
    assert abs(expected["reduction"]) > 0.005
    assert found["offer"].mean() == pytest.approx(0.4 if action == "A4" else 0, abs=0.1)


def leaves(root: Path, customers: pd.Series) -> pd.Series:
    """The chance of leaving in May, June, July and 12 days of August 2022, NaN unless lived."""
    hazard = truth(root).pivot(index="customer_id", columns="month", values="hazard")
    hazard = hazard.reindex(customers)[pd.date_range("2022-05-01", periods=4, freq="MS")]
    return 1 - ((1 - hazard) ** [1, 1, 1, 12 / 31]).prod(axis=1, skipna=False)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"published_on": pd.Timestamp("2022-05-02")}, "first day"),
        ({"published_on": pd.Timestamp("2032-05-01")}, "first day"),
        ({"action": "A2"}, "action"),
        ({"arm": "maybe"}, "arm"),
        ({"customer_id": "C0000001"}, "once a night"),
    ],
)
def test_calls_that_cannot_be_made_are_refused(quiet, tmp_path, wrong, words):
    with pytest.raises(ValueError, match=words):
        run(tmp_path, calls=everybody(quiet).assign(**wrong), **MOVING)


def test_mates_feel_their_part_and_the_key_counts_it(quiet, tmp_path):
    calls = everybody(quiet, NIGHTS[:1]).assign(arm="treat")
    found = expected_effect(quiet / "truth", calls, 104, household_spill=0.5)
    most = calls.loc[[found["mates"].idxmax()]]
    root = run(tmp_path, calls=most, household_spill=0.5, **MOVING)
    first = truth(root)[lambda t: t["month"] == NIGHTS[0]].set_index("customer_id")
    homes = key(root, "responses")[lambda t: t["month"] == NIGHTS[0]].set_index("customer_id")
    caller = most["customer_id"].iloc[0]
    mates = homes.index[homes["household_id"] == homes.loc[caller, "household_id"]].drop(caller)
    effect = key(root, "calls").set_index(["customer_id", "month"])["effect"][caller, NIGHTS[0]]
    np.testing.assert_allclose(first["share_outreach"][mates], 0.5 * effect, rtol=1e-6)
    assert set(first.index[first["share_outreach"] != 0]) == {caller, *mates}
    names = mates.to_series()
    fewer = (leaves(quiet, names) - leaves(root, names)).sum()
    assert fewer == pytest.approx(found.loc[most.index[0], "mates"], rel=1e-5)
    assert fewer > 0.001


def test_some_take_the_offer_of_a_call_and_pay_no_heed_to_other_actions(quiet, tmp_path):
    for action, share in (("A4", 0.4), ("A9", 0.0)):
        calls = everybody(quiet, NIGHTS[:1], action)
        root = run(tmp_path / action, calls=calls, **MOVING | {"months": 5})
        log = key(root, "calls")[lambda t: t["reached"]]
        assert log["offer_taken"].mean() == pytest.approx(share, abs=0.1)
        told = table(root, "treatments").to_pandas()
        told = told[pd.to_datetime(told["published_on"]) == NIGHTS[0]]
        assert told["answer"].eq("yes").sum() == log["offer_taken"].sum()


def test_on_a_list_notice_is_given_after_the_call_in_both_arms(tmp_path):
    """Everybody is listed and many leave: no leaver of the first days drops out of an arm."""
    root = run(tmp_path, months=3, own_list=OwnList(1.0, 0.3), level=2.5)
    told = table(root, "treatments").to_pandas()
    assert len(told) == len(key(root, "calls"))
    ends = table(root, "terminations").to_pandas().drop_duplicates("customer_id")
    both = told.merge(ends, on="customer_id")
    days = [pd.to_datetime(both[name]).dt.normalize() for name in ("treated_at", "notified_on")]
    assert (days[0] < days[1]).all()
    same = days[0].dt.to_period("M") == days[1].dt.to_period("M")
    assert same.sum() > 50


def test_in_a_month_with_a_list_there_are_no_other_outreaches(quiet, busy):
    for root, nights in ((quiet, set()), (busy, set(NIGHTS))):
        told = table(root, "treatments").to_pandas()
        listed = told["treated_at"].dt.to_period("M").isin(NIGHTS.to_period("M"))
        days = set(pd.to_datetime(told["published_on"])[listed])
        assert days == nights if nights else len(days) > 3
