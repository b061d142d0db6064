import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.lists.lanes import LANES, Capacity, place

RULES = {"no_action", "satisfied_silent", "asleep", "not_worth_it", "household", "holdout"}
RULES |= {"capacity"}


def customers(*rows):
    base = {
        "churn_probability": 0.5,
        "expected_value": 100.0,
        "action_lane": "call",
        "minutes": 10.0,
        "contact_block_reason": None,
        "arm": "treat",
        "household_id": None,
        "was_called": False,
    }
    made = [{"customer_id": f"C{n}"} | base | row for n, row in enumerate(rows)]
    return pd.DataFrame(made)


def placed(rows, minutes=1000.0):
    got = place(rows, Capacity(minutes))
    return [
        (lane, None if pd.isna(rule) else rule)
        for lane, rule in zip(got["lane"], got["lane_rule"], strict=True)
    ]


def test_every_customer_goes_to_one_place_for_one_reason():
    rows = customers(
        {},
        {"action_lane": "fix", "minutes": 0.0, "arm": "holdout"},
        {"action_lane": "service", "minutes": 0.0, "contact_block_reason": "opted_out"},
        {"contact_block_reason": "vulnerable", "arm": "holdout"},
        {"arm": "holdout"},
        {"action_lane": None, "minutes": np.nan},
        {"expected_value": -1.0, "churn_probability": 0.9},
    )
    assert placed(rows) == [
        ("call", None),
        ("fix", None),
        ("service", None),
        ("suppressed", "vulnerable"),
        ("suppressed", "holdout"),
        ("none", "no_action"),
        ("leave_in_peace", "not_worth_it"),
    ]


def test_who_is_worth_nothing_and_unlikely_to_be_called_is_simply_not_listed():
    rows = customers(
        {"expected_value": -5.0, "churn_probability": 0.9},
        {"expected_value": -5.0, "churn_probability": 0.1},
    )
    assert placed(rows, minutes=10) == [
        ("leave_in_peace", "not_worth_it"),
        ("none", "not_worth_it"),
    ]


def test_minutes_go_to_whom_they_save_most():
    rows = customers(
        {"expected_value": 300.0, "minutes": 30.0},
        {"expected_value": 200.0, "minutes": 10.0},
        {"expected_value": 150.0, "minutes": 10.0},
    )
    assert placed(rows, minutes=20) == [("none", "capacity"), ("call", None), ("call", None)]
    got = place(rows, Capacity(1000.0))
    assert got["call_rank"].tolist() == [1, 2, 3]


def test_a_household_is_called_once_for_its_most_valuable_member():
    rows = customers(
        {"household_id": "H", "expected_value": 50.0},
        {"household_id": "H", "expected_value": 90.0},
        {"household_id": None},
        {"household_id": None},
    )
    assert placed(rows) == [
        ("suppressed", "household"),
        ("call", None),
        ("call", None),
        ("call", None),
    ]


def test_a_household_bars_nobody_when_none_of_it_is_called():
    rows = customers(
        {"expected_value": 300.0},
        {"household_id": "H", "expected_value": 50.0},
        {"household_id": "H", "expected_value": 90.0},
    )
    assert placed(rows, minutes=10) == [("call", None), ("none", "capacity"), ("none", "capacity")]


def test_the_holdout_is_who_would_have_been_called():
    rows = customers(
        {"expected_value": 300.0},
        {"expected_value": 310.0, "arm": "holdout"},
        {"expected_value": 200.0},
        {"expected_value": 290.0, "arm": "holdout"},
    )
    assert placed(rows, minutes=10)[1::2] == [("suppressed", "holdout"), ("none", "capacity")]
    assert placed(rows, minutes=20)[1::2] == [("suppressed", "holdout")] * 2
    assert placed(rows, minutes=0) == [("none", "capacity")] * 4


def test_the_holdout_is_as_hard_to_enter_as_the_call_list():
    """The first stays from last night, so of the others only the best is called anew."""
    rows = customers(
        {"expected_value": 60.0, "was_called": True},
        {"expected_value": 100.0},
        {"expected_value": 90.0},
        {"expected_value": 90.0, "arm": "holdout"},
        {"expected_value": 100.0, "arm": "holdout"},
    )
    called, held_out, not_called = ("call", None), ("suppressed", "holdout"), ("none", "capacity")
    expected = [called, called, not_called, not_called, held_out]
    assert placed(rows, minutes=20) == expected


def test_of_a_held_out_household_the_one_who_would_have_been_called_is_compared():
    rows = customers(
        {"expected_value": 80.0},
        {"expected_value": 75.0},
        {"household_id": "H", "expected_value": 90.0, "arm": "holdout"},
        {"household_id": "H", "expected_value": 95.0, "arm": "holdout"},
        {"household_id": "J", "expected_value": 70.0, "arm": "holdout"},
    )
    mate, held_out = ("suppressed", "household"), ("suppressed", "holdout")
    full = ("none", "capacity")
    assert placed(rows, minutes=10) == [("call", None), full, mate, held_out, full]


HOUSEHOLDS = st.lists(
    st.tuples(st.integers(1, 400), st.sampled_from(["H1", "H2", "H3", None])),
    min_size=1,
    max_size=12,
    unique_by=lambda member: member[0],
)


