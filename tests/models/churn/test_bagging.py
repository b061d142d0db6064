import numpy as np
import pytest

from models.churn.bagging import samples

Y = np.array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.int8)
ALL = np.arange(len(Y))


@pytest.mark.parametrize("negatives", [None, 5, 7])
def test_everything_is_kept_when_little_would_be_saved(negatives: int | None) -> None:
    for sample in samples(ALL, Y, negatives, 3):
        assert sample.rows.tolist() == ALL.tolist()
        assert sample.keep == 1.0


def test_members_share_leavers_but_no_stayers() -> None:
    one, two, three = samples(ALL, Y, 2, 3)
    hands = [set(sample.rows.tolist()) - {0, 5} for sample in (one, two, three)]
    assert [len(hand) for hand in hands] == [4, 4, 4]
    assert len(set.union(*hands)) == 12
    assert all({0, 5} <= set(sample.rows.tolist()) for sample in (one, two, three))
    assert one.keep == pytest.approx(4 / 14)


def test_stayers_are_dealt_again_when_they_run_out() -> None:
    found = samples(ALL, Y, 4, 3)
    assert all(len(set(sample.rows.tolist())) == 10 for sample in found)
    assert set(np.concatenate([sample.rows for sample in found]).tolist()) == set(ALL.tolist())


def test_only_the_given_rows_are_drawn_in_order() -> None:
    rows = np.array([0, 1, 3, 5, 6, 7, 8, 9])
    for sample in samples(rows, Y, 1, 2):
        assert set(sample.rows.tolist()) <= set(rows.tolist())
        assert (np.diff(sample.rows) > 0).all()


def test_the_stayers_kept_count_for_all() -> None:
    [sample] = samples(ALL, Y, 2, 1)
    weights = sample.weights(Y)
    kept = Y[sample.rows]
    assert weights[kept == 1].tolist() == [1.0, 1.0]
    assert weights[kept == 0].sum() == pytest.approx((Y == 0).sum())
