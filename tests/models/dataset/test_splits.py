import hashlib
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import GateError
from features.timeline import LabelWindow, month_starts
from models.dataset.splits import (
    customer_folds,
    customer_share,
    customer_split,
    newest_months,
    require_test_rows,
    rolling_origin,
)

WINDOW = LabelWindow(lead_days=14, horizon_days=90)
YEAR = np.array(month_starts(date(2024, 1, 1), date(2024, 12, 1)), dtype="datetime64[D]")


def months(mask: np.ndarray) -> list[int]:
    return [int(day[5:7]) for day in YEAR[mask].astype(str)]


def test_time_split_leaves_the_gap_by_hand() -> None:
    # 1 October is the first test date; 1 June + 104 days = 13 September, 1 July + 104 = 13 October
    fold = rolling_origin(YEAR, WINDOW, 1, 3)[0]
    assert months(fold.test) == [10, 11, 12]
    assert months(fold.train) == [1, 2, 3, 4, 5, 6]
    assert fold.name == "time, 2024-10 to 2024-12"


def test_a_window_that_ends_on_the_test_date_is_closed() -> None:
    ends_on_first_of_february = LabelWindow(lead_days=1, horizon_days=30)
    fold = rolling_origin(YEAR[:2], ends_on_first_of_february, 1, 1)[0]
    assert np.flatnonzero(fold.train).tolist() == [0]
    with pytest.raises(GateError, match="complete label window"):
        rolling_origin(YEAR[:2], LabelWindow(lead_days=2, horizon_days=30), 1, 1)


def test_several_as_of_dates_a_month_stay_together() -> None:
    twice = np.sort(np.concatenate([YEAR, YEAR + 14]))
    fold = rolling_origin(twice, WINDOW, 1, 1)[0]
    assert twice[fold.test].astype(str).tolist() == ["2024-12-01", "2024-12-15"]
    assert twice[fold.train].max() == np.datetime64("2024-08-15")


def test_rolling_origin_by_hand() -> None:
    older, newer = rolling_origin(YEAR, WINDOW, folds=2, test_months=2)
    assert (months(older.test), months(newer.test)) == ([9, 10], [11, 12])
    assert (months(older.train), months(newer.train)) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7])


@pytest.mark.fault(41)
@given(
    lead=st.integers(0, 40),
    horizon=st.integers(1, 120),
    folds=st.integers(1, 3),
    tests=st.integers(1, 3),
    offsets=st.lists(st.integers(0, 1500), min_size=1, max_size=60),
)
def test_no_training_label_looks_into_the_test_period(
    lead: int, horizon: int, folds: int, tests: int, offsets: list[int]
) -> None:
    days = np.datetime64("2021-01-01") + np.array(offsets)
    window = LabelWindow(lead, horizon)
    try:
        found = rolling_origin(days, window, folds, tests)
    except GateError:
        return
    for fold in found:
        assert fold.train.any()
        assert (days[fold.train] + lead + horizon <= days[fold.test].min()).all()
    assert sum(fold.test.astype(int) for fold in found).max() == 1


def test_too_short_a_history_says_so() -> None:
    with pytest.raises(GateError, match="3 months of labelled rows cannot give 1 test period"):
        rolling_origin(YEAR[:3], WINDOW, 1, 3)


def test_share_is_the_md5_of_the_id() -> None:
    ids = np.array(["å1", "b", "å1"], dtype=object)
    first = int(hashlib.md5("test:å1".encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32
    share = customer_share(ids, "test")
    assert share[0] == share[2] == first
    assert share[1] != first


def test_purposes_draw_independently() -> None:
    ids = np.array([str(i) for i in range(4000)], dtype=object)
    outer = customer_split(ids, 0.2)
    inner = customer_split(ids[outer.train], 0.2, "inner")
    assert inner.test.mean() == pytest.approx(0.2, abs=0.03)


def test_customer_split_keeps_a_customer_on_one_side() -> None:
    ids = np.repeat(np.array([str(i) for i in range(2000)], dtype=object), 3)
    fold = customer_split(ids, 0.25)
    assert not set(ids[fold.train]) & set(ids[fold.test])
    assert (fold.train ^ fold.test).all()
    assert fold.test.mean() == pytest.approx(0.25, abs=0.03)


def test_customer_folds_judge_everyone_once() -> None:
    ids = np.array([str(i) for i in range(3000)], dtype=object)
    folds = customer_folds(ids, 5)
    assert (sum(fold.test.astype(int) for fold in folds) == 1).all()
    assert all((fold.train ^ fold.test).all() for fold in folds)
    assert min(fold.test.mean() for fold in folds) > 0.17


def stacked(months: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ids = np.repeat(np.array([str(i) for i in range(100)], dtype=object), months)
    y = np.repeat(np.tile(np.array([1, 0], dtype=np.int8), 50), months)
    return ids, np.tile(YEAR[:months], 100), y


def test_newest_months_are_three_where_there_are_enough_before_them() -> None:
    _, as_of, y = stacked(12)
    fold = newest_months(as_of, y, WINDOW, 5)
    assert fold is not None
    assert fold.name == "time, 2024-10 to 2024-12"


def test_newest_months_are_fewer_in_a_short_history() -> None:
    _, as_of, y = stacked(6)  # 1 June leaves January and, at 105 days, not 1 March
    fold = newest_months(as_of, y, WINDOW, 5)
    assert fold is not None
    assert fold.name == "time, 2024-06 to 2024-06"
    assert np.unique(as_of[fold.train]).astype(str).tolist() == ["2024-01-01", "2024-02-01"]


def test_a_single_date_and_few_leavers_have_no_newest_months() -> None:
    _, as_of, y = stacked(1)
    assert newest_months(as_of, y, WINDOW, 5) is None
    _, as_of, _ = stacked(12)
    assert newest_months(as_of, (np.arange(1200) < 3).astype(np.int8), WINDOW, 5) is None


@pytest.mark.fault(42)
def test_too_few_leavers_to_judge_on_says_how_many_and_what_to_change() -> None:
    fold = rolling_origin(YEAR, WINDOW, 1, 3)[0]
    y = np.zeros(12, dtype=np.int8)
    y[[0, 9]] = 1
    require_test_rows(fold, y, 1)
    with pytest.raises(GateError, match=r"hold 1 leavers and 2 stayers; at least 2") as refused:
        require_test_rows(fold, y, 2)
    assert refused.value.exit_code == 6
    for hint in ("2024-10 to 2024-12", "training.test_months", "training.min_test_positives"):
        assert hint in str(refused.value)


@pytest.mark.fault(42)
def test_a_test_period_without_leavers_is_refused() -> None:
    fold = rolling_origin(YEAR, WINDOW, 1, 3)[0]
    with pytest.raises(GateError, match="hold 0 leavers and 3 stayers"):
        require_test_rows(fold, np.zeros(12, dtype=np.int8), 1)
