"""Past lists as a trial: who could have been called, and who of them was drawn into which arm."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import ModelError
from models.causal.treatment_effect import randomised_assignments
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from pipelines.effect.uplift_training import could_be_called, trial_of
from pipelines.publication.manifest import MANIFEST, Stamp, manifest_bytes

DAY, OTHER = date(2023, 10, 1), date(2023, 10, 2)
SPEC = FeatureSpec((FeatureColumn("one", "number", "one", "one", 0, "one"),))


def publish(out: Path, day: date, rows: pd.DataFrame) -> None:
    folder = out / day.isoformat() / "nightly-1"
    folder.mkdir(parents=True)
    rows.to_parquet(folder / "risk_list.parquet")
    stamp = Stamp(day, "nightly-1", datetime(2023, 10, 1, tzinfo=UTC), "i", "c", "m/1", "m", 90, {})
    (folder / MANIFEST).write_bytes(manifest_bytes(folder, stamp, {}))


def assigned(*customers: str) -> pd.DataFrame:
    rows = pd.DataFrame({"customer_id": customers, "arm": "treat", "left": False, "reached": True})
    texts = dict.fromkeys(("risk_band", "lane", "action", "product_line"), "one")
    day = pd.Timestamp(DAY)
    return randomised_assignments(rows.assign(assigned_on=day, household_id=None, **texts))


def test_who_had_a_lane_by_value_could_be_called_on_the_days_of_the_trial(tmp_path: Path) -> None:
    """Not the barred, the sleepers, who has no value, nor another day's list."""
    lanes = {
        "a": ("call", None),
        "b": ("suppressed", "holdout"),
        "c": ("none", "capacity"),
        "d": ("leave_in_peace", "asleep"),
        "e": ("suppressed", "household"),
        "f": ("call", None),
    }
    rows = pd.DataFrame([*lanes.values()], columns=["lane", "lane_rule"]).assign(
        customer_id=[*lanes], product_line="insurance", churn_probability=0.2, value_at_risk=800.0
    )
    rows.loc[5, "value_at_risk"] = np.nan
    publish(tmp_path, DAY, rows)
    publish(tmp_path, OTHER, rows)
    found = could_be_called(tmp_path, assigned("a"))
    assert found["customer_id"].tolist() == ["a", "b", "c"]
    assert found["lane"].tolist() == ["call", "holdout", "capacity"]
    assert found["treat"].isna().tolist() == [False, True, True]
    assert could_be_called(tmp_path / "nothing", assigned("a")).empty


def customers(count: int) -> pd.DataFrame:
    treat = np.arange(count) % 2 == 0
    days = np.where(np.arange(count) < count - 2, DAY, date(2023, 11, 5))
    return pd.DataFrame({"treat": treat, "left": False, "one": 1.0, "autopay": 0.0}).assign(
        customer_id=np.arange(count).astype(str),
        as_of=pd.to_datetime(days),
        product_line="insurance",
        churn_probability=0.2,
        value_at_risk=800.0,
        suggested_action="A4",
        self_service_success_30d=0.0,
        **dict.fromkeys(("last_contact_on", "latest_complaint_on", "latest_treatment_on")),
    )


def test_sleepers_are_left_out_and_a_month_of_few_draws_on_all() -> None:
    """210 customers of whom the first two sleep, and two of a month of their own: (1 + 25)/52."""
    rows = customers(210)
    rows.loc[:1, "autopay"] = 1.0
    found = trial_of(rows, SPEC, 30)
    assert len(found.p) == 208
    assert found.customer_id[0] == "2"
    assert found.share.tolist() == pytest.approx([0.5] * 208)
    assert found.value.tolist() == pytest.approx([4_000] * 208)
    assert len(trial_of(rows, SPEC, None).p) == 210
    rows.loc[208:, "treat"] = True
    odd = trial_of(rows, SPEC, None).share
    assert odd[-1] == pytest.approx((2 + 50 * 106 / 210) / 52)
    with pytest.raises(ModelError, match="99 customers, and 100 are needed"):
        trial_of(customers(199).drop(index=0), SPEC, 30)
