"""Lists on the same nights, judged by the truth: small cases by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import markdown
from benchmarks.acted_on import creep, judge
from benchmarks.acted_on.world import assigned
from models.metrics.profit import Economics

ECONOMICS = Economics(1_000.0, 1.0, contact_cost=30.0, offer_cost=100.0, saved_share=0.3)


def test_money_counts_mates_offers_and_the_call():
    effect = pd.DataFrame({"reduction": [0.1, -0.1], "mates": [0.05, 0.0], "offer": [0.2, 0.0]})
    brought = judge.money(effect, np.array([1_000.0, 1_000.0]), ECONOMICS)
    # 0.15 · 1000 − (0.1 + 0.2) · 100 − 30, and −0.1 · 1000 − 30
    assert brought == pytest.approx([90.0, -130.0])


def test_a_list_takes_the_best_a_minute_and_one_of_a_household():
    rows = pd.DataFrame(
        {"minutes": [10.0, 5.0, 10.0, 5.0], "household_id": ["h", "h", None, None]},
        index=["a", "b", "c", "d"],
    )
    worth = np.array([50.0, 40.0, 60.0, -1.0])
    assert judge.chosen(rows, worth, 15.0, least=0.0).tolist() == ["b", "c"]
    assert judge.chosen(rows, worth, 100.0, least=-np.inf).tolist() == ["b", "c", "d"]


def test_a_list_keeps_and_wakes_by_the_truth():
    called = pd.DataFrame({"reduction": [0.2, -0.1], "brought": [100.0, -50.0]})
    assert judge.worth(called) == judge.Worth(2, 50.0, pytest.approx(0.2), pytest.approx(0.1))


def test_a_published_list_becomes_calls_and_its_lot():
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "lane": ["call", "suppressed", "none", "call"],
            "lane_rule": [None, "holdout", "capacity", None],
            "suggested_action": ["A4", "A9", "A9", "A9"],
            "use_channel": ["phone", None, None, "email"],
        }
    )
    found = assigned(rows, pd.Timestamp("2024-01-01"))
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["arm"].tolist() == ["treat", "holdout"]


def test_a_challenger_far_worse_is_never_promoted(monkeypatch):
    monkeypatch.setattr(creep, "WORSE", 0.02)
    monkeypatch.setattr(creep, "WEEKS", 3)
    assert creep.year(200, 7) == {"lost": 0.0, "promoted": 0}


def test_a_part_that_was_not_measured_says_so():
    parts: dict[str, list[dict[str, float]]] = {
        key: [] for key in ("levels", "looks", "creep", "uplift", "coverage", "years")
    }
    text = markdown.page("acted_on.md", base=0.08, **parts)
    assert text.count("Not measured") == 6
    row = {"years": 3, "lost": 0.001, "worst": 0.002, "promoted": 0.5}
    assert "| 3 | 0.0010 | 0.0020 | 0.5 |" in markdown.page(
        "acted_on.md", base=0.08, **parts | {"creep": [row]}
    )
