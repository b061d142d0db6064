"""Every driver names an action for a customer's facts, or why nothing is done."""

import numpy as np
import pandas as pd
import pytest

from features.catalog import build_catalog
from features.contract import TABLES
from pipelines.config.sources import Attribute
from pipelines.config.text_files import ACTIONS, text_file
from pipelines.lists.actions import advice_texts, can_be_reasons, load_actions, suggest
from pipelines.lists.templates import DRIVERS, FACTS, load_templates

RULES = load_actions(ACTIONS)
TEMPLATES = load_templates(text_file("reasons", "en"))
FEATURES = build_catalog(tuple(TABLES)).model_features
FIXES = [code for code, action in RULES.actions.items() if action.lane == "fix"]


def advice(driver: str, **facts: object) -> pd.Series:
    return suggest(pd.DataFrame([{"reason_1_driver": driver} | facts]), RULES, 1).iloc[0]


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_ends_in_an_action_or_in_why_not(driver: str) -> None:
    got = advice(driver)
    assert pd.isna(got["suggested_action"]) != pd.isna(got["no_action_driver"])
    texts = advice_texts(got.to_frame().T, RULES, "nb").iloc[0]
    assert texts.notna().sum() == 1
    assert 10 < len(str(texts.dropna().iloc[0])) <= 140


def test_every_driver_of_a_feature_is_in_the_table() -> None:
    assert {f.driver for f in FEATURES} | {"profile"} == set(DRIVERS) == set(RULES.drivers)


def test_nothing_that_the_customer_is_can_be_acted_on() -> None:
    extreme = {fact: 1e6 for fact, kind in FACTS.items() if kind not in ("date", "text")}
    for driver in ("tenure", "product", "household", "outreach", "contact_volume", "profile"):
        assert pd.isna(advice(driver, **extreme)["suggested_action"])
        assert advice(driver)["no_action_driver"] == driver


@pytest.mark.parametrize("driver", [d for d in DRIVERS if set(RULES.drivers[d].codes) & set(FIXES)])
def test_a_repair_needs_a_fact_of_the_companys_own_fault(driver: str) -> None:
    assert advice(driver)["suggested_action"] not in FIXES
    for step in RULES.drivers[driver].actions:
        if step.do in FIXES:
            facts = {f: high if low is None else low for f, (low, high) in step.when.items()}
            assert advice(driver, **facts)["suggested_action"] == step.do


def test_who_pays_late_is_not_repaired() -> None:
    late = {"days_late_max_90d": 41.0, "late_payments_90d": 1.0}
    assert advice("dunning", **late)["suggested_action"] == "A3"
    unfriendly = {"fees_without_friendly_reminder_90d": 1.0}
    assert advice("dunning", **unfriendly)["suggested_action"] == "A2"


def test_one_owner_is_for_a_case_that_is_open() -> None:
    for driver in ("unresolved_case", "late_delivery", "repeat_contact", "scattered_history"):
        assert advice(driver)["suggested_action"] != "A6"
        assert advice(driver, open_cases=1.0)["suggested_action"] == "A6"


def test_one_offer_is_reached_by_who_has_one_product() -> None:
    assert advice("bundle", products_n=1.0, bundle_broken_365d=0.0)["suggested_action"] == "A11"
    assert advice("bundle", products_n=1.0, bundle_broken_365d=1.0)["suggested_action"] == "A4"


def test_others_in_the_household_are_never_mentioned() -> None:
    facts = {"household_churn_180d": 1.0, "latest_household_notice_on": pd.Timestamp("2024-01-01")}
    got = advice("wait", **facts)
    assert got["do_not"].split(";") == ["answer_with_bot", "mention_others"]
    raises, lowers = can_be_reasons(TEMPLATES, RULES, {}, pd.DataFrame([facts]))
    assert not raises["household"].any()
    assert not lowers["household"].any()


def test_a_reason_is_fresh_and_one_to_act_on_is_marked() -> None:
    facts = pd.DataFrame(
        {
            "autopay": [0.0, 0.0],
            "autopay_cancelled_365d": [1.0, 0.0],
            "autopay_cancelled_on": pd.to_datetime(["2024-05-01", "2022-05-01"]),
            "binding_days_left": [30.0, 0.0],
            "days_since_binding_end": [np.nan, 3_000.0],
            "binding_until": pd.to_datetime(["2024-07-01", "2015-07-01"]),
            "tenure_days": [4_021.0, 4_021.0],
            "customer_since": pd.to_datetime(["2013-06-01", "2013-06-01"]),
            "attr_gas": ["Yes", None],
        }
    )
    gas = {"gas": Attribute(column="gas", type="category", driver="bundle")}
    raises, lowers = can_be_reasons(TEMPLATES, RULES, gas, facts)
    assert raises["binding"].tolist() == [2, 0]
    assert raises["tenure"].tolist() == [1, 1]
    assert raises["attr_gas"].tolist() == [2, 0]
    assert lowers["attr_gas"].tolist() == [True, False]
    assert raises["payment_method"].tolist() == [2, 2]
