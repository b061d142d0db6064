"""Who counts as satisfied and silent, and who as asleep."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.config.lists import Peace
from pipelines.config.measurement import EFFECT_VERSION
from pipelines.lists.placement import satisfied_silent, with_values
from pipelines.runtime.escaping import plain_json

DAY = date(2024, 3, 1)
SILENT = {
    "autopay": 1.0,
    "self_service_success_30d": 0.0,
    "last_contact_on": "2024-01-31",
    "latest_complaint_on": None,
    "latest_treatment_on": "2023-05-01",
}
ECONOMICS = {
    "margin_per_year": 1_000,
    "years": 5,
    "contact_cost": 30,
    "offer_cost": 300,
    "saved_share": 0.3,
    "woken_share": 0.04,
    "offer_taken_by_stayers": 0.1,
}


def rows(*changes: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([SILENT | change for change in changes])


def test_the_satisfied_have_answered_lately_and_the_silent_said_nothing():
    frame = pd.DataFrame(
        {
            "csat_last_score": [4.0, 3.0, 5.0, 5.0, np.nan],
            "csat_last_on": ["2024-01-01", "2024-01-01", "2022-01-01", "2024-01-01", None],
            "last_contact_on": [None, None, None, "2024-02-01", None],
        }
    )
    assert satisfied_silent(Peace(), frame, DAY).tolist() == [True, False, False, False, False]
    assert not satisfied_silent(Peace(csat=None), frame, DAY).any()


FRAME = rows({}, {"autopay": 0.0}).assign(
    churn_probability=0.1, product_line="gas", suggested_action="A4"
)
# 10 % leave in 90 days and money costs 8 % a year
RATE = np.log(1.08) - np.log(0.9) * 365 / 90
VALUE = 1_000 * (1 - np.exp(-5 * RATE)) / RATE


def test_the_sleepers_bear_what_contact_wakes(company):
    found = with_values(company(economics=ECONOMICS), FRAME, DAY)
    assert found["asleep"].tolist() == [True, False]
    saved = 0.1 * 0.3 * (VALUE - 300) - 30 - 0.9 * 0.1 * 300
    expected = [saved - 0.9 * 0.08 * VALUE, saved]
    np.testing.assert_allclose(found["expected_value"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["value_at_risk"], 0.1 * VALUE, rtol=1e-5)
    assert "expected_value" not in with_values(company(), FRAME, DAY)


def test_only_an_action_that_offers_something_pays_for_offers(company):
    settings, awake = company(economics=ECONOMICS), FRAME.iloc[[1, 1, 1]]
    actions = awake.assign(suggested_action=["A4", "A6", None])
    found = with_values(settings, actions, DAY)["expected_value"]
    offers = 0.1 * 0.3 * 300 + 0.9 * 0.1 * 300
    np.testing.assert_allclose(found - found.iloc[0], [0, offers, offers], rtol=1e-5)
    own = with_values(settings, actions.assign(uplift=0.05), DAY)["expected_value"]
    offers = 0.05 * 300 + 0.9 * 0.1 * 300
    np.testing.assert_allclose(own - own.iloc[0], [0, offers, offers], rtol=1e-5)


def test_what_was_measured_of_a_customer_decides_for_that_customer_only(company):
    settings = company(economics=ECONOMICS)
    before = with_values(settings, FRAME, DAY)
    measured = with_values(settings, FRAME.assign(uplift=[np.nan, 0.05]), DAY)
    assert measured["asleep"].tolist() == [True, False], "the sleeper was in no trial"
    assert measured["expected_value"].iloc[0] == before["expected_value"].iloc[0]
    worth = 0.05 * (VALUE - 300) - 0.9 * 0.1 * 300 - 30
    assert measured["expected_value"].iloc[1] == pytest.approx(worth, rel=1e-5)
    awake = with_values(settings, FRAME.assign(uplift=[0.05, np.nan]), DAY)
    assert not awake["asleep"].any()
    np.testing.assert_allclose(awake["expected_value"].iloc[1], before["expected_value"].iloc[1])


def test_who_may_end_otherwise_counts_by_the_chance_of_a_notice(company):
    settings = company(economics=ECONOMICS)
    before, found = (
        with_values(settings, frame, DAY) for frame in (FRAME, FRAME.assign(remains=[1.0, 0.8]))
    )
    assert found["expected_value"].iloc[0] == before["expected_value"].iloc[0]
    assert found["expected_value"].iloc[1] + 30 == pytest.approx(
        0.8 * (before["expected_value"].iloc[1] + 30)
    )
    np.testing.assert_allclose(found["value_at_risk"], before["value_at_risk"] * [1.0, 0.8])


def trial(folder: Path, difference: float, day: date = DAY) -> None:
    """A file as `stille effect` writes it: a tenth of the held out left."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {"treated": 40_000, "treated_reached": 0, "held_out": 10_000, "held_out_left": 1_000}
    everybody = counts | {"channel_reach": 1.0, "source": "publications"}
    lots = [everybody | {"difference": {"value": difference, "low": -1, "high": 1}}]
    (folder / f"{day}.json").write_bytes(
        plain_json({"schema_version": EFFECT_VERSION, "lots": lots})
    )


def test_a_measured_effect_moves_what_a_list_is_worth(company, tmp_path):
    """Half of the saved share is measured, so certainly that the assumed one hardly counts."""
    settings = company(economics=ECONOMICS, paths={"data": "d", "var": str(tmp_path)})
    gained = [with_values(settings, FRAME, DAY)["expected_value"].iloc[1] + 30 + 27]
    trial(settings.paths.effect, -0.015)
    gained.append(with_values(settings, FRAME, DAY)["expected_value"].iloc[1] + 30 + 27)
    assert gained[1] / gained[0] == pytest.approx(0.5, abs=0.03)
    trial(settings.paths.effect, -0.09, DAY + timedelta(days=1))
    later = with_values(settings, FRAME, DAY)["expected_value"].iloc[1] + 30 + 27
    assert later == gained[1], "a later measurement was not known"
