"""The comparison with the answer key, on a key small enough to check by hand."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml

from features.errors import ConfigError
from models.metrics.scorecard import measure
from pipelines.jobs.entry import TRAIN
from pipelines.simulator.compare import compare, first_day_after, newest_scores
from pipelines.simulator.simulate import simulate

AS_OF = pd.Timestamp("2024-01-01")
WINDOW = (14, 90)


def write(folder, scores, hazards):
    """``scores``: customer → (label, probability); ``hazards``: rows of the answer key."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(
        [(name, AS_OF, label, p) for name, (label, p) in scores.items()],
        columns=["customer_id", "as_of", "label", "probability"],
    ).astype({"as_of": "datetime64[s]"})
    frame.to_parquet(folder / "test_scores.parquet", index=False)
    (folder / "drivers.json").write_text(json.dumps({"wait": 0.5, "price_rise": 0.25}))
    families = {"support_wait": 0.5, "price": 0.25}
    (folder / "families.json").write_text(json.dumps(families))
    key = pd.DataFrame(hazards).fillna(0.0)
    key["month"] = pd.to_datetime(key["month"]).dt.date
    for share in ("share_wait", "share_price_rise", "share_season", "share_unseen"):
        key[share] = key.get(share, 0.0)
    key.to_parquet(folder / "hazard.parquet", index=False)
    return compare(folder, folder, WINDOW)


def hazard(customer, month, value, **shares):
    return {"customer_id": customer, "month": f"2024-{month:02d}-01", "hazard": value, **shares}


def test_both_rankings_by_hand(tmp_path):
    """Four pairs of a leaver and a stayer: the model gets three right, the hazard all but a tie."""
    scores = {"a": (1, 0.40), "b": (1, 0.20), "c": (0, 0.30), "d": (0, 0.10)}
    now = {"a": 0.05, "b": 0.02, "c": 0.02, "d": 0.01}
    found = write(tmp_path, scores, [hazard(name, 1, value) for name, value in now.items()])
    assert found.rows == 4
    assert found.model_auc == 3 / 4
    assert found.oracle_auc == 3.5 / 4
    assert found.ratio == pytest.approx(6 / 7)
    assert found.calibration_slope == pytest.approx(
        measure(np.array([1, 1, 0, 0]), np.array([0.4, 0.2, 0.3, 0.1]))["calibration_slope"]
    )
    assert found.model_drivers.to_dict() == {"wait": 0.5, "price_rise": 0.25}


def test_hindsight_weighs_each_month_by_its_days_in_the_window(tmp_path):
    """The window is 15 January up to 14 April: 17 of 31, 29, 31 and 13 of 30 days.

    January's hazard of 0.5 gives 1 − 0.5^(17/31) = 0.3162 and April's 1 − 0.5^(13/30) = 0.2595;
    a day more or less in either would pass a bound on its other side.
    """
    leave = {"january": (1, 0.2), "april": (1, 0.2), "both": (1, 0.2)}
    stay = {"below": (0, 0.2), "between": (0, 0.2), "above": (0, 0.2)}
    key = [hazard("january", 1, 0.5), hazard("april", 4, 0.5)]
    key += [hazard("both", 2, 0.2), hazard("both", 3, 0.3), hazard("both", 5, 0.9)]
    key += [hazard("below", 2, 0.25), hazard("between", 3, 0.31), hazard("above", 2, 0.435)]
    key += [hazard(name, 1, 0.0) for name in ("april", "both", "below", "between", "above")]
    # april 0.2595 > 0.25; january 0.3162 > 0.25, 0.31; both 1 − 0.8 · 0.7 = 0.44 > all three.
    assert write(tmp_path, leave | stay, key).hindsight_auc == pytest.approx(6 / 9)
    shifted = [row | {"hazard": row["hazard"] + 0.011} for row in key if row["customer_id"] in stay]
    rest = [row for row in key if row["customer_id"] not in stay]
    # 0.261, 0.321 and 0.446 lie just above every one of them.
    assert write(tmp_path, leave | stay, rest + shifted).hindsight_auc == pytest.approx(3 / 9)


def test_true_drivers_are_mean_absolute_deviations_at_the_tested_dates(tmp_path):
    key = [
        hazard("a", 1, 0.1, share_wait=0.0, share_price_rise=0.3, share_unseen=9.0),
        hazard("b", 1, 0.1, share_wait=4.0, share_price_rise=0.1, share_season=9.0),
        hazard("a", 2, 0.1, share_wait=99.0),
    ]
    found = write(tmp_path, {"a": (1, 0.2), "b": (0, 0.1)}, key)
    assert list(found.true_drivers.index) == ["wait", "price_rise"]
    assert found.true_drivers.to_dict() == pytest.approx({"wait": 2.0, "price_rise": 0.1})
    assert found.true_families.to_dict() == pytest.approx({"support_wait": 2.0, "price": 0.1})
    assert found.family_rank_correlation == pytest.approx(1.0)


def test_the_simulated_companys_model_is_held_against_its_key(demo, trained):
    found = compare(newest_scores(demo.var / "training"), demo.data / "truth", WINDOW)
    assert found.rows == len(trained.evaluation.test)
    assert found.model_auc == pytest.approx(trained.evaluation.cards["model"]["auc"].value)
    assert found.oracle_auc > 0.65
    assert found.hindsight_auc > found.oracle_auc - 0.02
    assert 0.8 < found.ratio < 1.1
    assert not {"unseen", "season"} & set(found.true_drivers.index)
    truth = pd.read_parquet(demo.data / "truth" / "hazard.parquet")
    truth["as_of"] = pd.to_datetime(truth["month"]).astype("datetime64[s]")
    scores = pd.read_parquet(newest_scores(demo.var / "training") / "test_scores.parquet")
    joined = scores.merge(truth, on=["customer_id", "as_of"])
    assert len(joined) == found.rows
    assert found.oracle_auc == pytest.approx(
        measure(joined["label"].to_numpy(), joined["hazard"].to_numpy())["auc"]
    )


@pytest.mark.proof
def test_a_larger_companys_model_ranks_as_well_as_its_key_for_the_same_reasons(root, tmp_path):
    simulate(tmp_path / "data", customers=10_000, months=36, seed=1)
    document = yaml.safe_load((root / "configs" / "demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(tmp_path / name) for name in ("data", "var", "out")}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    TRAIN.start(tmp_path / "config.yaml", first_day_after(tmp_path / "data"))
    scores = newest_scores(tmp_path / "var" / "training")
    found = compare(scores, tmp_path / "data" / "truth", WINDOW)
    assert found.ratio >= 0.97
    assert found.family_rank_correlation >= 0.8


def test_the_newest_run_is_taken(tmp_path):
    with pytest.raises(ConfigError, match="Train first: stille train"):
        newest_scores(tmp_path)
    for name in ("train-20260101T000000Z-ffffff", "train-20260102T000000Z-000000"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "test_scores.parquet").touch()
    (tmp_path / "train-20260103T000000Z-000000").mkdir()
    assert newest_scores(tmp_path).name == "train-20260102T000000Z-000000"


def test_a_company_without_a_key_cannot_be_compared(demo, tmp_path):
    with pytest.raises(ConfigError, match=r"hazard\.parquet: no answer key here"):
        compare(newest_scores(demo.var / "training"), tmp_path, WINDOW)


def test_the_day_after_the_key(demo):
    assert first_day_after(demo.data) == demo.as_of == date(2024, 3, 1)
