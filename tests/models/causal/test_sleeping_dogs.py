"""Who counts as asleep, on one night and on the dates of training."""

from datetime import date

import pandas as pd
import pytest

from models.causal.sleeping_dogs import asleep, facts_of_sleep

DAY = date(2024, 3, 1)
SILENT = {
    "autopay": 1.0,
    "self_service_success_30d": 0.0,
    "last_contact_on": "2024-01-31",
    "latest_complaint_on": None,
    "latest_treatment_on": "2023-05-01",
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
def test_who_pays_by_autopay_and_has_not_been_heard_of_is_asleep(change, sleeps) -> None:
    assert asleep(rows(change), DAY, 30).tolist() == [sleeps]


def test_days_of_silence_are_the_companys_and_none_means_nobody() -> None:
    frame = rows({}).assign(self_service_success_90d=0.0)
    assert asleep(frame, DAY, 60).tolist() == [False]
    assert asleep(frame, DAY, None).tolist() == [False]
    assert asleep(frame[["last_contact_on"]], DAY, 30).tolist() == [False]
    assert set(facts_of_sleep(30)) == set(SILENT)
    assert facts_of_sleep(None) == ()


def test_each_row_may_have_a_day_of_its_own() -> None:
    days = pd.to_datetime(pd.Series(["2024-03-01", "2024-02-29", "2024-01-30"]))
    assert asleep(rows({}, {}, {}), days, 30).tolist() == [True, False, False]
