"""Which champions a challenger is compared with, by the scores that their trainings kept."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from evidence import GOOD
from scipy.special import expit

from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec
from models.metrics.bootstrap import MonthShocks, Rows
from models.metrics.logistic import log_losses
from models.promotion.verdict import against_champions
from pipelines.tracking import registry
from pipelines.tracking.registry import Registered
from pipelines.training.champion_comparison import compare_champions

TODAY, ROWS = date(2024, 6, 1), 4_000
RISK = np.random.default_rng(5).normal(size=ROWS)
TEST = Examples(
    customer_id=np.array([f"{i:05d}" for i in range(ROWS)], dtype=object),
    as_of=np.full(ROWS, np.datetime64("2024-01-01", "D")),
    product_line=np.full(ROWS, "power", dtype=object),
    x=np.zeros((ROWS, 0), dtype=np.float32, order="F"),
    y=(np.random.default_rng(6).random(ROWS) < expit(RISK - 2)).astype(np.int8),
    spec=FeatureSpec(()),
    margin=np.full(ROWS, np.nan),
    asleep=np.zeros(ROWS, dtype=bool),
)


def scores(noise):
    seen = RISK + noise * np.random.default_rng(7).normal(size=ROWS)
    return expit(seen / (1 + noise**2) - 2)


@pytest.fixture
def compared(tmp_path, company, monkeypatch):
    """Compare a challenger with versions 1, 2, …, each given by its noise and its tags."""
    settings = company()

    def compare(*champions, now=None):
        versions = {}
        for number, (noise, tags) in enumerate(champions, start=1):
            run = f"train-{number}"
            if noise is not None:
                folder = settings.paths.training / run
                folder.mkdir(parents=True, exist_ok=True)
                kept = {"customer_id": TEST.customer_id, "as_of": TEST.as_of, "label": TEST.y}
                frame = pd.DataFrame({**kept, "probability": scores(noise)})
                frame["as_of"] = frame["as_of"].astype("datetime64[s]")
                frame.to_parquet(folder / "test_scores.parquet")
            known = {"known_before": "2024-05-01", "run": run, "promoted_at": "then"}
            versions[str(number)] = Registered(
                "churn", str(number), "", str(number), {**known, **tags}
            )
        champion = versions.get(str(now or len(versions)))
        monkeypatch.setattr(registry, "versions", lambda _: versions)
        monkeypatch.setattr(registry, "champion_version", lambda _: champion)
        challenger = Registered("churn", "99", "", "99", {})
        calm = MonthShocks(TEST.as_of, TEST.y, 0.0, 90)
        rows = Rows(TEST.customer_id, TEST.y, shocks=calm)
        ours = {"model": scores(0.5)}
        evaluation = SimpleNamespace(test=TEST, scores=ours, rows=rows, contacts=())
        return compare_champions(settings, evaluation, challenger, TODAY)

    return compare


def test_the_anchor_is_the_best_champion_of_the_year(compared):
    verdict = {"verdict": "passed"}
    found = compared((0.9, {}), (0.3, verdict), (0.7, verdict), (0.6, verdict))
    assert (found.rival.label, found.anchor.label, found.looks) == ("churn/4", "churn/2", 4)
    assert found.anchor.gain.value < 0 < found.rival.gain.value
    assert (found.rival.rows, found.rival.leavers) == (ROWS, TEST.y.sum())
    assert found.rival.card["calibration_slope"].value == pytest.approx(1, abs=0.2)
    # Four comparisons share the error: 2.4977 standard errors to either side instead of 1.96.
    gap = log_losses(TEST.y, scores(0.6)) - log_losses(TEST.y, scores(0.5))
    wide = 2 * 2.4977 * gap.std() / np.sqrt(ROWS)
    assert found.rival.gain.high - found.rival.gain.low == pytest.approx(wide, rel=1e-3)


def test_a_champion_that_is_the_best_itself_is_the_only_one_compared(compared):
    found = compared((0.9, {}), (0.3, {}))
    assert (found.rival.label, found.anchor) == ("churn/2", None)


@pytest.mark.parametrize(
    "tags",
    [{"rolled_back_at": "then"}, {"known_before": "2023-05-01"}, {"run": "gone"}],
    ids=["rolled back", "older than a year", "no scores kept"],
)
def test_who_is_no_anchor(compared, tags):
    assert compared((0.3, tags), (0.9, {})).anchor is None


def test_a_champion_without_probabilities_is_no_anchor_and_hides_none(compared):
    assert compared((np.nan, {}), (0.3, {}), (0.9, {})).anchor.label == "churn/2"
    assert compared((0.3, {}), (np.nan, {}), (np.nan, {})).anchor.label == "churn/1"


def test_a_recalibrated_champion_is_compared_by_its_training_s_scores(compared):
    found = compared((0.6, {}), (None, {"parent_version": "1"}))
    assert (found.rival.label, found.rival.rows) == ("churn/2", ROWS)


def test_a_champion_whose_scores_are_no_probabilities_refuses_and_crashes_nothing(compared):
    found = compared((np.nan, {}))
    assert np.isnan(found.rival.gain.value)
    assert not all(rule.passed for rule in against_champions(replace(GOOD, rival=found.rival)))


def test_without_a_champion_there_is_nothing_to_compare(compared):
    found = compared()
    assert (found.rival, found.anchor, found.looks) == (None, None, 1)


def test_a_champion_without_shared_rows_says_why(compared):
    found = compared((None, {}))
    assert found.rival.rows == 0
    assert "no test scores of churn/1 are kept" in found.rival.reason
