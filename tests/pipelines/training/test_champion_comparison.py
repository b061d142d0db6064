"""The champion on rows since its training: scored by itself, with the same features."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from models.dataset.feature_spec import FeatureSpec
from models.metrics.bootstrap import MonthShocks, Rows
from models.metrics.logistic import log_losses
from pipelines.config.settings import load_settings
from pipelines.tracking import files, registry
from pipelines.training.champion_comparison import compare_champions


@pytest.fixture
def settings(demo):
    """With no scores kept from trainings."""
    found = load_settings(demo.config)
    paths = found.paths.model_copy(update={"var": found.paths.var / "elsewhere"})
    store = found.tracking.model_copy(update={"uri": registry.tracking_uri(found)})
    return found.model_copy(update={"paths": paths, "tracking": store})


@pytest.fixture
def later(trained):
    """The test rows as if they were of a day after the champion was trained."""
    test = trained.evaluation.test
    return replace(test, as_of=np.full(len(test), np.datetime64("2024-03-01", "D")))


@pytest.fixture
def rival(settings, trained):
    def compare(test):
        scores = {"model": trained.evaluation.scores["model"]}
        shocks = MonthShocks(test.as_of, test.y, 0.15, 90)
        rows = Rows(test.customer_id, test.y, shocks=shocks)
        evaluation = SimpleNamespace(test=test, scores=scores, rows=rows, contacts=())
        return compare_champions(settings, evaluation, trained.registered, date(2024, 9, 1)).rival

    return compare


def test_rows_that_it_learned_from_are_not_for_it(rival, trained):
    found = rival(trained.evaluation.test)
    assert found.rows == 0
    assert "of the rows since 2024-03-01, 0 left and 0 stayed" in found.reason


def test_later_rows_get_its_own_probabilities(rival, settings, trained, later):
    found = rival(later)
    model = files.load(settings, registry.champion_version(settings))
    theirs = model.probability(later.x, later.product_line)
    losses = [log_losses(later.y, p).mean() for p in (theirs, trained.evaluation.scores["model"])]
    assert found.rows == len(later)
    assert found.gain.value == pytest.approx(losses[0] - losses[1])


def test_columns_in_another_order_are_found_by_name(rival, later):
    turned = replace(
        later,
        x=np.asfortranarray(later.x[:, ::-1]),
        spec=FeatureSpec(later.spec.columns[::-1]),
    )
    assert rival(turned) == rival(later)


def test_features_that_are_gone_are_named(rival, later):
    found = rival(later.part(lambda column: column.name != "tenure_days"))
    assert found.rows == 0
    assert "tenure_days can no longer be built" in found.reason
