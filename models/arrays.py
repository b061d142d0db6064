"""Names for the array types that pass between the models' modules."""

from typing import TypeAlias

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
    """The kept rows of an (n, f) matrix, float32 in Fortran order, one column copied at a time.

    Plain indexing would return C order, which LightGBM can only bin by copying it again.
    """
    chosen = np.flatnonzero(keep) if keep.dtype == np.bool_ else keep
    out = np.empty((len(chosen), matrix.shape[1]), dtype=np.float32, order="F")
    for column in range(matrix.shape[1]):
        np.take(matrix[:, column], chosen, out=out[:, column])
    return out
