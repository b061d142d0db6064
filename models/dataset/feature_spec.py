"""Feature spec: the names, order, kinds and category vocabularies of a model's inputs.

A matrix is encoded by it as float32; a column of another kind is refused by name.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types
from pydantic import Field, TypeAdapter, ValidationError

from features.errors import ModelError
from models.dataset.array_types import Matrix

_NAME = re.compile(r"[\w.\-]+")
_KINDS = ("number", "category")
_MAX_LISTED = 8
_NEXT = "Use the feature code the model was trained with, or train again: stille train."


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """One input of the model.

    ``sign`` is +1 when more is expected to raise risk, -1 when it lowers it, 0 when left free.
    ``vocabulary`` holds a category's known values, sorted; their positions are the codes.
    ``null_share`` is the share of training rows (0 to 1) without a value, None when it was not
    measured: it says what is usual, not what the feature is, and so it is in no hash.
    """

    name: str
    kind: Literal["number", "category"]
    driver: str
    family: str
    sign: int
    definition: str
    vocabulary: tuple[str, ...] = ()
    null_share: Annotated[float, Field(ge=0, le=1)] | None = None


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """The inputs of a model in their order.

    Raises ``ModelError`` when a name is repeated or holds a character that the booster's text
    format cannot keep (blanks, quotes, brackets, commas, colons), or when a kind is unknown.
    """

    columns: tuple[FeatureColumn, ...]

    def __post_init__(self) -> None:
        names = self.names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ModelError(f"The feature spec names {', '.join(repeated)} more than once.")
        for column in self.columns:
            if not _NAME.fullmatch(column.name) or column.kind not in _KINDS:
                raise ModelError(
                    f"The feature spec cannot hold a {column.kind} named {column.name!r}: use "
                    "letters, digits, '_', '.' and '-', and the kinds number and category."
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in the order of the matrix."""
        return tuple(column.name for column in self.columns)

    @property
    def categories(self) -> tuple[int, ...]:
        """Positions of the category columns."""
        return tuple(i for i, column in enumerate(self.columns) if column.kind == "category")

    @property
    def signs(self) -> tuple[int, ...]:
        """Each column's sign; 0 for categories, whose codes have no direction."""
        return tuple(column.sign if column.kind == "number" else 0 for column in self.columns)

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of names, kinds, definitions, vocabularies and their order."""
        return _digest([(c.name, c.kind, c.definition, c.vocabulary) for c in self.columns])

    @property
    def definition_hash(self) -> str:
        """As ``hash`` but without vocabularies: equal when the feature code is the same."""
        return _digest([(c.name, c.kind, c.definition) for c in self.columns])

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """The model's matrix of ``frame``: float32, Fortran order, shape (rows, columns).

        Columns are found by name and extra ones ignored. A null and a category unseen in
        training become NaN. Raises ``ModelError`` when a column is missing, appears twice or
        holds another kind of value than in training.
        """
        refuse_missing(self.names, list(frame.columns))
        out = np.empty((len(frame), len(self.columns)), dtype=np.float32, order="F")
        for position, column in enumerate(self.columns):
            values = column_of(frame, column.name)
            if column.kind == "number":
                out[:, position] = number_values(values)
            else:
                out[:, position] = category_codes(values, column.vocabulary)
        return out

    def to_json(self) -> str:
        """Canonical JSON text, read back by ``from_json``."""
        return json.dumps({"columns": [asdict(column) for column in self.columns]}, indent=1)

    @staticmethod
    def from_json(text: str | bytes) -> "FeatureSpec":
        """Read ``to_json``'s text. Raises ``ModelError`` when it is not a feature spec."""
        try:
            return TypeAdapter(FeatureSpec).validate_json(text, strict=True, extra="forbid")
        except ValidationError as error:
            first = error.errors()[0]
            what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise ModelError(
                f"The model's spec.json is not a feature spec ({what}). Train again: stille train."
            ) from error


def learn_spec(columns: Sequence[FeatureColumn], frame: pd.DataFrame) -> FeatureSpec:
    """The spec of a model trained on ``frame``: shares of nulls, and each category's values.

    Raises ``ModelError`` when a column is missing or a category holds something else than text.
    """
    refuse_missing([column.name for column in columns], list(frame.columns))
    return FeatureSpec(tuple(_learn_column(column, frame) for column in columns))


def _learn_column(column: FeatureColumn, frame: pd.DataFrame) -> FeatureColumn:
    values = column_of(frame, column.name)
    null_share = round(float(values.isna().mean()), 6) if len(values) else None
    if column.kind == "number":
        return replace(column, null_share=null_share)
    category_codes(values, ())
    vocabulary = tuple(sorted(str(v) for v in values.dropna().unique()))
    return replace(column, vocabulary=vocabulary, null_share=null_share)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def realign(x: Matrix, have: FeatureSpec, want: FeatureSpec) -> Matrix:
    """The columns of ``x`` (n, have) in the order and codes of ``want``, (n, want).

    A category that ``want`` does not know becomes missing, as at scoring. Raises ``ModelError``
    naming what is absent or defined otherwise.
    """
    known = {column.name: i for i, column in enumerate(have.columns)}
    same = {(c.name, c.kind, c.definition) for c in have.columns}
    strange = [c.name for c in want.columns if (c.name, c.kind, c.definition) not in same]
    if strange:
        raise ModelError(
            f"the features are not the same: {listed(strange)} can no longer be built, or are "
            "defined otherwise now"
        )
    out = np.empty((len(x), len(want.columns)), dtype=np.float32, order="F")
    for i, column in enumerate(want.columns):
        position = known[column.name]
        values = x[:, position]
        if column.kind == "category":
            words = have.columns[position].vocabulary
            codes = category_codes(pd.Series(words, dtype=object), column.vocabulary)
            places = np.where(np.isnan(values), len(words), values).astype(int)
            values = np.append(codes, np.float32(np.nan))[places]
        out[:, i] = values
    return out


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
