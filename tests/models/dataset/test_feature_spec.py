import json
import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from features.errors import ModelError
from models.dataset.feature_spec import FeatureColumn, FeatureSpec, learn_spec


def number(name: str) -> FeatureColumn:
    return FeatureColumn(name, "number", "wait", "support_wait", 1, f"max({name})")


def category(name: str) -> FeatureColumn:
    return FeatureColumn(name, "category", "profile", "relationship", 0, f"any({name})")


FRAME = pd.DataFrame(
    {
        "wait": [1.5, None, 3.0],
        "channel": ["phone", None, "chat"],
        "count": [0, 1, 2],
        "paid": [True, False, True],
    }
)
SPEC = learn_spec((number("wait"), category("channel"), number("count"), number("paid")), FRAME)
EXPECTED = [[1.5, 1.0, 0.0, 1.0], [math.nan, math.nan, 1.0, 0.0], [3.0, 0.0, 2.0, 1.0]]


def test_encodes_by_hand() -> None:
    x = SPEC.encode(FRAME)
    np.testing.assert_array_equal(x, np.array(EXPECTED, dtype=np.float32))
    assert x.dtype == np.float32
    assert x.flags.f_contiguous


def test_vocabulary_is_sorted_and_without_null() -> None:
    assert SPEC.columns[1].vocabulary == ("chat", "phone")


@pytest.mark.promise("features")
def test_permuted_and_extra_columns_change_nothing() -> None:
    other = FRAME[["paid", "count", "channel", "wait"]].assign(extra="x")
    np.testing.assert_array_equal(SPEC.encode(other), SPEC.encode(FRAME))


def test_unseen_category_is_missing() -> None:
    x = SPEC.encode(FRAME.assign(channel=["fax", "chat", "phone"]))
    np.testing.assert_array_equal(x[:, 1], np.array([math.nan, 0.0, 1.0], dtype=np.float32))


@pytest.mark.parametrize("nothing", [None, math.nan])
@pytest.mark.parametrize("name", ["wait", "channel"])
def test_all_null_column_is_missing(name: str, nothing: object) -> None:
    values = pd.Series([nothing] * 3, dtype=object)
    x = SPEC.encode(FRAME.assign(**{name: values}))
    assert np.isnan(x[:, SPEC.names.index(name)]).all()


def test_a_category_that_was_always_null_has_no_vocabulary() -> None:
    spec = learn_spec((category("channel"),), FRAME.assign(channel=pd.Series([None] * 3)))
    assert spec.columns[0].vocabulary == ()
    assert np.isnan(spec.encode(FRAME)).all()


def test_nullable_and_categorical_dtypes() -> None:
    other = FRAME.assign(
        count=FRAME["count"].astype("Int64"), channel=FRAME["channel"].astype("category")
    )
    np.testing.assert_array_equal(SPEC.encode(other), SPEC.encode(FRAME))


def test_missing_column_is_named() -> None:
    with pytest.raises(ModelError, match=r"lacks 1 of the model's 4 columns: count\."):
        SPEC.encode(FRAME.drop(columns="count"))


def test_renamed_column_is_recognised() -> None:
    with pytest.raises(ModelError, match=r"channel \(renamed to channels\?\)"):
        SPEC.encode(FRAME.rename(columns={"channel": "channels"}))


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["1", "2", "3"]),
        pd.Series(pd.to_datetime(["2024-01-01"] * 3)),
        pd.Series([Decimal(1)] * 3),
        pd.Series([1j, 2j, 3j]),
    ],
    ids=["text", "date", "decimal", "complex"],
)
def test_retyped_number_is_refused(values: pd.Series) -> None:
    with pytest.raises(ModelError, match=r"'wait' holds .* trained on a number"):
        SPEC.encode(FRAME.assign(wait=values))


@pytest.mark.parametrize("values", [[1, 2, 3], [1.0, None, 2.0], ["a", 1, None]])
def test_retyped_category_is_refused(values: list[object]) -> None:
    with pytest.raises(ModelError, match=r"'channel' holds .* trained on a text"):
        SPEC.encode(FRAME.assign(channel=pd.Series(values)))


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e39])
def test_a_number_beyond_float32_is_refused(value: float) -> None:
    with pytest.raises(ModelError, match="row 1, holds"):
        SPEC.encode(FRAME.assign(wait=[0.0, value, 1.0]))


def test_repeated_column_is_refused() -> None:
    with pytest.raises(ModelError, match="2 columns named 'wait'"):
        SPEC.encode(pd.concat([FRAME, FRAME[["wait"]]], axis=1))


def test_json_round_trip() -> None:
    again = FeatureSpec.from_json(SPEC.to_json())
    assert again == SPEC
    assert again.hash == SPEC.hash


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"columns": [{"name": "a"}]}',
        '{"columns": 1}',
        '{"columns": [], "more": 1}',
    ],
)
def test_broken_json_is_a_model_error(text: str) -> None:
    with pytest.raises(ModelError, match=r"spec\.json"):
        FeatureSpec.from_json(text)


def test_hash_sees_order_definition_and_vocabulary() -> None:
    a, b = number("a"), category("b")
    hashes = {
        FeatureSpec((a, b)).hash,
        FeatureSpec((b, a)).hash,
        FeatureSpec((FeatureColumn("a", "number", "wait", "support_wait", 1, "min(a)"), b)).hash,
        learn_spec((a, b), pd.DataFrame({"a": [1], "b": ["x"]})).hash,
    }
    assert len(hashes) == 4


def test_definition_hash_is_blind_to_vocabulary_only() -> None:
    a, b = number("a"), category("b")
    learned = learn_spec((a, b), pd.DataFrame({"a": [1], "b": ["x"]}))
    assert learned.definition_hash == FeatureSpec((a, b)).definition_hash
    assert learned.definition_hash != FeatureSpec((b, a)).definition_hash


def test_shares_of_nulls_are_learned_and_stored_and_are_in_no_hash() -> None:
    assert [column.null_share for column in SPEC.columns] == [0.333333, 0.333333, 0.0, 0.0]
    assert FeatureSpec.from_json(SPEC.to_json()) == SPEC
    other = FeatureSpec(tuple(replace(column, null_share=0.9) for column in SPEC.columns))
    assert other != SPEC
    assert (other.hash, other.definition_hash) == (SPEC.hash, SPEC.definition_hash)


@pytest.mark.parametrize("share", ["0.1", -0.1, 1.5, math.nan])
def test_a_share_that_is_none_is_refused(share: object) -> None:
    rows = json.loads(SPEC.to_json())
    rows["columns"][0]["null_share"] = share
    with pytest.raises(ModelError, match=r"columns\.0\.null_share"):
        FeatureSpec.from_json(json.dumps(rows))


@pytest.mark.parametrize("name", ["a b", "", 'a"', "a,b", "a:b", "[a]"])
def test_names_that_a_booster_cannot_keep_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="cannot hold"):
        FeatureSpec((number(name),))


def test_repeated_names_are_refused() -> None:
    with pytest.raises(ModelError, match="a more than once"):
        FeatureSpec((number("a"), number("a")))
