import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import ModelError
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.explain.shap_values import (
    by_driver,
    by_family,
    check_additive,
    global_importance,
    protective,
    top_reasons,
)

SPEC = FeatureSpec(
    (
        FeatureColumn("a", "number", "wait", "support_wait", 1, ""),
        FeatureColumn("b", "number", "bill_shock", "billing_friction", 1, ""),
        FeatureColumn("c", "number", "wait", "support_wait", 1, ""),
        FeatureColumn("d", "number", "dunning", "billing_friction", 1, ""),
    )
)
CONTRIBUTIONS = np.array([[1.0, 2.0, 0.5, -4.0, 9.0], [-1.0, 0.0, -0.5, 0.0, 9.0]])


def test_by_driver_and_family_by_hand() -> None:
    drivers = by_driver(CONTRIBUTIONS, SPEC)
    assert list(drivers.columns) == ["bill_shock", "dunning", "wait"]
    assert drivers.to_numpy().tolist() == [[2.0, -4.0, 1.5], [0.0, 0.0, -1.5]]
    families = by_family(CONTRIBUTIONS, SPEC)
    assert list(families.columns) == ["billing_friction", "support_wait"]
    assert families.to_numpy().tolist() == [[-2.0, 1.5], [0.0, -1.5]]


def test_a_family_is_named_by_the_driver_that_raises_it_most_with_its_own_contribution() -> None:
    reasons = top_reasons(CONTRIBUTIONS * [1, 1, 1, -1, 1], SPEC, 2)
    assert reasons.codes.tolist() == [["dunning", "wait"], ["", ""]]
    assert reasons.features.tolist() == [["", ""], ["", ""]]
    assert reasons.values.tolist() == [[4.0, 1.5], [0.0, 0.0]]
    lowered = protective(CONTRIBUTIONS, SPEC)
    assert lowered.codes.tolist() == [["dunning"], ["wait"]]
    assert lowered.values.tolist() == [[-4.0], [-1.5]]


def test_a_family_that_lowers_the_risk_is_no_reason_whatever_one_driver_does() -> None:
    reasons = top_reasons(CONTRIBUTIONS, SPEC, 2)
    assert reasons.codes.tolist() == [["wait", ""], ["", ""]]
    assert reasons.values.tolist() == [[1.5, 0.0], [0.0, 0.0]]


def test_more_reasons_than_families_are_left_empty() -> None:
    reasons = top_reasons(CONTRIBUTIONS, SPEC, 5)
    assert reasons.codes[0].tolist() == ["wait", "", "", "", ""]
    assert reasons.values.shape == (2, 5)


def test_nothing_that_lowers_the_risk_protects_nobody() -> None:
    nothing = protective(np.abs(CONTRIBUTIONS[:1]), SPEC)
    assert (nothing.codes.tolist(), nothing.values.tolist()) == ([[""]], [[0.0]])


@given(st.permutations(range(4)))
def test_ties_rank_by_family_and_driver_whatever_the_column_order(order: list[int]) -> None:
    spec = FeatureSpec(tuple(SPEC.columns[at] for at in order))
    reasons = top_reasons(np.array([[1.0, 1.0, 1.0, 1.0, 9.0]]), spec, 2)
    assert reasons.codes.tolist() == [["wait", "bill_shock"]]
    assert reasons.values.tolist() == [[2.0, 1.0]]


def test_global_importance_by_hand() -> None:
    found = global_importance(by_driver(CONTRIBUTIONS, SPEC))
    assert list(found.items()) == [("dunning", 2.0), ("wait", 1.5), ("bill_shock", 1.0)]


@pytest.mark.promise("additive")
def test_contributions_that_do_not_add_up_are_refused() -> None:
    check_additive(CONTRIBUTIONS, CONTRIBUTIONS.sum(axis=1) + 9e-7)
    with pytest.raises(ModelError, match="miss the score by up to 2e-06"):
        check_additive(CONTRIBUTIONS, CONTRIBUTIONS.sum(axis=1) + 2e-6)
    with pytest.raises(ModelError, match="miss the score by up to nan"):
        check_additive(CONTRIBUTIONS, np.full(2, np.nan))


def test_a_driver_that_cannot_be_named_is_no_reason_and_the_next_of_its_family_is() -> None:
    nameable = pd.DataFrame({"wait": [True], "bill_shock": [True], "dunning": [False]})
    contributions = np.array([[1.0, 2.0, 0.5, 4.0, 9.0]])
    named = top_reasons(contributions, SPEC, 2, nameable)
    assert named.codes.tolist() == [["bill_shock", "wait"]]
    assert named.values.tolist() == [[2.0, 1.5]]
    nobody = top_reasons(contributions, SPEC, 2, nameable.assign(bill_shock=False))
    assert nobody.codes.tolist() == [["wait", ""]]
    assert nobody.values.tolist() == [[1.5, 0.0]]
    # The driver that is left lowers the risk itself, whatever its family does.
    lowered = top_reasons(np.array([[1.0, -2.0, 0.5, 4.0, 9.0]]), SPEC, 2, nameable)
    assert lowered.codes.tolist() == [["wait", ""]]


def test_what_can_be_acted_on_comes_before_what_cannot_when_it_matters() -> None:
    sayable = pd.DataFrame({"wait": [1, 1], "bill_shock": [2, 2], "dunning": [1, 1]})
    contributions = np.array([[1.0, 0.2, 0.5, 0.1, 9.0], [1.0, 0.02, 0.5, 0.01, 9.0]])
    found = top_reasons(contributions, SPEC, 2, sayable)
    assert found.codes.tolist() == [["bill_shock", "wait"], ["wait", "bill_shock"]]
    assert found.values.tolist() == [[0.2, 1.5], [1.5, 0.02]]
    # Within a family too.
    acted = top_reasons(contributions, SPEC, 2, sayable.assign(dunning=2, bill_shock=1))
    assert acted.codes[0].tolist() == ["dunning", "wait"]


def test_a_feature_that_stands_alone_is_a_reason_of_its_own() -> None:
    contributions = np.array([[1.0, 2.0, 0.5, -4.0, 9.0]])
    found = top_reasons(contributions, SPEC, 4, alone=("b", "c"))
    assert found.features.tolist() == [["b", "", "c", ""]]
    assert found.codes.tolist() == [["bill_shock", "wait", "wait", ""]]
    assert found.values.tolist() == [[2.0, 1.0, 0.5, 0.0]]
    unknown = pd.DataFrame({"wait": [1], "bill_shock": [1], "dunning": [1], "b": [0], "c": [1]})
    assert top_reasons(contributions, SPEC, 2, unknown, ("b", "c")).features.tolist() == [["", "c"]]
