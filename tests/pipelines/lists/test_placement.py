"""Who counts as satisfied and silent, and who as asleep."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from pipelines.config.lists import Peace
from pipelines.lists.contact_value import with_values
from pipelines.lists.leave_in_peace import asleep, satisfied_silent

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
}


def rows(*changes: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([SILENT | change for change in changes])


@pytest.mark.parametrize(
    ("change", "sleeps"),
    [
        ({}, True),
        ({"autopay": 0.0}, False),
        ({"autopay": None}, False),
        ({"last_contact_on": "2024-02-01"}, False),
        ({"last_contact_on": None}, True),
        ({"latest_complaint_on": "2024-02-20"}, False),
        ({"latest_treatment_on": "2024-02-20"}, False),
        ({"self_service_success_30d": 1.0}, False),
    ],
)
def test_who_pays_by_autopay_and_has_not_been_heard_of_is_asleep(change, sleeps):
    assert asleep(Peace(), rows(change), DAY).tolist() == [sleeps]


def test_days_of_silence_are_the_companys_and_null_means_nobody():
    frame = rows({}).assign(self_service_success_90d=0.0)
    assert asleep(Peace(asleep_days=60), frame, DAY).tolist() == [False]
    assert asleep(Peace(asleep_days=None), frame, DAY).tolist() == [False]
    assert asleep(Peace(), frame[["last_contact_on"]], DAY).tolist() == [False]


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


def test_the_sleepers_bear_what_contact_wakes_unless_it_was_measured_who_responds(company):
    settings = company(economics=ECONOMICS)
    frame = rows({}, {"autopay": 0.0}).assign(churn_probability=0.1)
    found = with_values(settings, frame, DAY)
    assert found["asleep"].tolist() == [True, False]
    value = 1_000 * 5 + 4 * 330
    saved = 0.1 * 0.3 * (value - 300) - 30
    expected = [saved - 0.9 * 0.08 * value, saved]
    np.testing.assert_allclose(found["expected_value"], expected)
    measured = with_values(settings, frame.assign(uplift=0.05), DAY)
    assert not measured["asleep"].any()
    np.testing.assert_allclose(measured["expected_value"], 0.05 * (value - 300) - 30)
    assert "expected_value" not in with_values(company(), frame, DAY)
