from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import ModelError
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, FeatureSpec

SPEC = FeatureSpec((FeatureColumn("wait", "number", "wait", "support_wait", 1, "max"),))
FRAME = pd.DataFrame(
    {
        "customer_id": ["b", "a", "B", "b"],
        "as_of": [date(2024, 2, 1), date(2024, 1, 1), date(2024, 1, 1), date(2024, 1, 1)],
        "product_line": ["gas", "power", "power", "gas"],
        "wait": [4.0, 2.0, 1.0, 3.0],
    }
)
LABELS = pd.Series([1, 0, 0, 1])


def test_rows_are_sorted_by_customer_then_date() -> None:
    examples = Examples.build(FRAME, SPEC, LABELS)
    assert examples.customer_id.tolist() == ["B", "a", "b", "b"]
    assert examples.x[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert examples.y.tolist() == [0, 0, 1, 1]
    assert examples.as_of.astype(str).tolist()[2:] == ["2024-01-01", "2024-02-01"]
    assert examples.product_line.tolist() == ["power", "power", "gas", "gas"]
    assert (examples.y.dtype, examples.x.dtype) == (np.int8, np.float32)
    assert examples.x.flags.f_contiguous


def test_labels_go_by_position_not_by_index() -> None:
    shuffled = FRAME.iloc[[2, 0, 3, 1]]
    again = Examples.build(shuffled, SPEC, LABELS.iloc[[2, 0, 3, 1]])
    assert again.y.tolist() == [0, 0, 1, 1]
    assert again.x[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("keep", [np.array([True, False, True, False]), np.array([0, 2])])
def test_take(keep: np.ndarray) -> None:
    part = Examples.build(FRAME, SPEC, LABELS).take(keep)
    assert part.customer_id.tolist() == ["B", "b"]
    assert part.x[:, 0].tolist() == [1.0, 3.0]
    assert part.x.flags.f_contiguous
    assert len(part) == 2


def test_a_customer_twice_on_one_date_is_refused() -> None:
    twice = FRAME.assign(as_of=date(2024, 1, 1))
    with pytest.raises(ModelError, match=r"1 matrix rows repeat .* 2024-01-01"):
        Examples.build(twice, SPEC, LABELS)


@pytest.mark.parametrize("labels", [[0, 1, 2, 0], [0, 1, None, 0], [0, 1, 0.5, 0]])
def test_other_labels_are_refused(labels: list[object]) -> None:
    with pytest.raises(ModelError, match="neither 0 nor 1"):
        Examples.build(FRAME, SPEC, pd.Series(labels))


def test_wrong_number_of_labels_is_refused() -> None:
    with pytest.raises(ModelError, match="4 matrix rows came with 3 labels"):
        Examples.build(FRAME, SPEC, LABELS.iloc[:3])


@pytest.mark.parametrize("key", ["customer_id", "as_of"])
def test_a_row_without_key_is_refused(key: str) -> None:
    broken = FRAME.copy()
    broken[key] = pd.Series([None, *FRAME[key][1:]], dtype=object)
    with pytest.raises(ModelError, match="no customer_id or no as_of"):
        Examples.build(broken, SPEC, LABELS)


def test_margins_follow_their_rows_and_are_no_input() -> None:
    paid = FRAME.assign(margin_per_year=pd.array([40, None, 10, 30], dtype="Int64"))
    examples = Examples.build(paid, SPEC, LABELS)
    assert examples.margin[[0, 2, 3]].tolist() == [10.0, 30.0, 40.0]
    assert np.isnan(examples.margin[1])
    assert examples.spec.names == ("wait",)
    assert examples.take(np.array([0, 2])).margin.tolist() == [10.0, 30.0]
    assert np.isnan(Examples.build(FRAME, SPEC, LABELS).margin).all()