@given(HOUSEHOLDS, st.sampled_from([10.0, 30.0, 60.0]))
def test_the_arms_are_chosen_by_one_rule(members, minutes):
    """The same households once to be called and once held out: the same members are compared."""
    both = [
        {"expected_value": float(value), "household_id": home and arm + home, "arm": arm}
        for arm in ("treat", "holdout")
        for value, home in members
    ]
    found = placed(customers(*both), minutes=minutes)
    treat, held_out = found[: len(members)], found[len(members) :]
    words = {("call", None): ("suppressed", "holdout")}
    assert held_out == [words.get(each, each) for each in treat]


def test_the_satisfied_and_silent_are_left_in_peace():
    rows = customers({"satisfied_silent": True}, {"satisfied_silent": None})
    assert placed(rows) == [("leave_in_peace", "satisfied_silent"), ("call", None)]


def test_a_sleeper_is_left_in_peace_unless_waking_them_is_known_to_be_worth_it():
    rows = customers(
        {"asleep": True, "expected_value": -1.0, "churn_probability": 0.1},
        {"asleep": True, "expected_value": 1.0},
        {"asleep": True, "action_lane": "fix"},
        {"asleep": False},
    )
    peace, called = ("leave_in_peace", "asleep"), ("call", None)
    assert placed(rows) == [peace, called, ("fix", None), called]
    unknown = rows.assign(expected_value=np.nan)
    assert placed(unknown) == [peace, peace, ("fix", None), called]


STAYS, FALLS = [("none", "capacity"), ("call", None)], [("call", None), ("none", "capacity")]


def test_who_was_called_for_stays_until_the_risk_is_far_below_the_usual():
    def second(risk, was_called, value=1.0):
        rows = customers(
            {"churn_probability": 0.6},
            {"churn_probability": risk, "expected_value": value, "was_called": was_called},
        )
        return placed(rows, minutes=10)

    assert second(0.21, was_called=True) == STAYS
    assert second(0.20, was_called=True) == FALLS
    assert second(0.60, was_called=False) == FALLS
    assert second(0.60, was_called=True, value=-1.0) == [("call", None), ("none", "not_worth_it")]


def test_a_list_can_remember_nobody():
    rows = customers({}, {"churn_probability": 0.9, "expected_value": 1.0, "was_called": True})
    assert place(rows, Capacity(10.0, np.inf))["lane"].tolist() == ["call", "none"]


def test_the_usual_risk_is_the_median_of_a_list_that_remembers_nobody():
    """0.5 of 0.9, 0.5 and 0.4: their mean is 0.6; with the member it would be 0.45."""
    new = [{"churn_probability": risk, "expected_value": 100.0} for risk in (0.9, 0.5, 0.4)]
    for risk, lane in ((0.18, "call"), (0.17, "none")):
        member = {"churn_probability": risk, "expected_value": 1.0, "was_called": True}
        assert placed(customers(*new, member), minutes=30)[-1][0] == lane


def test_a_team_without_time_calls_nobody_again():
    rows = customers({"churn_probability": 0.6, "was_called": True})
    assert placed(rows, minutes=5) == [("none", "capacity")]


def test_equal_values_go_by_customer_id_in_any_order():
    rows = customers({}, {}, {})
    assert placed(rows, minutes=20) == [("call", None), ("call", None), ("none", "capacity")]
    turned = rows.iloc[::-1]
    got = place(turned, Capacity(20.0)).loc[rows.index]
    pd.testing.assert_frame_equal(got, place(rows, Capacity(20.0)))


def test_without_values_risk_ranks():
    rows = customers(
        {"expected_value": None, "churn_probability": 0.2},
        {"expected_value": None, "churn_probability": 0.8},
    )
    assert placed(rows, minutes=10) == [("none", "capacity"), ("call", None)]


CUSTOMER = st.fixed_dictionaries(
    {
        "churn_probability": st.floats(0, 1),
        "expected_value": st.sampled_from([-10.0, 0.0, 1.0, 20.0, 20.0, 300.0]),
        "action": st.sampled_from([("call", 5.0), ("call", 15.0), ("fix", 10.0), (None, None)]),
        "contact_block_reason": st.sampled_from([None, None, None, "opted_out"]),
        "arm": st.sampled_from(["treat", "treat", "holdout"]),
        "household_id": st.sampled_from([None, "H1", "H2"]),
        "was_called": st.booleans(),
    }
)


@settings(max_examples=80)
@given(st.lists(CUSTOMER, min_size=1, max_size=15), st.sampled_from([0.0, 12.0, 40.0, 1000.0]))
def test_a_call_list_respects_every_customer_and_the_team(found, minutes):
    rows = customers(
        *({**row, "action_lane": row["action"][0], "minutes": row["action"][1]} for row in found)
    )
    got = place(rows, Capacity(minutes))
    assert set(got["lane"]) <= set(LANES)
    called = rows[got["lane"] == "call"]
    assert called["contact_block_reason"].isna().all()
    assert (called["arm"] == "treat").all()
    assert (called["expected_value"] > 0).all()
    assert called["minutes"].astype(float).sum() <= minutes
    assert not called["household_id"].dropna().duplicated().any()
    elsewhere = got[~got["lane"].isin(["call", "fix", "service"])]
    assert elsewhere["lane_rule"].notna().all()
    assert sorted(got["call_rank"].dropna()) == list(range(1, len(called) + 1))
    assert set(got["lane_rule"].dropna()) <= {*RULES, "opted_out"}
