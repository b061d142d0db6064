"""Array type aliases, and row selection that keeps their memory layout."""

from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[np.float32]
Labels: TypeAlias = NDArray[np.int8]
Mask: TypeAlias = NDArray[np.bool_]
Index: TypeAlias = NDArray[np.intp]
Texts: TypeAlias = NDArray[np.object_]
Days: TypeAlias = NDArray[np.datetime64]

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Table = TypeVar("Table", bound=DataclassInstance)


def rows_of(matrix: Matrix, keep: Mask | Index) -> Matrix:
    """The selected rows of an (n, f) matrix, float32 in Fortran order, one column copied at a time.

    Plain indexing would return C order, which LightGBM can only bin by copying it again.
    """
    chosen = np.flatnonzero(keep) if keep.dtype == np.bool_ else keep
    out = np.empty((len(chosen), matrix.shape[1]), dtype=np.float32, order="F")
    for column in range(matrix.shape[1]):
        np.take(matrix[:, column], chosen, out=out[:, column])
    return out


def take_rows(table: "Table", keep: Mask | Index) -> "Table":
    """The dataclass with the selected rows of each of its arrays, and its other fields as they are.

    ``keep`` is a mask, or positions in ascending order. Matrices are cut by ``rows_of``.
    """
    parts = {
        field.name: rows_of(value, keep) if value.ndim == 2 else value[keep]
        for field in fields(table)
        if isinstance(value := getattr(table, field.name), np.ndarray)
    }
    return replace(table, **parts)
