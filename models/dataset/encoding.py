"""Encoding of matrix columns as float32; a column of another kind is refused by name."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from features.errors import ModelError
from models.dataset.array_types import Matrix

_MAX_LISTED = 8
_NEXT = "Use the feature code the model was trained with, or train again: stille train."


def refuse_missing(expected: Sequence[str], present: Sequence[str]) -> None:
    """Raise ``ModelError`` naming the expected columns that are absent, with near names."""
    have = set(present)
    missing = [name for name in expected if name not in have]
    if not missing:
        return
    spare = [str(name) for name in present if name not in set(expected)]
    near = {name: get_close_matches(name, spare, n=1) for name in missing}
    hints = [f"{name} (renamed to {n[0]}?)" if n else name for name, n in near.items()]
    raise ModelError(
        f"The matrix lacks {len(missing)} of the model's {len(expected)} columns: "
        f"{listed(hints)}. {_NEXT}"
    )


def listed(names: Sequence[str]) -> str:
    """The first eight of the names, and how many more there are.

    >>> listed(list("abcdefghij"))
    'a, b, c, d, e, f, g, h and 2 more'
    """
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def column_of(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """The column called ``name``; raises ``ModelError`` when several are."""
    values = frame[name]
    if isinstance(values, pd.DataFrame):
        raise ModelError(f"The matrix has {values.shape[1]} columns named {name!r}. {_NEXT}")
    return values


def number_values(values: "pd.Series[Any]") -> Matrix:
    """A number column as float32, shape (n,); null becomes NaN.

    Raises ``ModelError`` when it holds texts, dates or numbers beyond float32.
    """
    if values.dtype == object and values.isna().all():
        return np.full(len(values), np.nan, dtype=np.float32)
    if not types.is_numeric_dtype(values.dtype) or types.is_complex_dtype(values.dtype):
        raise _kind_error(values, "a number")
    wide = values.to_numpy(dtype=np.float64, na_value=np.nan)
    beyond = np.abs(wide) > np.finfo(np.float32).max
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0])
        raise ModelError(
            f"Matrix column {values.name!r}, row {row}, holds {wide[row]}, which is beyond a "
            f"32-bit number. Correct the source column or its unit."
        )
    return wide.astype(np.float32)


def category_codes(values: "pd.Series[Any]", vocabulary: Sequence[str]) -> Matrix:
    """A category column as positions in ``vocabulary``, float32, shape (n,).

    Null and unseen values become NaN. Raises ``ModelError`` when it holds anything but text.
    """
    plain = values.astype(object)
    if types.infer_dtype(plain, skipna=True) not in {"string", "empty"}:
        raise _kind_error(values, "a text")
    codes = pd.Index(list(vocabulary), dtype=object).get_indexer(pd.Index(plain, dtype=object))
    return np.where(codes < 0, np.nan, codes).astype(np.float32)


def _kind_error(values: "pd.Series[Any]", expected: str) -> ModelError:
    present = values.dropna()
    example = f", for example {present.iloc[0]!r}" if len(present) else ""
    return ModelError(
        f"Matrix column {values.name!r} holds {values.dtype}{example}, where the model was "
        f"trained on {expected}. {_NEXT}"
    )
