from pathlib import Path

import pandas as pd
import pytest
import yaml

from features.catalog import build_catalog
from features.contract import TABLES
from features.errors import ConfigError
from pipelines.lists.actions import ActionStep, load_actions, suggest
from pipelines.lists.templates import DRIVERS

SHIPPED = Path("configs/actions.yaml")
RULES = load_actions(SHIPPED)
FORBIDDING = [(code, action) for code, rule in RULES.do_not.items() for action in rule.forbids]


def customer(*drivers, **facts):
    reasons = {f"reason_{n}_driver": driver for n, driver in enumerate(drivers, 1)}
    missing = {f"reason_{n}_driver": None for n in range(len(drivers) + 1, 4)}
    return pd.DataFrame([reasons | missing | facts])


def suggested(rules=RULES, *drivers, **facts):
    row = suggest(customer(*drivers, **facts), rules, 3).iloc[0]
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def test_every_rule_cites_its_source_and_every_driver_is_a_driver():
    assert set(RULES.drivers) <= set(DRIVERS)
    rules = [*RULES.actions.values(), *RULES.drivers.values(), *RULES.do_not.values()]
    assert all(rule.source.startswith("S") for rule in rules)


def test_the_strongest_reason_that_calls_for_something_decides():
    got = suggested(RULES, "tenure", "wait", "price_rise")
    assert (got["suggested_action"], got["action_driver"], got["action_lane"]) == (
        "A9",
        "wait",
        "call",
    )
    assert got["minutes"] == 15
    assert got["do_not"] == "hold_back_notice;answer_with_bot"


def test_a_driver_that_nobody_can_act_on_gives_no_action():
    got = suggested(RULES, "tenure", "contact_volume")
    assert (got["suggested_action"], got["action_lane"], got["do_not"]) == (None, None, None)
    assert (got["minutes"], got["no_action_driver"]) == (None, "tenure")


def test_the_companys_own_faults_are_repaired_without_outreach():
    assert suggested(RULES, "bill_correction", corrections_90d=1.0)["action_lane"] == "fix"
    assert suggested(RULES, "bill_correction", corrections_90d=0.0)["action_lane"] == "service"
    assert suggested(RULES, "payment_setup", autopay_setup_errors_90d=1.0)["action_lane"] == "fix"
    assert suggested(RULES, "uninformed_incident")["action_lane"] == "service"


@pytest.mark.parametrize("code", RULES.do_not)
def test_each_do_not_holds_for_the_customers_it_is_about(code):
    rule = RULES.do_not[code]
    facts = {fact: low if low is not None else high for fact, (low, high) in rule.when.items()}
    drivers = rule.drivers[:1] or ("tenure",)
    assert code in suggested(RULES, *drivers, **facts)["do_not"].split(";")
    outside = dict.fromkeys(rule.when)
    others = suggested(RULES, "tenure", **outside)["do_not"]
    assert others is None or code not in others.split(";")


@pytest.mark.parametrize(("code", "action"), FORBIDDING)
def test_a_forbidden_action_is_never_suggested(code, action):
    """The violating case: the driver calls for the action, and the rule is what prevents it."""
    rule = RULES.do_not[code]
    driver = rule.drivers[0] if rule.drivers else "wait"
    calls = RULES.drivers["wait"].model_copy(update={"actions": (ActionStep(do=action),)})
    tempted = RULES.model_copy(update={"drivers": {**RULES.drivers, driver: calls}})
    unruly = tempted.model_copy(
        update={"do_not": {c: r for c, r in RULES.do_not.items() if c != code}}
    )
    facts = {fact: low if low is not None else high for fact, (low, high) in rule.when.items()}
    assert suggested(unruly, driver, **facts)["suggested_action"] == action
    assert suggested(tempted, driver, **facts)["suggested_action"] is None


@pytest.mark.parametrize("code", [code for code, rule in RULES.do_not.items() if rule.when])
def test_a_rule_about_facts_is_not_about_customers_to_whom_nothing_happened(code):
    fills = {f.name: f.fill for f in build_catalog(tuple(TABLES)).features}
    quiet = suggested(RULES, "wait", **{fact: fills[fact] for fact in RULES.do_not[code].when})
    assert code not in (quiet["do_not"] or "").split(";")
    assert quiet["suggested_action"] == "A9"


def test_an_open_complaint_is_given_an_owner_and_sold_nothing():
    complaint = {"open_complaint_days": 3.0, "open_complaints": 1.0}
    got = suggested(RULES, "price_rise", "complaint", **complaint)
    assert got["suggested_action"] == "A12"
    assert "sell_to_complaint" in got["do_not"]
    assert suggested(RULES, "price_rise", "complaint")["suggested_action"] == "A4"


def test_rows_do_not_depend_on_each_other():
    rows = pd.concat([customer("wait"), customer("tenure"), customer("bill_shock")])
    rows.index = pd.Index(["a", "b", "c"])
    whole = suggest(rows, RULES, 3)
    for name in rows.index:
        pd.testing.assert_frame_equal(whole.loc[[name]], suggest(rows.loc[[name]], RULES, 3))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("drivers", "wait", "actions"), ["A99"], "drivers.wait: 'A99' is no action"),
        (("drivers", "weather"), {"actions": ["A1"], "source": "S1"}, "'weather' is no driver"),
        (("drivers", "wait", "actions"), [{"do": "A9", "when": {"mood": [1, None]}}], "no fact"),
        (("drivers", "binding", "actions"), [{"do": "A4", "when": {"autopay": [1, 1]}}], "nothing"),
        (("actions", "A9", "opening"), {"en": "Hello."}, "opening"),
        (("do_not", "add_noise", "drivers"), [], "it is about nobody"),
        (("do_not", "add_noise", "when"), {"mood": [1, None]}, "'mood' is no fact"),
        (("actions", "A1", "lane"), "sell", "lane"),
        (("actions", "A1", "source"), "", "source"),
    ],
)
def test_a_broken_table_is_refused_with_its_place(tmp_path, place, value, said):
    table = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    *parents, last = place
    inner = table
    for key in parents:
        inner = inner[key]
    inner[last] = value
    path = tmp_path / "actions.yaml"
    path.write_text(yaml.safe_dump(table), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_actions(path)
