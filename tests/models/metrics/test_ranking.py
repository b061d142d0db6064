import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.metrics.ranking import Counts, Ranked, auc, average_precision, count, recall_at

few_levels = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=40
).filter(lambda rows: len({y for y, _, w in rows if w}) == 2)


def counted(y: list[int], score: list[float], weight: list[float] | None = None) -> Counts:
    ranked = Ranked.of(np.array(y, dtype=np.int8), np.array(score, dtype=np.float64))
    weights = np.ones(len(y)) if weight is None else np.array(weight, dtype=np.float64)
    return count(ranked, weights[ranked.order][None, :])


def test_by_hand() -> None:
    # scores 0.9, then 0.5 twice (one leaver), then 0.1: 4 rows, 2 leavers
    counts = counted([1, 1, 0, 0], [0.9, 0.5, 0.5, 0.1])
    assert auc(counts)[0] == pytest.approx((2 + 1.5) / 4)
    assert average_precision(counts)[0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert recall_at(counts, (0.25, 0.5, 0.75))[0].tolist() == pytest.approx([0.5, 0.75, 1.0])


@given(few_levels)
def test_auc_equals_the_pairs_won(rows: list[tuple[int, int, int]]) -> None:
    y, score, weight = map(list, zip(*rows, strict=True))
    won = total = 0.0
    for (a, sa, wa), (b, sb, wb) in itertools.product(rows, rows):
        if a == 1 and b == 0:
            total += wa * wb
            won += wa * wb * ((sa > sb) + (sa == sb) / 2)
    assert auc(counted(y, score, weight))[0] == pytest.approx(won / total)


@given(few_levels)
def test_equals_sklearn(rows: list[tuple[int, int, int]]) -> None:
    y, score, weight = map(list, zip(*rows, strict=True))
    counts = counted(y, score, weight)
    assert auc(counts)[0] == pytest.approx(roc_auc_score(y, score, sample_weight=weight))
    expected = average_precision_score(y, score, sample_weight=weight)
    assert average_precision(counts)[0] == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=2, max_size=6).filter(
        lambda rows: any(y for y, _ in rows)
    ),
    st.integers(1, 6),
)
def test_recall_is_the_average_over_all_orders_of_the_ties(
    rows: list[tuple[int, int]], top: int
) -> None:
    top = min(top, len(rows))
    found = []
    for order in itertools.permutations(rows):
        ranked = sorted(order, key=lambda row: -row[1])
        found.append(sum(y for y, _ in ranked[:top]) / sum(y for y, _ in rows))
    y, score = map(list, zip(*rows, strict=True))
    share = top / len(rows)
    assert recall_at(counted(y, score), (share,))[0, 0] == pytest.approx(np.mean(found))


@given(few_levels)
def test_a_weight_is_that_many_copies(rows: list[tuple[int, int, int]]) -> None:
    y, score, weight = (np.array(part) for part in zip(*rows, strict=True))
    once = counted(y, score, weight)
    copied = counted(np.repeat(y, weight), np.repeat(score, weight))
    assert auc(once)[0] == pytest.approx(auc(copied)[0])
    assert average_precision(once)[0] == pytest.approx(average_precision(copied)[0])
    shares = (0.1, 0.5)
    np.testing.assert_allclose(recall_at(once, shares), recall_at(copied, shares))


def test_an_absent_class_gives_nan() -> None:
    counts = counted([0, 0], [0.2, 0.1])
    assert np.isnan(auc(counts)[0])
    assert np.isnan(average_precision(counts)[0])
    assert np.isnan(recall_at(counts, (0.5,))[0, 0])
