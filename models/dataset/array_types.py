"""Array type aliases, and row selection that keeps their memory layout."""

from dataclasses import Field, fields, replace
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[np.float32]
Labels: TypeAlias = NDArray[np.int8]
Mask: TypeAlias = NDArray[np.bool_]
Index: TypeAlias = NDArray[np.intp]
Texts: TypeAlias = NDArray[np.object_]
Days: TypeAlias = NDArray[np.datetime64]


def rows_of(matrix: Matrix, keep: Mask | Index) -> Matrix:
    """The selected rows of an (n, f) matrix, float32 in Fortran order, one column copied at a time.

    Plain indexing would return C order, which LightGBM can only bin by copying it again.
    """
    chosen = np.flatnonzero(keep) if keep.dtype == np.bool_ else keep
    out = np.empty((len(chosen), matrix.shape[1]), dtype=np.float32, order="F")
    for column in range(matrix.shape[1]):
        np.take(matrix[:, column], chosen, out=out[:, column])
    return out


class RowTable:
    """Base of dataclasses whose arrays have one entry a row; other fields are of all rows."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, keep: Mask | Index) -> Self:
        """The selected rows, by a mask or by positions (ascending ones, where rows are sorted).

        Matrices of float32 are cut by ``rows_of``, tables within likewise; other fields stay.
        """
        parts: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                is_matrix = value.ndim == 2 and value.dtype == np.float32
                parts[field.name] = rows_of(value, keep) if is_matrix else value[keep]
            elif isinstance(value, RowTable):
                parts[field.name] = value.take(keep)
        return replace(self, **parts)

    def append(self, other: Self) -> Self:
        """These rows and then the other ones, of a table without tables within."""
        both = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        parts: dict[str, Any] = {name: np.concatenate(pair) for name, pair in both.items()}
        return replace(self, **parts)
