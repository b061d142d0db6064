"""The champion as a baseline: only on rows it has not learned from, with the same features."""

from dataclasses import replace

import numpy as np
import pytest

from models.dataset.feature_spec import FeatureSpec
from pipelines import tracking
from pipelines.config.settings import load_settings
from pipelines.training.champion_baseline import champion_baseline


@pytest.fixture
def settings(demo):
    return load_settings(demo.config)


@pytest.fixture
def later(trained):
    """The test rows as if they were of a day after the champion was trained."""
    test = trained.evaluation.test
    return replace(test, as_of=np.full(len(test), np.datetime64("2024-03-01", "D")))


def test_rows_that_it_learned_from_are_not_for_it(settings, trained):
    found = champion_baseline(settings, trained.evaluation.test)
    assert found.scores is None
    assert found.description == (
        "churn/1, not judged: it has learned from what happened before 2024-03-01"
    )


def test_later_rows_get_its_own_probabilities(settings, later):
    found = champion_baseline(settings, later)
    model = tracking.load(settings, tracking.champion_version(settings))
    np.testing.assert_array_equal(found.scores, model.probability(later.x, later.product_line))
    assert found.description == "churn/1"


def test_columns_in_another_order_are_found_by_name(settings, later):
    turned = replace(
        later,
        x=np.asfortranarray(later.x[:, ::-1]),
        spec=FeatureSpec(later.spec.columns[::-1]),
    )
    np.testing.assert_array_equal(
        champion_baseline(settings, turned).scores, champion_baseline(settings, later).scores
    )


def test_features_that_are_gone_are_named(settings, later):
    gone = later.part(lambda column: column.name != "tenure_days")
    found = champion_baseline(settings, gone)
    assert found.scores is None
    assert "tenure_days can no longer be built" in found.reason
