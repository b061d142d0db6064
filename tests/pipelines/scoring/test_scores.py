"""Scored rows are ordered, explained where the configuration asks, and cut into bands."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from models.calibration.platt import Calibration, Platt
from models.churn.model import ChurnModel
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from pipelines.config.lists import Bands
from pipelines.scoring.scores import band_thresholds, score_rows

COLUMNS = (
    FeatureColumn("bill", "number", "bill_shock", "billing_friction", 1, "max(bill)"),
    FeatureColumn("fee", "number", "bill_shock", "billing_friction", 1, "max(fee)"),
    FeatureColumn("wait", "number", "wait", "support_wait", 1, "max(wait)"),
    FeatureColumn("attr_plan", "category", "profile", "relationship", 0, "plan", ("Basic", "Plus")),
    FeatureColumn("attr_age", "number", "profile", "relationship", 0, "age"),
)
SPEC = FeatureSpec(COLUMNS)
CALIBRATION = Calibration(0.8, -0.5, {"broadband": Platt(1.2, 0.1)})


def people(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(count)],
            "product_line": np.array(["electricity", "broadband", None], dtype=object)[
                np.arange(count) % 3
            ],
            "bill": rng.normal(size=count).astype("float32"),
            "fee": rng.normal(size=count).astype("float32"),
            "wait": np.where(rng.random(count) < 0.2, np.nan, rng.normal(size=count)),
            "attr_plan": rng.choice(["Basic", "Plus"], count),
            "attr_age": rng.integers(20, 80, count).astype("float64"),
        }
    )


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    rows = people(2_000, 1)
    x = SPEC.encode(rows)
    rng = np.random.default_rng(2)
    score = rows["bill"] + rows["fee"] + rows["wait"].fillna(0) + (rows["attr_plan"] == "Plus")
    y = (rng.random(len(rows)) < 1 / (1 + np.exp(1 - score))).astype(int)
    data = lgb.Dataset(x, y, feature_name=list(SPEC.names), categorical_feature=[3])
    params = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1}
    return ChurnModel((lgb.train(params, data, 30),), CALIBRATION, SPEC)


@pytest.fixture
def settings(company):
    attributes = {
        "plan": {"column": "plan", "type": "category"},
        "age": {"column": "age", "type": "number", "unit": "years"},
    }
    sources = {"customers": {"path": "customers.csv", "attributes": attributes}}

    def make(explained: int):
        return company(
            {"customers.csv": "customer_id,plan,age\n1,Basic,30\n"},
            sources,
            list={"explained_rows": explained},
        )

    return make


def test_rows_are_sorted_by_risk_and_then_by_customer(model, settings):
    rows = people(300, 3)
    twins = rows.assign(customer_id="b" + rows["customer_id"])
    frame = pd.concat([rows, twins]).sample(frac=1, random_state=4, ignore_index=True)
    scored = score_rows(settings(50), model, frame)
    lines = frame["product_line"].to_numpy(dtype=object)
    expected = model.probability(SPEC.encode(frame), lines)
    by_id = dict(zip(frame["customer_id"], expected, strict=True))
    assert scored["churn_probability"].tolist() == [by_id[c] for c in scored["customer_id"]]
    keys = list(zip(-scored["churn_probability"], scored["customer_id"], strict=True))
    assert keys == sorted(keys)
    assert len(set(scored["churn_probability"])) < len(scored)


def test_only_the_first_rows_get_reasons(model, settings):
    scored = score_rows(settings(40), model, people(300, 5))
    reasons = [name for name in scored.columns if name.startswith(("reason_", "protective_"))]
    assert len(reasons) == 19
    assert scored.loc[40:, reasons].isna().all(axis=None)
    assert scored.loc[:39, "reason_1_driver"].notna().all()
    assert scored.loc[:39, "reason_1_contribution"].gt(0).all()
    everyone = score_rows(settings(300), model, people(300, 5))
    pd.testing.assert_frame_equal(scored.head(40), everyone.head(40))


def test_reasons_are_sums_over_a_driver_and_all_make_the_score(model, settings):
    scored = score_rows(settings(300), model, people(300, 6))
    broadband = (scored["product_line"] == "broadband").to_numpy()
    slope, intercept = np.where(broadband, 1.2, 0.8), np.where(broadband, 0.1, -0.5)
    contributions = model.boosters[0].predict(SPEC.encode(scored), pred_contrib=True)
    contributions *= slope[:, None]
    families = {
        "bill_shock": contributions[:, 0] + contributions[:, 1],
        "wait": contributions[:, 2],
        "Plan": contributions[:, 3],
        "Age": contributions[:, 4],
    }
    for at, row in enumerate(scored.itertuples()):
        ranked = sorted(((values[at], name) for name, values in families.items()), reverse=True)
        raising = [(name, value) for value, name in ranked if value > 0][:3]
        cells = row._asdict()
        slots = [f"reason_{n}" for n in (1, 2, 3) if cells[f"reason_{n}_driver"] is not pd.NA]
        given = [
            (
                cells[f"{slot}_attribute"]
                if cells[f"{slot}_driver"] == "profile"
                else cells[f"{slot}_driver"],
                cells[f"{slot}_contribution"],
            )
            for slot in slots
        ]
        told = [(name, value) for name, value in given if isinstance(name, str)]
        assert [name for name, _ in told] == [name for name, _ in raising]
        assert [v for _, v in told] == pytest.approx([v for _, v in raising])
        lowest, name = ranked[-1]
        protective = row.protective_1_driver
        protective = row.protective_1_attribute if protective == "profile" else protective
        assert protective == name if lowest < 0 else pd.isna(protective)
    base = contributions[:, -1] + intercept
    p = scored["churn_probability"].to_numpy()
    assert sum(families.values()) + base == pytest.approx(np.log(p / (1 - p)), abs=1e-6)


def test_an_attribute_is_a_reason_of_its_own_with_its_value(model, settings):
    scored = score_rows(settings(300), model, people(300, 7))
    years = scored["attr_age"].map(lambda years: f"{years:.0f} years")
    seen = set()
    for slot in ("reason_1", "reason_2", "reason_3"):
        own = (scored[f"{slot}_driver"] == "profile").to_numpy()
        plan = scored[f"{slot}_feature"].eq("attr_plan").to_numpy(dtype=bool, na_value=False)
        values = years.mask(plan, scored["attr_plan"])[own].tolist()
        assert scored.loc[own, f"{slot}_attribute"].tolist() == [
            "Plan" if is_plan else "Age" for is_plan in plan[own]
        ]
        assert scored.loc[own, f"{slot}_value"].tolist() == values
        assert scored.loc[~own, f"{slot}_attribute"].isna().all()
        seen |= set(scored.loc[own, f"{slot}_attribute"])
    assert seen == {"Plan", "Age"}
    drivers = scored[[f"reason_{n}_driver" for n in (1, 2, 3)]]
    assert drivers.eq("profile").sum(axis=1).eq(2).any()


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        # The top 1 %, 5 % and 20 % of 1, 2 … 100 begin at 99 + 1, 95 + 1 and 80 + 1.
        (100, {"medium": 81, "high": 96, "very_high": 100}),
        (1_000, {"medium": 801, "high": 951, "very_high": 991}),
    ],
)
def test_bands_begin_at_shares_of_the_cohort(count, expected):
    probability = pd.Series(np.arange(1, count + 1) / (count + 1))
    wanted = {name: round(rank / (count + 1), 6) for name, rank in expected.items()}
    bands = Bands(medium=0.20, high=0.05, very_high=0.01)
    assert band_thresholds(bands, probability) == pytest.approx(wanted)
