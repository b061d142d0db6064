"""The lists' benchmark: what it takes for the truth, and what it counts, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.companies import demo_settings
from benchmarks.lists.causes import agreement, drivers_of, true_removals
from benchmarks.lists.company import Company, part
from benchmarks.lists.truth import foreseeable, read_key, responses
from benchmarks.lists.turnover import FORGETS, Nights, turnover
from benchmarks.lists.worth import first_by, worth


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """An answer key: ``a`` stays, ``b`` is last seen in its second month."""
    months = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])
    rows = [("a", m, 0.1) for m in months]
    rows += [("b", months[0], 0.2), ("b", months[1], 0.5)]
    hazards = pd.DataFrame(rows, columns=["customer_id", "month", "hazard"])
    odds = np.log(hazards["hazard"] / (1 - hazards["hazard"]))
    hazards["asleep"] = [1.0, 0.5, 0.5, 0.0, 0.0]
    shares = {"share_wait": [0.0, 0, 0, 1.0, 1.0], "share_binding": -0.5, "share_unseen": 2.0}
    hazards.assign(log_odds=odds, **shares).to_parquet(tmp_path / "hazard.parquet")
    pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "type": ["sleeping_dog", "persuadable"],
            "effect_of_contact": [np.log(2), -np.log(2)],
            "quiet": [0.1, 0.9],
        }
    ).to_parquet(tmp_path / "customers.parquet")
    return tmp_path


ROWS = pd.DataFrame({"customer_id": ["a", "b"], "as_of": pd.Timestamp("2024-01-01")})


def test_responses_follow_the_hazards_of_the_window(key: Path) -> None:
    """31 + 29 days are two whole months: odds 1/9 doubled are 2/9, 1/4 halved 1/8, 1 halved 1/2."""
    found = responses(read_key(key), ROWS, 60)
    np.testing.assert_allclose(found["alone"], [1 - 0.9**2, 1 - 0.8 * 0.5])
    np.testing.assert_allclose(found["contacted"], [1 - (9 / 11) ** 2, 1 - (8 / 9) * (2 / 3)])
    assert found["type"].tolist() == ["sleeping_dog", "persuadable"]


def test_a_sleeping_dog_is_woken_as_far_as_it_sleeps_and_nobody_else_by_sleep(key: Path) -> None:
    """Half asleep in February: odds 1/9 times the root of 2. ``b`` is awake and persuaded still."""
    found = responses(read_key(key), ROWS.assign(as_of=pd.Timestamp("2024-02-01")), 29)
    odds = np.sqrt(2) / 9
    np.testing.assert_allclose(found["contacted"], [odds / (1 + odds), 1 / 3])


def test_who_left_keeps_the_last_hazard(key: Path) -> None:
    found = responses(read_key(key), ROWS, 91)
    np.testing.assert_allclose(found["alone"], [1 - 0.9**3, 1 - 0.8 * 0.5 * 0.5])


def test_what_can_be_foreseen_leaves_out_what_no_table_shows(key: Path) -> None:
    """Two months of 73 / 2 days: odds 1/9 and 1/4, each over e². Nobody is seen after leaving."""
    found = foreseeable(key, ROWS, 73)
    hazards = np.array([1 / 9, 1 / 4]) / np.exp(2)
    hazards = hazards / (1 + hazards)
    np.testing.assert_allclose(found, 1 - (1 - hazards) ** (73 / (365 / 12)))
    assert foreseeable(key, ROWS.assign(as_of=pd.Timestamp("2024-03-01")), 73)[1] == 0


@pytest.mark.parametrize(
    ("stays", "new", "fell", "second"),
    [(FORGETS, 1.0, 1.0, 0.4), (0.4, 1.0, 1.0, 0.4), (0.35, 0.5, 0.0, 0.2)],
)
def test_a_list_remembers_who_is_at_risk_still(
    tmp_path: Path, stays: float, new: float, fell: float, second: float
) -> None:
    """Twenty groups of ten, the riskiest tenth: groups 0 and 1, then 1 and 2, median 0.85.

    The risk of group 0 is 0.3 then: 0.353 of the median. Group 1 has left and others are in its
    place.
    """
    risks = {0: (0.9, 0.3), 1: (0.8, 0.9), 2: (0.1, 0.8)}
    truth = {0: 0.2, 1: 0.5, 2: 0.4}
    groups = np.repeat(np.arange(20), 10)
    nights = [
        pd.DataFrame(
            {
                "customer_id": [f"{n}-{month if groups[n] == 1 else 0}" for n in range(200)],
                "churn_probability": [risks.get(group, (0.1, 0.1))[month] for group in groups],
            }
        )
        for month in (0, 1)
    ]
    alone = np.array([truth.get(group, 0.1) for group in groups])
    months = Nights(nights, [alone] * 2, [alone * 100] * 2)
    settings = demo_settings(tmp_path)
    found = turnover(settings, [months, months], (), (stays,))[1]
    assert (found.name, found.length) == ("riskiest 10%", 20)
    assert (found.new, found.left, found.fell) == (new, 0.5, fell)
    assert found.lift == pytest.approx((0.5 + second) / 2 / alone.mean())
    assert found.value == pytest.approx(1000 * (0.5 + second))
    assert found.value_change.value == pytest.approx(1000 * (second - 0.4))


def test_harm_is_only_of_sleeping_dogs(key: Path) -> None:
    truth = responses(read_key(key), ROWS, 60)
    found = worth("all", np.arange(2), truth, np.array([-5.0, 20.0]))
    raised = (1 - (9 / 11) ** 2) - (1 - 0.9**2)
    assert (found.called, found.woken, found.value) == (2, 1, 15.0)
    assert found.harm == pytest.approx(raised)
    assert found.kept == pytest.approx((8 / 9) * (2 / 3) - 0.4 - raised)


def test_a_list_takes_the_highest_scores_and_none_without_one() -> None:
    score = np.array([1.0, 3.0, 3.0, -np.inf])
    assert first_by(score, 2).tolist() == [1, 2]
    assert first_by(score, 4).tolist() == [1, 2, 0]


def test_only_what_raises_is_removed(key: Path) -> None:
    """``b`` waits: without it the log-odds fall by 1 for the month that is taken to last."""
    found = true_removals(key, ROWS, pd.Series([10.0, 100.0]), 73, {"wait", "binding"})
    found = found.set_index(["level", "name"])
    months = 73 / (365 / 12)
    fell = (1 / (1 + 0.25 / np.e)) ** months - (1 - 0.2) ** months
    assert found.loc[("driver", "wait"), "value"] == pytest.approx(100 * fell)
    assert found.loc[("family", "support_wait"), "value"] == pytest.approx(100 * fell)
    assert found.loc[("driver", "binding"), "value"] == 0
    ours = found.reset_index()
    assert agreement(ours[ours["level"].eq("driver")], ours, "driver")[0] == pytest.approx(1)
    assert drivers_of(ours) == {"wait", "binding"}
    only = true_removals(key, ROWS, pd.Series([10.0, 100.0]), 73, {"binding"})
    assert only["name"].tolist() == ["price", "binding"]


@pytest.mark.proof
def test_causes_are_ranked_by_family_as_the_truth_ranks_them(tmp_path: Path) -> None:
    """The page's first company, whose model has never seen the judged month."""
    company = Company(root=tmp_path)
    last, ours = company.rows[-1], company.causes
    rows, value = part(company.scores, last), pd.Series(company.value[last])
    real = true_removals(company.key, rows, value, company.days, drivers_of(ours))
    rho, families = agreement(ours, real, "family")
    assert families == 8
    assert rho >= 0.8
