"""Alignment of an encoded matrix to another model's feature spec."""

import numpy as np

from features.errors import ModelError
from models.dataset.array_types import Matrix
from models.dataset.feature_spec import FeatureSpec


def realign(x: Matrix, have: FeatureSpec, want: FeatureSpec) -> Matrix:
    """The columns of ``x`` (n, have) in the order and codes of ``want``, (n, want).

    A category that ``want`` does not know becomes missing, as at scoring. Raises ``ModelError``
    naming what is absent or defined otherwise.
    """
    known = {column.name: i for i, column in enumerate(have.columns)}
    strange = [
        column.name
        for column in want.columns
        if column.name not in known
        or have.columns[known[column.name]].kind != column.kind
        or have.columns[known[column.name]].definition != column.definition
    ]
    if strange:
        raise ModelError(
            f"the features are not the same: {', '.join(strange[:5])}"
            + (f" and {len(strange) - 5} more" if len(strange) > 5 else "")
            + " can no longer be built, or are defined otherwise now"
        )
    out = np.empty((len(x), len(want.columns)), dtype=np.float32, order="F")
    for i, column in enumerate(want.columns):
        position = known[column.name]
        values = x[:, position]
        if column.kind == "category":
            values = _recoded(values, have.columns[position].vocabulary, column.vocabulary)
        out[:, i] = values
    return out


def _recoded(codes: np.ndarray, old: tuple[str, ...], new: tuple[str, ...]) -> np.ndarray:
    position = {word: i for i, word in enumerate(new)}
    table = np.array([position.get(word, np.nan) for word in old] + [np.nan], dtype=np.float32)
    where = np.where(np.isnan(codes), len(old), codes).astype(int)
    return np.asarray(table[where], dtype=np.float32)
