"""How a matrix is filled against the training rows, by hand."""

import numpy as np
import pandas as pd
import pytest

from features.errors import ModelError
from models.dataset.feature_spec import FeatureColumn, FeatureSpec, learn_spec
from models.drift.psi import Missingness, count_missing, missingness

COLUMNS = (
    FeatureColumn("wait", "number", "wait", "support_wait", 1, "max(wait)"),
    FeatureColumn("channel", "category", "profile", "relationship", 0, "any(channel)"),
)
TRAINED = pd.DataFrame({"wait": [1.0, 2.0, 3.0, None], "channel": ["phone", "chat", None, None]})
SPEC = learn_spec(COLUMNS, TRAINED)


def test_shares_by_hand() -> None:
    now = pd.DataFrame({"extra": "x", "channel": ["fax", "chat", None], "wait": [None, np.nan, 1]})
    wait, channel = missingness(SPEC, count_missing(SPEC, now))
    assert wait == Missingness("wait", "number", pytest.approx(2 / 3), 0.25, 0.0, emptied=False)
    assert channel == Missingness(
        "channel", "category", pytest.approx(1 / 3), 0.5, pytest.approx(1 / 3), emptied=False
    )
    assert wait.rise == pytest.approx(2 / 3 - 0.25)


def test_the_training_rows_themselves_have_risen_nowhere() -> None:
    assert [
        (f.rise, f.unknown_share, f.emptied)
        for f in missingness(SPEC, count_missing(SPEC, TRAINED))
    ] == [(0.0, 0.0, False)] * 2


@pytest.mark.parametrize(
    ("trained", "rows", "emptied"),
    [(0.0, 1, True), (0.25, 9, False), (0.25, 10, True), (0.999, 13_000, False), (1.0, 999, False)],
)
def test_a_column_is_emptied_when_chance_would_not_do_it(
    trained: float, rows: int, emptied: bool
) -> None:
    column = FeatureColumn("wait", "number", "wait", "support_wait", 1, "", null_share=trained)
    spec, frame = FeatureSpec((column,)), pd.DataFrame({"wait": [np.nan] * rows})
    [found] = missingness(spec, count_missing(spec, frame))
    assert found.emptied == emptied


def test_what_was_not_measured_is_not_compared() -> None:
    assert missingness(FeatureSpec(COLUMNS), count_missing(SPEC, TRAINED)) == []


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ModelError, match=r"channel \(renamed to channels\?\)"):
        count_missing(SPEC, TRAINED.rename(columns={"channel": "channels"}))


def test_counts_of_parts_add_up() -> None:
    parts = [count_missing(SPEC, TRAINED[:1]), count_missing(SPEC, TRAINED[1:])]
    assert sum(parts).equals(count_missing(SPEC, TRAINED))
