"""The benchmark page shows what was measured, says what was not, and judges the goals by it."""

from benchmarks.models.page import page


def rows(gap_auc, gap_loss):
    return [
        {
            "rival": rival,
            "fold": fold,
            "train_rows": 9_000,
            "test_rows": 1_000,
            "auc": 0.7 + (gap_auc if rival == "recipe" else 0) + 0.01 * number,
            "log_loss": 0.3 + (gap_loss if rival == "recipe" else 0),
            "cpu": 2.0,
        }
        for number, fold in enumerate(("first", "second"))
        for rival in ("recipe", "LightGBM defaults", "XGBoost")
    ]


def test_goals_follow_the_differences():
    good = {"a": {"contest": rows(0.02, -0.001)}, "b": {"contest": rows(0.011, 0.0)}}
    text = page(good)
    assert "LightGBM's defaults on two sets: yes (2)" in text
    assert "below them: yes" in text
    assert "never worse: yes" in text
    assert "| +0.0200 ± 0.0000 | 2 of 2 | -0.0010 ± 0.0000 |" in text
    mixed = page({**good, "c": {"contest": rows(-0.002, 0.001)}})
    assert "below them: **no**" in mixed
    assert "never worse: **no**" in mixed
    assert "| c | -0.0020 | +0.00100 | 0.0020 |" in mixed


def test_what_is_not_measured_is_not_shown_as_reached():
    text = page({"a": {}})
    assert "### a\n\nNot measured on this machine." in text
    assert "two sets: **no** (0)" in text
    assert "below them: **no**" in text
    assert "never worse: **no**" in text


def test_other_bytes_are_seen():
    same = {"once": "ab", "again": "ab", "two threads": "ab", "rows shuffled": "ab"}
    assert "| yes |" in page({"a": {"bytes": same}})
    assert "| **no** |" in page({"a": {"bytes": {**same, "two threads": "cd"}}})
